"""The HTTP client against servers that behave and misbehave, and the process that sends loads."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import ssl
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from amltui import ask_commands
from amltui.adapters.http import body_file, trust
from amltui.adapters.http.client import HttpClient
from amltui.adapters.http.load import LoadGenerator, LoadRun
from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.loadplan import LoadPlan, Sample, Tally
from amltui.domain.request import MOST_BODY, Answer, Request
from amltui.settings import load as load_settings

from .conftest import Demo, wait_for

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
Script = Callable[[socket.socket], None]


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", *trust.CA_VARIABLES):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


class Server:
    """Answers every connection as its script says."""

    def __init__(self, script: Script, tls: ssl.SSLContext | None = None) -> None:
        self.script, self.tls = script, tls
        self.heads: list[bytes] = []
        self.ended = threading.Event()  # a client went away while the script waited
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.port = self._listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}/score"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                line, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        with contextlib.suppress(OSError), line:
            secure = self.tls.wrap_socket(line, server_side=True) if self.tls else line
            with secure:
                while self._read(secure):
                    self.script(secure)
                    if b"\r\nconnection: close" in self.heads[-1].lower():
                        return

    def _read(self, line: socket.socket) -> bool:
        data = b""
        while b"\r\n\r\n" not in data:
            chunk = line.recv(65536)
            if not chunk:
                return False
            data += chunk
        head, _, body = data.partition(b"\r\n\r\n")
        size = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        while len(body) < size:
            chunk = line.recv(65536)
            if not chunk:
                return False
            body += chunk
        self.heads.append(head)
        return True

    def wait_for_the_end(self, line: socket.socket) -> None:
        with contextlib.suppress(OSError):
            line.recv(1)
        self.ended.set()
        raise OSError

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(script: bytes | Script, tls: ssl.SSLContext | None = None) -> Server:
        if isinstance(script, bytes):
            text = script
            server = Server(lambda line: line.sendall(text), tls)
        else:
            server = Server(script, tls)
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.close()


def ask(url: str, key: str = "", ca: str = "", **fields: Any) -> Answer:
    return HttpClient(lambda _: ca).open(Request(url, **fields), key).run()


def refused(url: str, **fields: Any) -> AmltuiError:
    with pytest.raises(AmltuiError) as caught:
        ask(url, **fields)
    return caught.value


def test_one_request_is_one_request_with_its_key(serve: Callable[..., Server]) -> None:
    server = serve(b"HTTP/1.1 500 Oops\r\nContent-Length: 4\r\nX-Ms-Request-Id: 7\r\n\r\nbody")
    found = ask(server.url + "?a=b c", "KEY-0000", body='{"é": 1}', headers=(("x-a", "1"),))
    assert (found.status, found.reason, found.body, found.size) == (500, "Oops", "body", 4)
    assert found.header("x-ms-request-id") == "7"
    assert len(server.heads) == 1
    head = server.heads[0].decode().lower()
    assert head.startswith("post /score?a=b%20c http/1.1")
    assert "authorization: bearer key-0000" in head
    assert "x-a: 1" in head
    assert "content-type: application/json" in head
    assert "x-ms-client-request-id: " in head


def test_the_stretches_add_up(serve: Callable[..., Server]) -> None:
    def slow(line: socket.socket) -> None:
        time.sleep(0.05)
        line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
        time.sleep(0.05)
        line.sendall(b"cd")

    server, begun = serve(slow), time.perf_counter()
    timing = ask(server.url).timing
    elapsed = time.perf_counter() - begun
    assert timing.wait_s >= 0.05
    assert timing.wait_s + timing.body_s >= 0.1
    assert timing.body_s > 0
    assert timing.connect_s > 0
    assert timing.tls_s == 0
    assert timing.connect_s + timing.wait_s + timing.body_s < elapsed  # nothing counts twice


def test_redirects_are_shown_and_not_followed(serve: Callable[..., Server]) -> None:
    other = serve(OK)
    server = serve(f"HTTP/1.1 307 Go\r\nLocation: {other.url}\r\n\r\n".encode())

    found = ask(server.url, "KEY-0000", limit_s=2)
    assert found.status == 307
    assert found.header("location") == other.url
    assert other.heads == []


def test_a_key_that_the_service_echoes_is_hidden(serve: Callable[..., Server]) -> None:
    server = serve(b"HTTP/1.1 200 K-1\r\nX-Key: K-1\r\nContent-Length: 7\r\n\r\nkey=K-1")
    found = ask(server.url, "K-1")
    assert "K-1" not in repr(found)
    mine = serve(b'HTTP/1.1 200 OK\r\nX-Key: S3CRET\r\nContent-Length: 12\r\n\r\n{"a":S3CRET}')
    for header in (("Authorization", "Bearer S3CRET"), ("x-api-key", "S3CRET")):
        assert "S3CRET" not in repr(ask(mine.url, headers=(header,)))


def test_hostile_headers_are_made_safe(serve: Callable[..., Server]) -> None:
    server = serve(
        b"HTTP/1.1 200 \x1b]0;x\x07\r\nX-E: \x9b2J\x1b[31m[/foo]\r\nX-L: " + b"y" * 9000
        + b"\r\nContent-Length: 0\r\n\r\n"
    )  # fmt: skip
    found = ask(server.url)
    text = found.reason + "".join(name + value for name, value in found.headers)
    assert not set(text) & {"\x1b", "\x9b", "\x07"}
    assert max(len(value) for _, value in found.headers) <= 2_000


@pytest.mark.parametrize(
    "body",
    [
        b"Content-Length: 5\r\n\r\nhello",
        b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
        b"Connection: close\r\n\r\nhello",
    ],
)
def test_every_way_to_end_a_body(serve: Callable[..., Server], body: bytes) -> None:
    def once(line: socket.socket) -> None:
        line.sendall(b"HTTP/1.1 200 OK\r\n" + body)
        line.shutdown(socket.SHUT_RDWR)

    found = ask(serve(once).url, limit_s=3)
    assert (found.body, found.cut) == ("hello", "")


def test_a_body_without_end_is_cut(serve: Callable[..., Server]) -> None:
    def flood(line: socket.socket) -> None:
        line.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            line.sendall(b"x" * 65536)

    found = ask(serve(flood).url)
    assert len(found.body) == MOST_BODY
    assert "4,000,000" in found.cut


def test_a_broken_body_is_shown_as_far_as_it_came(serve: Callable[..., Server]) -> None:
    def half(line: socket.socket) -> None:
        line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        line.shutdown(socket.SHUT_RDWR)

    found = ask(serve(half).url)
    assert found.body == "half"
    assert "4 of 10" in found.cut


def test_a_compressed_body_is_not_shown_as_text(serve: Callable[..., Server]) -> None:
    server = serve(
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b"
    )
    found = ask(server.url)
    assert found.body == ""
    assert "gzip" in found.cut


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"])
def test_the_limit_ends_a_service_that_hangs(serve: Callable[..., Server], start: bytes) -> None:
    def hang(line: socket.socket) -> None:
        line.sendall(start)
        server.wait_for_the_end(line)

    server = serve(hang)
    begun = time.monotonic()
    error = refused(server.url, limit_s=0.2)
    assert time.monotonic() - begun < 1
    assert error.problem is Problem.TIMEOUT
    assert "waiting for the answer" in error.message


def test_headers_that_drip_do_not_prolong_the_limit(serve: Callable[..., Server]) -> None:
    def drip(line: socket.socket) -> None:
        line.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            line.sendall(b"X-A: 1\r\n")
            time.sleep(0.05)

    error = refused(serve(drip).url, limit_s=0.3)
    assert error.title == "No answer within 0.3 s"
    assert "waiting for the answer" in error.message


def test_the_limit_keeps_what_came_of_the_body(serve: Callable[..., Server]) -> None:
    def hang(line: socket.socket) -> None:
        line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nsome")
        server.wait_for_the_end(line)

    server = serve(hang)
    found = ask(server.url, limit_s=0.2)
    assert found.body == "some"
    assert "limit of 0.2 s" in found.cut


def test_cancelling_ends_the_connection_at_once(serve: Callable[..., Server]) -> None:
    server: Server = serve(lambda line: server.wait_for_the_end(line))
    exchange = HttpClient().open(Request(server.url))
    caught: list[AmltuiError] = []

    def run() -> None:
        try:
            exchange.run()
        except AmltuiError as error:
            caught.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    wait_for(lambda: server.heads)
    begun = time.monotonic()
    exchange.cancel()
    thread.join(5)
    assert server.ended.wait(5)
    assert time.monotonic() - begun < 0.5
    assert caught[0].title == "Cancelled"
    exchange.cancel()


@pytest.mark.parametrize(
    ("answer", "title"),
    [
        (b"", "closed without an answer"),
        (b"SSH-2.0-x\r\n", "no HTTP"),
        (b"HTTP/1.1 xyz\r\n", "no HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: 1\r\n" * 500 + b"\r\n", "no HTTP"),
    ],
)
def test_what_is_no_answer_is_told(serve: Callable[..., Server], answer: bytes, title: str) -> None:
    def once(line: socket.socket) -> None:
        line.sendall(answer)
        line.shutdown(socket.SHUT_RDWR)

    assert title in refused(serve(once).url).title


def test_who_cannot_be_reached_is_told(serve: Callable[..., Server]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert refused(f"http://127.0.0.1:{port}/score").title == "Nobody answers"
    error = refused("http://nowhere.invalid/score", limit_s=5)
    assert error.title == "The host cannot be found"


def test_a_limit_says_where_it_was_reached(serve: Callable[..., Server]) -> None:
    silent = serve(OK).url.replace("http:", "https:")  # waits for the end of what is no request
    assert "while agreeing on TLS" in refused(silent, limit_s=0.2).message


def test_no_tls_at_the_other_end_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            line, _ = listener.accept()
            with line:
                line.recv(65536)
                line.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        threading.Thread(target=answer, daemon=True).start()
        error = refused(f"https://127.0.0.1:{listener.getsockname()[1]}/score", limit_s=5)
    assert error.title == "TLS failed"
    assert "http://" in error.hint


def test_tls_is_verified_and_the_demos_authority_is_for_the_demo(demo: Demo) -> None:
    url = demo.server.url.replace("http:", "https:") + "/api/v1/service/fraud-scoring/score"
    error = refused(url)
    assert error.title == "The certificate is not trusted"
    assert "REQUESTS_CA_BUNDLE" in error.hint
    found = ask(url, ca=demo.server.ca_bundle)
    assert found.status == 401
    assert found.timing.tls_s > 0


def test_the_users_own_bundle_is_honoured(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    url = demo.server.url.replace("http:", "https:") + "/api/v1/service/fraud-scoring/score"
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", demo.server.ca_bundle)
    assert ask(url).status == 401
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/no/such/file.pem")
    assert refused(url).problem is Problem.CONFIGURATION


def test_a_proxy_is_asked_and_gets_its_password(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = serve(OK)
    monkeypatch.setenv("http_proxy", f"http://user:p%40ss@127.0.0.1:{proxy.port}")
    assert ask("http://far.example.org/score").status == 200
    head = proxy.heads[0].decode()
    assert head.startswith("POST http://far.example.org/score HTTP/1.1")
    assert "Proxy-Authorization: Basic dXNlcjpwQHNz" in head
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert trust.proxy_for("http://127.0.0.1:1/score") is None


# Bodies in files


def test_bodies_are_read_and_edited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "body.json"
    file.write_bytes(b"\xef\xbb\xbf" + '{"é": 1}'.encode())
    assert body_file.read(str(file)) == '{"é": 1}'
    for bad in (tmp_path, tmp_path / "none", "\0", "", "~nobody-is-called-so/x"):
        with pytest.raises(AmltuiError) as caught:
            body_file.read(str(bad))
        assert caught.value.problem is Problem.USAGE
    file.write_bytes(b"\xff")
    with pytest.raises(AmltuiError, match="not text in UTF-8"):
        body_file.read(str(file))
    with pytest.raises(AmltuiError, match="standard input: it is larger than 4,000,000"):
        body_file.read_open(BytesIO(b"1" * 4_000_001), "standard input")
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", "sed -i s/1/2/")
    assert body_file.edited('{"a": 1}') == '{"a": 2}'


def test_what_an_editor_left_unreadable_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("VISUAL", 'sh -c \'printf "\\377typed" > "$1"\' sh')
    with pytest.raises(AmltuiError) as caught:
        body_file.edited("{}")
    (left,) = tmp_path.iterdir()
    assert left.read_bytes() == b"\xfftyped"
    assert str(left) in caught.value.message
    monkeypatch.setenv("VISUAL", "false")
    with pytest.raises(AmltuiError, match="editor failed"):
        body_file.edited("{}")
    assert list(tmp_path.iterdir()) == [left]


# Loads


def everything(run: LoadRun, plan: LoadPlan) -> Tally:
    tally = Tally(plan)
    while (samples := run.next()) is not None:
        tally.add(samples)
    run.close()
    return tally


def start(url: str, plan: LoadPlan, key: str = "") -> LoadRun:
    return LoadGenerator(HttpClient()).start(plan, Request(url, headers=(("X-A", "1"),)), key)


@pytest.mark.parametrize(
    "framing",
    [
        "Content-Length: 2\r\n\r\n{}",
        "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    ],
)
def test_a_load_counts_every_answer(serve: Callable[..., Server], framing: str) -> None:
    server = serve(f"HTTP/1.1 200 OK\r\n{framing}".encode())
    plan = LoadPlan(100, 1, seed=3)
    tally = everything(start(server.url, plan, "KEY-0000"), plan)
    assert tally.count == len(list(plan.arrivals())) == len(server.heads)
    assert dict(tally.statuses) == {200: tally.count}
    assert tally.latency.percentile(50) < 0.05
    assert not tally.doubtful
    head = server.heads[0].decode()
    assert head.startswith("POST /score HTTP/1.1")
    assert "Authorization: Bearer KEY-0000" in head
    assert "X-A: 1" in head


def test_failures_are_counted_apart(serve: Callable[..., Server]) -> None:
    turn = iter(range(10_000))

    def mixed(line: socket.socket) -> None:
        at = next(turn) % 4
        if at == 0:
            raise OSError
        if at == 1:
            line.sendall(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")
        elif at == 2:
            line.sendall(b"nonsense\r\n\r\n")
        else:
            line.sendall(OK)

    plan = LoadPlan(60, 1)
    tally = everything(start(serve(mixed).url, plan), plan)
    assert tally.statuses[503] > 0
    assert tally.troubles["the connection was closed"] > 0
    assert tally.troubles["the answer cannot be read"] > 0
    assert sum(tally.statuses.values()) == tally.count


def test_a_load_does_not_wait_for_answers_and_gives_up_at_the_limit(
    serve: Callable[..., Server],
) -> None:
    server: Server = serve(lambda line: server.wait_for_the_end(line))
    plan = LoadPlan(40, 1, limit_s=0.3, connections=5)
    begun = time.monotonic()
    tally = everything(start(server.url, plan), plan)
    assert time.monotonic() - begun < 4
    assert tally.statuses == {0: tally.count}
    assert tally.troubles["the time limit of 0.3 s was reached"] > 0
    assert tally.troubles["no connection was free"] > 0
    assert tally.doubtful


def test_stopping_a_load_ends_its_process_and_nobody_sees_the_key(
    serve: Callable[..., Server],
) -> None:
    server = serve(OK)
    run = start(server.url, LoadPlan(50, 60), "KEY-0000")
    assert run.next()
    command = Path(f"/proc/{run.pid}/cmdline").read_bytes()
    environment = Path(f"/proc/{run.pid}/environ").read_bytes()
    assert b"KEY-0000" not in command + environment
    run.close()
    with pytest.raises(ProcessLookupError):
        os.kill(run.pid, 0)
    seen = len(server.heads)
    with pytest.raises((AmltuiError, ValueError)):
        run.next()
    assert len(server.heads) == seen


def test_a_load_that_cannot_be_sent_says_why() -> None:
    client = HttpClient(lambda _: "/no/such/file.pem")
    run = LoadGenerator(client).start(LoadPlan(1, 1), Request("https://127.0.0.1:1/score"))
    with pytest.raises(AmltuiError, match="certificate bundle"):
        run.next()
    run.close()


def test_samples_cross_the_pipe_unchanged() -> None:
    sample = Sample(1, 0, 0.5, 0.001, "x")
    assert Sample(*json.loads(json.dumps(sample))) == sample


# The plain commands, on the demo


@pytest.fixture
def joined(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> Demo:
    monkeypatch.setenv("AMLTUI_DEMO_SERVER", demo.server.address)
    monkeypatch.setenv("DOCKER_HOST", "unix:///no/engine.sock")
    return demo


def command(name: str, **fields: Any) -> int:
    given = {"data": None, "headers": (), "timeout": "10", "as_json": True, **fields}
    return ask_commands.request(load_settings({}, file=None), name, demo=True, **given)


def test_amltui_request_over_tls_with_its_key(
    joined: Demo, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("fraud-scoring") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["status"] == 200
    assert told["body"]["result"]
    assert told["timing_ms"]["tls"] > 0
    posts = [line for line in joined.requests() if line.endswith("/score")]
    assert len(posts) == 1


def test_amltui_request_explains_a_502(joined: Demo, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("address-parser", as_json=False) == 1
    out = capsys.readouterr().out
    assert out.startswith("502 Bad Gateway: run() failed")
    assert "ValueError: 9 columns passed" in out
    assert "The log of that second" in out
    assert "x-ms-run-function-failed: True" in out


@pytest.mark.parametrize(
    ("name", "told"),
    [("claims-triage", "no scoring URI: it is Failed"), ("credit-risk/green", "version of credit"),
     ("ftp://host/score", "must begin with http"), ("http://[", "Invalid IPv6")],
)  # fmt: skip
def test_amltui_request_says_why_something_cannot_be_asked(
    joined: Demo, name: str, told: str
) -> None:
    with pytest.raises(AmltuiError, match=told):
        command(name)
    assert not [line for line in joined.requests() if line.endswith("/score")]


def test_amltui_request_takes_the_body_from_a_file(
    joined: Demo, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "body.json"
    file.write_text('{"data": ["great"]}')
    assert command("newsgroup-topics", data=f"@{file}") == 0
    assert json.loads(capsys.readouterr().out)["body"]["result"][0]["label"] == "positive"
    with pytest.raises(AmltuiError, match="No service is called nobody"):
        command("nobody")


def test_amltui_load_asks_first_and_then_counts(
    joined: Demo, capsys: pytest.CaptureFixture[str]
) -> None:
    given: dict[str, Any] = {"rps": "20", "seconds": "1", "data": None, "timeout": "10"}

    def run(confirmed: bool) -> int:
        return ask_commands.load(
            load_settings({}, file=None), "newsgroup-topics", demo=True, confirmed=confirmed,
            as_json=True, **given,
        )  # fmt: skip

    with pytest.raises(AmltuiError) as caught:
        run(False)
    assert caught.value.problem is Problem.REFUSED
    assert not [line for line in joined.requests() if line.endswith("/score")]
    run(True)
    told = json.loads(capsys.readouterr().out)
    assert told["requests"] == sum(told["statuses"].values()) > 5


def test_amltui_replicas_is_the_articles_formula(capsys: pytest.CaptureFixture[str]) -> None:
    assert ask_commands.replicas(ask_commands.Asked(), as_json=True) == 0
    assert json.loads(capsys.readouterr().out)["replicas"] == 286
    asked = ask_commands.Asked("7", "0.1", "1", "70%", "3")
    assert ask_commands.replicas(asked, as_json=False) == 0
    out = capsys.readouterr().out
    assert out.startswith("1 replica\n")
    assert "3 replicas can carry 21 requests/s" in out


def test_amltui_replicas_of_a_service_compares_with_it_and_its_cluster(
    joined: Demo, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ask_commands.Asked(rps="100", request_time="200ms")
    code = ask_commands.replicas_of(
        load_settings({}), "fraud-scoring", asked, demo=True, as_json=True
    )
    report = json.loads(capsys.readouterr().out)
    assert (code, report["replicas"]) == (0, 29)
    assert report["changes"] == {"autoscale_min_replicas": 29, "autoscale_max_replicas": 29}
    assert report["cluster"] == {
        "nodes": 3, "cores": 4, "memory_gb": 16, "gpus": 0, "room_for_replicas": 12,
    }  # fmt: skip
    with pytest.raises(AmltuiError, match="no replicas to set"):
        ask_commands.replicas_of(
            load_settings({}), "diabetes-progression", asked, demo=True, as_json=True
        )
