"""The demo server without the SDK: its life, its sockets, its scoring endpoints, its faults."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from amltui.demo.identity import MMS
from amltui.demo.launcher import DemoError, DemoServer, start
from tests.demo.demo_sdk import ControlClient

TOKEN = {"Authorization": "Bearer a.b.c"}


def fetch(
    url: str,
    body: bytes | None = None,
    *,
    headers: dict[str, str] | None = None,
    method: str | None = None,
    context: ssl.SSLContext | None = None,
) -> tuple[int, Any, dict[str, str]]:
    request = urllib.request.Request(url, body, {**TOKEN, **(headers or {})}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10, context=context) as answer:
            return answer.status, answer.read(), dict(answer.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(), dict(error.headers)


def until(condition: Callable[[], bool], seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state != "Z"
    return False


def service_path(demo: DemoServer, name: str) -> str:
    return f"{demo.url}{MMS}/services/{name}"


def scoring(demo: DemoServer, name: str, body: Any, key: str | None = None) -> tuple[int, Any, Any]:
    status, payload, _ = fetch(service_path(demo, name))
    assert status == 200
    uri = json.loads(payload)["scoringUri"].replace("https://", "http://")
    headers = {"Authorization": f"Bearer {key or f'demo-primary-{name}-0000'}"}
    return fetch(uri, json.dumps(body).encode(), headers=headers)


# Life


def test_stop_is_fast_idempotent_and_leaves_nothing() -> None:
    server = start()
    folder = Path(server.ca_bundle).parent
    assert folder.stat().st_mode & 0o777 == 0o700
    begin = time.monotonic()
    server.stop()
    server.stop()
    assert time.monotonic() - begin < 1
    assert not folder.exists()
    assert not alive(server.pid)


def test_stop_is_fast_while_requests_hang() -> None:
    with start() as server:
        ControlClient(server).fault(".*", "hang")
        address = server.url.removeprefix("http://").split(":")
        with socket.create_connection((address[0], int(address[1]))) as client:
            client.sendall(b"GET /subscriptions HTTP/1.1\r\nHost: x\r\n\r\n")
            begin = time.monotonic()
            server.stop()
            assert time.monotonic() - begin < 1


def test_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    script = (
        "import sys, time\n"
        "from amltui.demo.launcher import start\n"
        "server = start()\n"
        "print(server.pid, server.ca_bundle, flush=True)\n"
        "time.sleep(60)\n"
    )
    root = Path(__file__).parents[2]
    parent = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=root
    )
    with parent:
        assert parent.stdout is not None
        pid, bundle = parent.stdout.readline().split()
        assert alive(int(pid))
        os.kill(parent.pid, signal.SIGKILL)
        assert until(lambda: not alive(int(pid)))
        assert not Path(bundle).parent.exists()


def test_two_servers_share_nothing() -> None:
    with start() as one, start() as two:
        assert one.url != two.url
        ControlClient(one).call("POST", "services/fraud-scoring", {"state": "Unhealthy"})
        states = [
            json.loads(fetch(service_path(server, "fraud-scoring"))[1])["state"]
            for server in (one, two)
        ]
        assert states == ["Unhealthy", "Healthy"]


def test_a_server_that_cannot_start_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(DemoError, match="did not start"):
        start()


def test_modules_in_the_callers_folder_are_not_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('imported by accident')")
    monkeypatch.chdir(tmp_path)
    with start() as server:
        assert fetch(f"{server.url}/discovery")[0] == 200


def test_a_frozen_clock_freezes_what_people_see() -> None:
    with start(clock=1_790_000_000.0) as server:
        path = service_path(server, "fraud-scoring")
        first = fetch(path)[1], fetch(f"{path}/logs?tail=50")[1]
        time.sleep(0.1)
        assert (fetch(path)[1], fetch(f"{path}/logs?tail=50")[1]) == first


# Sockets


def test_one_port_speaks_http_and_tls(demo: DemoServer) -> None:
    context = ssl.create_default_context(cafile=demo.ca_bundle)
    secure = demo.url.replace("http://", "https://")
    assert fetch(f"{secure}/discovery", context=context)[0] == 200
    assert fetch(f"{demo.url}/discovery")[0] == 200


def test_a_client_that_does_not_trust_it_disturbs_nobody(
    demo: DemoServer, control: ControlClient
) -> None:
    with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
        fetch(demo.url.replace("http://", "https://") + "/discovery")
    assert fetch(f"{demo.url}/discovery")[0] == 200


def test_keep_alive(demo: DemoServer) -> None:
    connection = http.client.HTTPConnection(demo.url.removeprefix("http://"), timeout=5)
    with contextlib.closing(connection):
        for _ in range(3):
            connection.request("GET", "/discovery")
            assert connection.getresponse().read().startswith(b"{")


def test_a_body_beyond_the_limit_is_refused(demo: DemoServer) -> None:
    connection = http.client.HTTPConnection(demo.url.removeprefix("http://"), timeout=5)
    with contextlib.closing(connection):
        connection.putrequest("PUT", "/azureml/big?sig=x")
        connection.putheader("Content-Length", str(10**12))
        connection.endheaders()
        assert connection.getresponse().status == 413


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/subscriptions/other/resourceGroups/g/providers", 404),
        ("/nothing", 404),
        (f"{MMS}/services/unknown-service", 404),
        (f"{MMS}/services/fraud-scoring/logs?tail=many", 400),
        (f"{MMS}/operations/none", 404),
    ],
)
def test_wrong_paths(demo: DemoServer, control: ControlClient, path: str, status: int) -> None:
    answered, body, _ = fetch(demo.url + path)
    assert answered == status
    assert json.loads(body)["statusCode"] == status


def test_what_goes_on_at_the_start_can_be_watched(demo: DemoServer) -> None:
    payload = json.loads(fetch(service_path(demo, "wine-quality-beta"))[1])
    url = f"{demo.url}{MMS}/operations/{payload['operationId']}"
    operation = json.loads(fetch(url)[1])
    assert operation["state"] in ("Running", "Succeeded")
    assert "Submitting deployment" in operation["streamingOperationLog"]


def test_blobs_need_the_signature(demo: DemoServer) -> None:
    assert fetch(f"{demo.url}/azureml/x?sig=wrong", b"x", method="PUT")[0] == 403


def test_pages_of_models(demo: DemoServer) -> None:
    url, found = f"{demo.url}{MMS}/models?count=5", []
    while url:
        page = json.loads(fetch(url)[1])
        assert len(page["value"]) <= 5
        found += [row["id"] for row in page["value"]]
        url = page.get("nextLink")
    assert len(found) == len(set(found)) >= 24


def test_a_token_is_asked_for(demo: DemoServer) -> None:
    for header in ("", "Basic eA==", "Bearer opaque"):
        status, _, _ = fetch(f"{demo.url}{MMS}/services", headers={"Authorization": header})
        assert status == 401


# Scoring


def test_scoring_answers(demo: DemoServer) -> None:
    status, body, headers = scoring(demo, "diabetes-progression", {"data": [[0.0] * 10]})
    assert (status, json.loads(body)) == (200, {"result": [152.13]})
    assert float(headers["x-ms-run-fn-exec-ms"]) > 0
    assert headers["x-ms-request-id"]


def test_scoring_wants_the_key(demo: DemoServer) -> None:
    assert scoring(demo, "diabetes-progression", {"data": []}, "wrong")[0] == 401
    token = "demo-access-token-churn-predictor.not.real"
    assert scoring(demo, "churn-predictor", {"data": [[1.0]]}, token)[0] == 200


@pytest.mark.parametrize(
    ("name", "status", "told"),
    [("diabetes-progression", 500, b"Check the logs"), ("newsgroup-topics", 502, b"KeyError")],
)
def test_a_run_that_raises(demo: DemoServer, name: str, status: int, told: bytes) -> None:
    answered, body, headers = scoring(demo, name, {"rows": 1})
    assert answered == status
    assert told in body
    assert headers["x-ms-run-function-failed"] == "True"
    log = json.loads(fetch(service_path(demo, name) + "/logs?tail=20")[1])["content"]
    assert "KeyError: 'data'" in log


def test_scoring_that_takes_too_long_is_504(demo: DemoServer, control: ControlClient) -> None:
    change = {"payload": {"scoringTimeoutMs": 50}}
    control.call("POST", "services/document-embeddings", change)
    assert scoring(demo, "document-embeddings", {"data": ["x"]})[0] == 504


def test_too_many_requests_are_503_and_the_autoscaler_helps(
    demo: DemoServer, control: ControlClient
) -> None:
    answers: list[int] = []

    def call() -> None:
        answers.append(scoring(demo, "recommender-home", {"data": [[1, 2]]})[0])

    threads = [threading.Thread(target=call) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counted = Counter(answers)
    # Two replicas, one request each, 400 ms of work and 100 ms of patience.
    assert counted[200] >= 2
    assert counted[503] >= 5
    assert set(counted) == {200, 503}
    payload = json.loads(fetch(service_path(demo, "recommender-home"))[1])
    assert payload["deploymentStatus"]["availableReplicas"] == 3


def test_a_service_without_a_ready_replica_is_503(demo: DemoServer) -> None:
    status, body, _ = scoring(demo, "route-optimizer", {"data": []})
    assert status == 503
    assert b"No ready replicas" in body


def test_health_and_swagger(demo: DemoServer) -> None:
    assert fetch(f"{demo.url}/aci/diabetes-progression/")[1] == b"Healthy"
    key = {"Authorization": "Bearer demo-primary-fraud-scoring-0000"}
    url = f"{demo.url}/api/v1/service/fraud-scoring/swagger.json"
    assert json.loads(fetch(url, headers=key)[1])["info"]["title"] == "fraud-scoring"


# Faults and control


def test_control_needs_its_token(demo: DemoServer) -> None:
    assert fetch(f"{demo.url}/_demo/requests")[0] == 403


def test_faults(demo: DemoServer, control: ControlClient) -> None:
    url = f"{demo.url}{MMS}/services"
    control.fault("/services$", "status", status=429, count=1)
    status, _, headers = fetch(url)
    assert (status, headers["Retry-After"]) == (429, "1")
    assert fetch(url)[0] == 200

    control.fault("/services$", "drop", method="GET", count=1)
    with pytest.raises((urllib.error.URLError, ConnectionError)):
        fetch(url)

    control.fault("/services$", "truncate", count=1)
    with pytest.raises(http.client.IncompleteRead):
        fetch(url)

    control.fault("/services$", "latency", seconds=0.2, count=1)
    begin = time.monotonic()
    assert fetch(url)[0] == 200
    assert time.monotonic() - begin >= 0.2

    control.fault("/services$", "bad_rows", count=1)
    rows = json.loads(fetch(url)[1])["value"]
    assert len([row for row in rows if str(row["name"]).startswith("bad-")]) >= 4

    control.fault("/services$", "status", status=401, method="POST")
    assert fetch(url)[0] == 200


def test_hanging_requests_are_released_with_the_faults(
    demo: DemoServer, control: ControlClient
) -> None:
    control.fault("/discovery", "hang")
    ended = threading.Event()

    def call() -> None:
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            fetch(f"{demo.url}/discovery")
        ended.set()

    threading.Thread(target=call, daemon=True).start()
    assert until(lambda: "GET /discovery" in control.requests())
    assert not ended.wait(0.2)
    control.call("DELETE", "faults")
    assert ended.wait(2)


@pytest.mark.parametrize("body", [{}, [{"kind": "nonsense"}], [{"kind": "drop", "path": "("}], [1]])
def test_a_wrong_fault_is_refused(demo: DemoServer, control: ControlClient, body: Any) -> None:
    with pytest.raises(urllib.error.HTTPError, match="400") as caught:
        control.call("POST", "faults", body)
    caught.value.close()


def test_requests_are_remembered_without_the_control_paths(
    demo: DemoServer, control: ControlClient
) -> None:
    fetch(f"{demo.url}{MMS}/services?expand=true")
    assert control.requests() == [f"GET {MMS}/services?expand=true"]


def test_logs_grow_rotate_and_restart(demo: DemoServer, control: ControlClient) -> None:
    def log(**query: Any) -> list[str]:
        tail = query.get("tail", 5000)
        url = service_path(demo, "address-parser") + f"/logs?tail={tail}"
        content: str = json.loads(fetch(url)[1])["content"]
        return content.splitlines()

    before = log()
    assert len(log(tail=3)) == 3
    assert "image information" in before[1]
    control.call("POST", "services/address-parser", {"log": {"append": ["one more line"]}})
    assert "one more line" in log()[-3:]
    control.call("POST", "services/address-parser", {"log": {"rotate": True, "append": ["fresh"]}})
    assert log()[0] == "fresh"
    control.call("POST", "services/address-parser", {"log": {"restart": True}})
    assert "image information" in log()[1]
    assert len(log()) < 10
