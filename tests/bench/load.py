"""Whether the calculation holds, and whether the load generator can be believed.

    python -m tests.bench.load [rates] [latency] [rate]

Predicted and observed shares of 503 on ten settings of the demo's slow service, latency beside
that of a bare socket, and the delay of an event loop like the console's while 500 requests/s run.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import statistics
import sys
import time
import urllib.request
from contextlib import aclosing
from random import Random
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from amltui.adapters.http.client import HttpClient
from amltui.adapters.http.load import LoadGenerator
from amltui.demo import launcher
from amltui.demo.launcher import DemoServer
from amltui.domain.autoscale import Autoscaler, RequestTime, Spread, Traffic, simulate
from amltui.domain.loadplan import LoadPlan, Tally
from amltui.domain.models import Can, Kind, Ref, Service, State
from amltui.domain.request import SAMPLE, Request
from amltui.workers.load import LoadCheck
from amltui.workers.requests import Requests
from amltui.workers.services import Services

SERVICE_S = 0.4  # of recommender-home
SECONDS = 15.0
HEARTBEAT = 0.01


class Setting(NamedTuple):
    """One setting of the service and the rate it is asked at."""

    rps: float
    replicas: int
    concurrent: int
    wait_ms: int


SETTINGS = (
    Setting(4, 2, 1, 100),
    Setting(8, 2, 1, 500),
    Setting(8, 4, 1, 100),
    Setting(12, 4, 1, 500),
    Setting(12, 3, 2, 250),
    Setting(20, 6, 1, 500),
    Setting(20, 12, 1, 100),
    Setting(30, 8, 2, 200),
    Setting(40, 10, 1, 500),
    Setting(60, 30, 1, 50),
)


def control(server: DemoServer, name: str, payload: dict[str, Any]) -> None:
    """Change a service of the demo."""
    request = urllib.request.Request(
        f"{server.url}/_demo/services/{name}",
        method="POST",
        data=json.dumps({"payload": payload}).encode(),
        headers={"X-Demo-Control": server.control},
    )
    urllib.request.urlopen(request, timeout=10).close()


def fixed(server: DemoServer, name: str, one: Setting) -> None:
    """Give the service a fixed number of replicas."""
    counts = dict.fromkeys(
        ("desiredReplicas", "updatedReplicas", "availableReplicas"), one.replicas
    )
    payload = {
        "autoScaler": {"autoscaleEnabled": False},
        "authEnabled": False,
        "aadAuthEnabled": False,
        "deploymentStatus": counts,
        "numReplicas": one.replicas,
        "maxConcurrentRequestsPerContainer": one.concurrent,
        "maxQueueWaitMs": one.wait_ms,
    }
    control(server, name, payload)


def service_of(server: DemoServer, name: str) -> Service:
    """The service as the console would have it, open to everybody."""
    url = f"{server.url}/api/v1/service/{name}/score"
    ref = Ref("azureml", name)
    return Service(ref, name, Kind.AKS, State.OK, "Healthy", Can.INVOKE, scoring_uri=url)


async def sent(check: LoadCheck, plan: LoadPlan, service: Service) -> Tally:
    """What became of a load."""
    steps = check.run(plan, Request(service.scoring_uri), service, confirmed=True)
    async with aclosing(steps) as going:
        return [tally async for tally in going][-1]


def predicted(one: Setting, seed: int) -> float:
    """The simulated share of 503, for the arrivals of that seed."""
    autoscaler = Autoscaler(
        one.replicas, one.replicas, one.concurrent, max_wait_s=one.wait_ms / 1000
    )
    traffic = Traffic(one.rps, duration_s=SECONDS)
    time_ = RequestTime(SERVICE_S + 0.002, Spread.FIXED)  # and what the demo's threads take
    return simulate(traffic, time_, autoscaler, Random(seed)).rate_503


async def rates(server: DemoServer, check: LoadCheck) -> None:
    """Predicted and observed 503s."""
    print("requests/s  replicas  at a time  wait ms   predicted  observed  points   any arrivals")
    worst = 0.0
    for one in SETTINGS:
        fixed(server, "recommender-home", one)
        plan = LoadPlan(one.rps, SECONDS, seed=7)
        tally = await sent(check, plan, service_of(server, "recommender-home"))
        same, seen = predicted(one, 7), tally.share(503)
        many = [predicted(one, seed) for seed in range(100, 140)]
        spread = f"{statistics.mean(many):6.1%} ± {statistics.stdev(many):.1%}"
        off = abs(same - seen) * 100
        worst = max(worst, off)
        print(
            f"{one.rps:>10g}  {one.replicas:>8}  {one.concurrent:>9}  {one.wait_ms:>7}  "
            f"{same:>9.1%}  {seen:>8.1%}  {off:>6.2f}   {spread}"
        )
    print(f"worst: {worst:.2f} points\n")


def reference(url: str, rps: float, seconds: float) -> list[float]:
    """Times of a bare socket that asks at a steady pace, keep-alive."""
    parts = urlsplit(url)
    body = SAMPLE.encode()
    head = f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: {len(body)}"
    data = f"{head}\r\nContent-Type: application/json\r\n\r\n".encode() + body
    times = []
    with socket.create_connection((parts.hostname or "", parts.port or 80)) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        due = time.perf_counter()
        for _ in range(int(rps * seconds)):
            time.sleep(max(0.0, due - time.perf_counter()))
            due += 1 / rps
            begun = time.perf_counter()
            line.sendall(data)
            answer = b""
            while b"\r\n\r\n" not in answer:
                answer += line.recv(65536)
            top, _, rest = answer.partition(b"\r\n\r\n")
            size = int(top.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            while len(rest) < size:
                rest += line.recv(65536)
            times.append(time.perf_counter() - begun)
    return times


async def latency(server: DemoServer, check: LoadCheck) -> None:
    """Latency beside a bare socket's, in turns, so that both see the same machine."""
    fixed(server, "fraud-scoring", Setting(20, 50, 1, 500))
    service = service_of(server, "fraud-scoring")
    for turn in range(3):
        tally = await sent(check, LoadPlan(15, 6, seed=turn), service)
        times = sorted(await asyncio.to_thread(reference, service.scoring_uri, 15, 6))
        mine = [tally.latency.percentile(at) * 1000 for at in (50, 95, 99)]
        bare = [times[int(len(times) * at / 100)] * 1000 for at in (50, 95, 99)]
        print(
            "latency p50/p95/p99 in ms: load check "
            + " / ".join(f"{one:.2f}" for one in mine)
            + ", bare socket "
            + " / ".join(f"{one:.2f}" for one in bare)
            + f", p50 differs by {abs(mine[0] - bare[0]):.2f} ms"
        )


