"""Error payloads become trees that a person can read, whatever is in them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amltui.domain.failures import MAX_MESSAGE, MAX_NODES, innermost, unfold
from amltui.domain.models import Failure

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text()
    | st.sampled_from(['{"code":"X","message":"y"}', r"{\"code\":\"X\",\"message\":\"y\"}", "[[[{"])
)  # fmt: skip
KEYS = st.text() | st.sampled_from(
    ["code", "message", "error", "details", "innerError", "statusCode"]
)
PAYLOADS = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner), max_leaves=30
)


def nodes(failure: Failure) -> list[Failure]:
    return [failure, *(node for detail in failure.details for node in nodes(detail))]


@settings(max_examples=100)
@given(PAYLOADS)
def test_any_payload_becomes_a_bounded_tree(payload: Any) -> None:
    failure = unfold(payload)
    if failure is None:
        return
    for node in nodes(failure):
        assert "\x1b" not in node.message
        assert "\x00" not in node.code + node.status
    assert "\n" not in innermost(failure).message


@given(PAYLOADS)
def test_a_payload_as_escaped_text_is_read_too(payload: Any) -> None:
    unfold({"code": "Outer", "message": json.dumps(json.dumps(payload))})


@pytest.mark.parametrize("empty", [None, "", {}, [], {"error": None}, {"code": ""}])
def test_nothing_is_no_failure(empty: Any) -> None:
    assert unfold(empty) is None


def test_no_schedule_on_kubernetes() -> None:
    failure = unfold(
        {
            "code": "KubernetesError",
            "statusCode": 400,
            "message": "Kubernetes Deployment Error",
            "details": [
                {
                    "code": "Unschedulable",
                    "message": "0/3 nodes are available: 3 Insufficient gpu.",
                },
                {"code": "DeploymentFailed", "message": "Couldn't Schedule because …\nAdd nodes."},
            ],
        }
    )
    assert failure is not None
    assert (failure.code, failure.status) == ("KubernetesError", "400")
    assert [detail.code for detail in failure.details] == ["Unschedulable", "DeploymentFailed"]
    assert innermost(failure) == Failure(
        "Unschedulable", "0/3 nodes are available: 3 Insufficient gpu."
    )


def test_json_in_a_message_becomes_the_next_level() -> None:
    inner = {"error": {"code": "InaccessibleImage", "message": "The image is not accessible."}}
    failure = unfold({"code": "AciDeploymentFailed", "message": "Failed: " + json.dumps(inner)})
    assert failure == Failure(
        "AciDeploymentFailed",
        "Failed:",
        details=(Failure("InaccessibleImage", "The image is not accessible."),),
    )


def test_doubly_escaped_json_is_unfolded() -> None:
    innermost_json = json.dumps({"code": "Deep", "message": "the cause"})
    middle = json.dumps({"error": {"code": "Middle", "message": innermost_json}})
    escaped = json.dumps(middle)[1:-1]  # the inside of a JSON string
    failure = unfold({"code": "Outer", "message": escaped})
    assert failure is not None
    assert [node.code for node in nodes(failure)] == ["Outer", "Middle", "Deep"]
    assert innermost(failure).message == "the cause"


def test_container_events_become_indented_text() -> None:
    state = {"state": "Terminated", "exitCode": 111, "finishTime": None}
    events = [{"name": "Pulled", "count": 1}, {"name": "BackOff", "count": 3}]
    message = (
        'Crashed:\n"RestartCount": 3\n"CurrentState": ' + json.dumps(state)
        + '\n"Events":' + json.dumps(events) + "\nSee the logs."
    )  # fmt: skip
    failure = unfold({"code": "CrashLoopBackOff", "message": message})
    assert failure is not None
    assert failure.message.splitlines() == [
        "Crashed:",
        '"RestartCount": 3',
        '"CurrentState": ',
        "state: Terminated",
        "exitCode: 111",
        '"Events":',
        "- name: Pulled",
        "  count: 1",
        "- name: BackOff",
        "  count: 3",
        "See the logs.",
    ]
    assert failure.details == ()


def test_hostile_and_secret_text_is_cleaned() -> None:
    failure = unfold(
        {
            "code": "\x1b]0;title\x07Bad\nCode",
            "message": "\x1b[2Jblob?sv=1&sig=abcdefSECRET%3D and\x00 \u202eright",
        }
    )
    assert failure is not None
    assert "SECRET" not in failure.message
    assert not {"\x1b", "\x00", "\u202e"} & set(failure.message + failure.code)
    assert "\n" not in failure.code


def test_size_and_depth_are_bounded() -> None:
    deep: Any = {"code": "Bottom", "message": "x" * 100_000}
    for level in range(50):
        deep = {"code": f"L{level}", "message": "m", "innerError": deep}
    wide = {"code": "W", "details": [{"code": str(n), "message": "m"} for n in range(5_000)]}
    for payload in (deep, wide, "[" * 100_000, "{" * 100_000, '{"a":' * 5_000):
        failure = unfold(payload)
        assert failure is not None
        assert len(nodes(failure)) <= MAX_NODES + 1
        assert all(len(node.message) <= MAX_MESSAGE + 2 for node in nodes(failure))
