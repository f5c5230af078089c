"""Whether the calculation holds, and whether the load generator can be believed.

    python -m tests.bench.load [rates] [latency] [rate]

Predicted and observed shares of 503 on ten settings of the demo's slow service, latency beside
wrk's (which has to be installed), and what 500 requests/s cost. How the console answers keys
meanwhile: `python -m tests.bench.load_keys`.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import aclosing
from random import Random
from typing import Any, NamedTuple

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
from tests.demo.demo_sdk import ControlClient

SERVICE_S = 0.4  # of recommender-home
SECONDS = 15.0
HEARTBEAT = 0.01
LATENCIES = (50, 75, 90)


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
    ControlClient(server).call("POST", f"services/{name}", {"payload": payload})


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


def wrk(url: str, rps: float, seconds: float) -> list[float]:
    """The percentiles of wrk in ms, asking at random moments like ours, one at a time."""
    script = f"""
wrk.method = "POST"
wrk.body = {json.dumps(SAMPLE)}
wrk.headers["Content-Type"] = "application/json"
function delay() return -math.log(1 - math.random()) * {1000 / rps} end
"""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        command = ["wrk", "-t1", "-c1", f"-d{seconds:g}s", "--latency", "-s", file.name, url]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    units = {"us": 0.001, "ms": 1.0, "s": 1000.0}
    lines = {
        int(at): float(value) * units[unit]
        for at, value, unit in re.findall(r"(50|75|90)%\s+([\d.]+)(us|ms|s)", told)
    }
    return [lines[at] for at in LATENCIES]


async def latency(server: DemoServer, check: LoadCheck) -> None:
    """Latency beside wrk's, in turns, so that both see the same machine.

    One connection, as wrk waits for each answer: requests that would overlap are left out.
    """
    fixed(server, "fraud-scoring", Setting(20, 50, 1, 500))
    service = service_of(server, "fraud-scoring")
    pairs: list[tuple[list[float], list[float]]] = []
    print("latency p50 / p75 / p90 in ms, 15 requests/s on one connection")
    for turn in range(5):
        tally = await sent(check, LoadPlan(15, 10, seed=turn, connections=1), service)
        mine = [tally.latency.percentile(at) * 1000 for at in LATENCIES]
        other = await asyncio.to_thread(wrk, service.scoring_uri, 15, 10)
        pairs.append((mine, other))
        words = (" / ".join(f"{one:6.2f}" for one in each) for each in (mine, other))
        print("  load check {}   wrk {}".format(*words))
    for column, at in enumerate(LATENCIES):
        mine_at, other_at = (statistics.median(p[side][column] for p in pairs) for side in (0, 1))
        off = mine_at - other_at
        near = abs(off) < 1 or abs(off) < 0.02 * other_at
        print(f"  p{at}: differs by {off:+.2f} ms ({off / other_at:+.1%}): "
              f"{'within' if near else 'NOT within'} 2 % or 1 ms")  # fmt: skip


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