async def heartbeat(delays: list[float]) -> None:
    """How late a loop like the console's comes round."""
    while True:
        due = time.perf_counter() + HEARTBEAT
        await asyncio.sleep(HEARTBEAT)
        delays.append(time.perf_counter() - due)


async def rate(server: DemoServer, check: LoadCheck) -> None:
    """500 requests/s, and the console's loop meanwhile."""
    fixed(server, "churn-predictor", Setting(500, 100, 1, 500))
    delays: list[float] = []
    beating = asyncio.ensure_future(heartbeat(delays))
    before = os.times()
    plan = LoadPlan(500, 10)
    tally = await sent(check, plan, service_of(server, "churn-predictor"))
    after = os.times()
    beating.cancel()
    delays.sort()
    own = after.user + after.system - before.user - before.system
    child = after.children_user + after.children_system
    child -= before.children_user + before.children_system
    done, late = tally.count / plan.seconds, tally.late
    loop = [delays[int(len(delays) * share)] * 1000 for share in (0.5, 0.99)] + [delays[-1] * 1000]
    print(f"\n500 requests/s asked, {done:.0f}/s sent; statuses {dict(tally.statuses)}")
    print(f"latency p50 {tally.latency.percentile(50) * 1000:.1f} ms; requests left late:", end=" ")
    print(f"p50 {late.percentile(50) * 1000:.2f}, p99 {late.percentile(99) * 1000:.2f} ms")
    print(
        "the console's loop came round late: p50 {:.2f}, p99 {:.2f}, most {:.2f} ms".format(*loop)
    )
    share = own / plan.seconds, child / plan.seconds
    print(f"processor: console {share[0]:.1%}, generator {share[1]:.1%} of a core")


async def main() -> None:
    """All of it."""
    with launcher.start(images=False) as server:
        client = HttpClient()
        check = LoadCheck(Requests(Services(None, None), client), LoadGenerator(client))
        for part in (rates, latency, rate):
            if not sys.argv[1:] or part.__name__ in sys.argv[1:]:
                await part(server, check)


if __name__ == "__main__":
    asyncio.run(main())
