"""Requests and answers: what may be sent, what is copied, how answers are told."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amltui.domain.errors import AmltuiError
from amltui.domain.latency import Timing
from amltui.domain.replica_input import InvalidInput
from amltui.domain.request import (
    SAMPLE,
    Answer,
    Attempt,
    Request,
    body_problem,
    compare,
    parse_header,
    parse_limit,
    pretty,
    sample_of_swagger,
)
from amltui.domain.request_copy import as_curl, as_python

URL = "http://svc.example.org/score"
AT = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)
# What a shell or Python would act on, were it not quoted.
NASTY = st.text(
    st.sampled_from("ab'\"$`\\;|&<>(){}[]!*?~# \n\t%=é日"), min_size=0, max_size=30
)  # fmt: skip


def answer(status: int, body: str = "{}", wait: float = 0.02, **headers: str) -> Answer:
    pairs = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Answer(status, "", pairs, body, len(body), Timing(0.001, 0, wait, 0.001))


def attempt(number: int, found: Answer | None = None, **fields: Any) -> Attempt:
    return Attempt(number, Request(URL), AT, AT + timedelta(seconds=1), "x", found, **fields)


def test_the_sample_is_the_articles_two_rows() -> None:
    assert json.loads(SAMPLE) == {"data": [[*range(1, 11)], [*range(10, 0, -1)]]}


@pytest.mark.parametrize(
    "url",
    ["", "svc/score", "ftp://x/score", "http://", "http://user:pw@x/score", "javascript:1",
     "http://[", "http://[x]/", "http://x:99999/score", "http://x:port/score", "http://x:0/",
     "http://a\u2100b/"],
)  # fmt: skip
def test_an_address_that_cannot_be_asked_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Request(url)
    assert caught.value.field == "url"


@given(st.one_of(st.text(max_size=20), st.text("[]:/@%?#.a1 é", max_size=20)))
def test_any_text_is_an_address_or_a_sentence(text: str) -> None:
    for url in (text, f"http://{text}"):
        with contextlib.suppress(InvalidInput):
            Request(url)


@pytest.mark.parametrize("header", [("X-A", "1\r\nX-B: 2"), ("X A", "1"), ("", "1"), ("X:", "1")])
def test_headers_cannot_smuggle_others(header: tuple[str, str]) -> None:
    with pytest.raises(InvalidInput):
        Request(URL, headers=(header,))


@pytest.mark.parametrize(
    ("typed", "seconds"), [("10", 10), ("500ms", 0.5), ("2m", 120), (" 60 s ", 60)]
)
def test_limits_as_people_type_them(typed: str, seconds: float) -> None:
    assert parse_limit(typed) == seconds


@pytest.mark.parametrize("typed", ["", "0", "-1", "1ms", "2h", "soon", "1,5"])
def test_absurd_limits_are_told_in_a_sentence(typed: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_limit(typed)
    assert caught.value.title.startswith("Time limit in seconds")
    assert "0.000001" not in str(caught.value)


def test_headers_as_people_type_them() -> None:
    assert parse_header("X-A: b: c") == ("X-A", "b: c")
    with pytest.raises(InvalidInput):
        parse_header("X-A")


def test_a_body_that_is_no_json_is_told_with_its_line() -> None:
    assert body_problem(SAMPLE) == ""
    assert "line 2" in body_problem('{\n"a" 1}')
    assert "too deep" in body_problem("[" * 200_000)


# Copying


def shell_arguments(command: str) -> list[str]:
    script = 'curl() { printf "%s\\0" "$@"; }\n' + command
    done = subprocess.run(
        ["sh", "-c", script], env={"AMLTUI_KEY": "K'1", "X_KEY": "$(x)"}, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.decode().split("\0")[:-1]


@settings(max_examples=40, deadline=None)
@given(NASTY, NASTY)
def test_the_curl_command_carries_everything_through_a_shell(body: str, value: str) -> None:
    value = "".join(char for char in value if char.isprintable())
    request = Request(URL + "?q=[1]&r='", body, (("X-`id`", value), ("X-Key", "secret")), 5)
    command = as_curl(request, key=True)
    assert "secret" not in command
    arguments = shell_arguments(command)
    assert request.url in arguments
    assert "Authorization: Bearer K'1" in arguments
    assert f"X-`id`: {value}" in arguments
    assert "X-Key: $(x)" in arguments
    if body:
        assert arguments[-2:] == ["--data-raw", body]


@settings(max_examples=40, deadline=None)
@given(NASTY)
def test_the_python_script_sends_the_same(body: str) -> None:
    sent: list[Any] = []
    answered = SimpleNamespace(status_code=200, text="")

    def record(*args: Any, **named: Any) -> Any:
        sent.append((args, named))
        return answered

    script = as_python(Request(URL, body, (("X-Key", "secret"),), 5), key=True)
    assert "secret" not in script
    before = sys.modules.get("requests")
    sys.modules["requests"] = SimpleNamespace(request=record)  # type: ignore[assignment]
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AMLTUI_KEY", "K1")
            patch.setenv("X_KEY", "K2")
            exec(script, {"print": lambda *_: None})
    finally:
        if before is None:
            del sys.modules["requests"]
        else:
            sys.modules["requests"] = before
    ((args, named),) = sent
    assert args == ("POST", URL)
    assert named["data"] == body.encode()
    assert named["headers"]["Authorization"] == "Bearer K1"
    assert named["headers"]["X-Key"] == "K2"
    assert named["allow_redirects"] is False


def test_without_a_key_nothing_is_read_from_the_environment() -> None:
    assert "Authorization" not in as_curl(Request(URL), key=False)
    assert "os" not in as_python(Request(URL), key=False).split("headers")[0]


# Answers


@pytest.mark.parametrize(
    ("status", "word"),
    [(200, "answered"), (204, "204"), (302, "redirects are not followed"), (401, "key"),
     (418, "could not read"), (502, "run() failed"), (503, "no replica"), (504, "longer"),
     (599, "server failed")],
)  # fmt: skip
def test_every_status_is_told_in_words(status: int, word: str) -> None:
    assert word in answer(status).words


def test_the_headers_that_matter_come_first() -> None:
    found = answer(502, Server="x", X_Odd="1", X_Ms_Run_Function_Failed="True", X_Ms_Request_Id="7")
    assert [name for name, _ in found.notable][:2] == [
        "X-Ms-Run-Function-Failed",
        "X-Ms-Request-Id",
    ]
    assert found.notable[-1][0] == "X-Odd"
    assert found.header("x-ms-request-id") == "7"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-999, 999) | st.text("aé日\"\\", max_size=5),
    lambda inner: st.lists(inner, max_size=5)
    | st.dictionaries(st.text("ab", max_size=3), inner, max_size=4),
    max_leaves=40,
)  # fmt: skip


@given(JSON)
def test_unfolded_json_is_still_the_same_json(value: Any) -> None:
    body = json.dumps(value)
    shown = pretty(body, folded=False)
    if not (isinstance(value, str) and value[:1] in "{["):
        assert json.loads(shown) == value


def test_long_answers_are_folded_and_say_how_much() -> None:
    body = json.dumps({"result": list(range(1000)), "rows": [[1, 2]] * 50, "s": "x" * 1000})
    shown = pretty(body)
    assert "… 980 more" in shown
    assert "… 30 more" in shown
    assert "802 more characters" in shown
    assert len(shown.split("\n")) < 40
    assert max(len(line) for line in pretty(json.dumps(list(range(9999)))).split("\n")) <= 80


@pytest.mark.parametrize("folded", [True, False])
def test_the_rest_of_a_long_line_is_counted_to_its_end(folded: bool) -> None:
    shown = pretty("x" * 500_000 + "\ny", folded=folded)
    count = int(shown.split("… ")[1].split(" ")[0].replace(",", ""))
    assert shown.count("x") + count == 500_000


def test_even_unfolded_the_lines_are_bounded() -> None:
    body = json.dumps([{"a": 1}] * 20_000)
    lines = pretty(body, folded=False).split("\n")
    assert len(lines) <= 3_001
    assert "not shown" in lines[-1]
    text = pretty("x y " * 1_000_000 + "\n" + "z" * 1_000_000, folded=False)
    assert len(text) < 70_000


def test_json_in_a_json_string_is_laid_out_too() -> None:
    shown = pretty(json.dumps(json.dumps({"result": [1, 2]})))
    assert shown.startswith("(a JSON text inside a JSON string")
    assert '"result": [1, 2]' in shown


@pytest.mark.parametrize("body", ["[" * 100_000, "{", "", "plain\ntext", "1e999", "9" * 5000])
def test_odd_bodies_are_shown_as_they_are(body: str) -> None:
    assert len(pretty(body)) < 50_000


def test_nothing_a_body_holds_reaches_the_terminal_raw() -> None:
    hostile = "\x1b]52;c;QUJD\x07 \x9b2J \x1b[31mred ‮evil"
    for body in (hostile, json.dumps({"a\x1b[2J": hostile}), json.dumps({"a": hostile})):
        shown = pretty(body)
        assert not set(shown) & {"\x1b", "\x9b", "\x07", "‮"}
    assert "s3cr3t" not in pretty("https://x.blob/?sv=1&sig=s3cr3t%2Bx")


def test_two_attempts_are_compared_line_by_line() -> None:
    before = attempt(1, answer(200, '{"result": [1, 2]}', 0.1))
    now = attempt(2, answer(200, '{"result": [1, 3]}', 0.2))
    lines = compare(before, now)
    assert any(line.startswith("wait") and "100 ms" in line and "200 ms" in line for line in lines)
    assert "request: the same" in lines
    assert "answer: differs" in lines
    assert '+  "result": [1, 3]' in lines


def test_what_is_folded_away_is_compared_too() -> None:
    long = [list(range(1000)), [*range(999), "other"], list(range(100_000)), [*range(99_999), 0]]
    texts = [json.dumps({"result": value}) for value in long]
    lines = compare(attempt(1, answer(200, texts[0])), attempt(2, answer(200, texts[1])))
    assert any(line.startswith("+") and "other" in line for line in lines)
    lines = compare(attempt(1, answer(200, texts[2])), attempt(2, answer(200, texts[3])))
    assert lines[-1] == "answer: differs, but not in the lines compared here"


def test_an_attempt_without_an_answer_can_be_compared() -> None:
    failed = attempt(2, error=AmltuiError("No answer within 5 s"))
    assert "#2  No answer within 5 s" in compare(attempt(1, answer(200)), failed)


# Swagger


def swagger(schema: Any, **more: Any) -> str:
    parameter = {"in": "body", "name": "x", "schema": schema}
    return json.dumps({"paths": {"/": {}, "/score": {"post": {"parameters": [parameter]}}}, **more})


def test_the_example_of_the_swagger_is_taken() -> None:
    text = swagger(
        {"$ref": "#/definitions/In"}, definitions={"In": {"example": {"data": [[1, 2]]}}}
    )
    assert json.loads(sample_of_swagger(text)) == {"data": [[1, 2]]}


def test_without_an_example_the_types_make_one() -> None:
    schema = {
        "type": "object",
        "properties": {
            "rows": {"type": "array", "items": {"type": "number"}},
            "name": {"type": "string"},
            "n": {"type": "integer", "default": 3},
        },
    }
    assert json.loads(sample_of_swagger(swagger(schema))) == {"rows": [0.0], "name": "", "n": 3}


def test_openapi_3_is_read_too() -> None:
    content = {"application/json": {"schema": {"type": "array", "items": {"type": "boolean"}}}}
    text = json.dumps({"paths": {"/score": {"post": {"requestBody": {"content": content}}}}})
    assert sample_of_swagger(text) == "[false]"


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"paths": 1}', '{"paths": {"/score": {"post": {}}}}', "[" * 50_000,
     swagger({"$ref": "#/no/where"}), swagger(7)],
)  # fmt: skip
def test_a_document_without_a_body_is_told(text: str) -> None:
    with pytest.raises(InvalidInput):
        sample_of_swagger(text)


def test_a_schema_that_holds_itself_ends() -> None:
    ref = {"$ref": "#/definitions/A"}
    text = swagger(ref, definitions={"A": {"type": "object", "properties": {"a": ref}}})
    assert sample_of_swagger(text).startswith('{"a": {"a"')
