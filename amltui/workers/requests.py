"""Test requests: the key added and renewed, one request for one, what happened kept in memory."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol, TypeVar
from urllib.parse import urlsplit

from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.latency import Histogram, percentiles, span
from amltui.domain.logbatch import Batch
from amltui.domain.logsource import LogSource
from amltui.domain.models import AuthMode, Can, Ref, Service
from amltui.domain.request import Answer, Attempt, Request, pretty, sample_of_swagger
from amltui.domain.text import clean_log, mask

from . import bridge
from .request_log import lines_between, span_of
from .request_report import Report, findings
from .services import Services, now

MOST_ATTEMPTS = 50
MOST_KEPT = 200_000  # characters of an answer's body in the history
MOST_HISTORY = 32_000_000  # characters of the requests' bodies in it, together
GRACE = 1.0  # s above a request's own limit, which knows better where it hung
LOG_TAIL = 300  # lines that are searched for the second of a request
LAYOUT_LIMIT = 30.0  # s for laying out and diagnosing an answer, or reading a file
SWAGGER_LIMIT = 15.0  # s
RENEWED = "The first key was refused (401): a fresh one was fetched and the request sent again."


Result = TypeVar("Result")


class Exchange(Protocol):
    """A request on its way."""

    def run(self) -> Answer:
        """Send it and read the answer; blocks; raises AmltuiError where there is none."""

    def cancel(self) -> None:
        """End it from any thread."""


class HttpClient(Protocol):
    """Sends one request, once."""

    def open(self, request: Request, authorization: str = "") -> Exchange:
        """An exchange that is ready to run."""


ReadLog = Callable[[LogSource, int], AsyncGenerator[Batch, None]]
"""The last lines of a service's log."""


@dataclass
class Series:
    """A bounded series of requests, one after the other, to measure the request time."""

    planned: int
    done: int = 0
    time: Histogram = field(default_factory=Histogram)  # server and body, of answers below 400
    statuses: Counter[int] = field(default_factory=Counter)  # 0: no answer
    last_error: AmltuiError | None = None

    @property
    def error_rate(self) -> float:
        """The share of requests without a good answer, from 0 to 1."""
        return (self.done - self.time.count) / self.done if self.done else 0.0

    def summary(self) -> list[str]:
        """The figures, a line each."""
        bad = f"{self.error_rate * 100:.0f} % without a good answer"
        lines = [f"{self.done} of {self.planned} requests, {bad}"]
        if self.time.count:
            lines.append(f"mean {span(self.time.mean_s)} · {percentiles(self.time)}")
            lines.append("The mean goes into the field: the formula speaks of averages.")
        wrong = {status: n for status, n in self.statuses.items() if status >= 400}
        lines += [f"status {status}: {count}" for status, count in sorted(wrong.items())]
        if self.last_error is not None:
            lines.append(f"{self.last_error.title}. {self.last_error.message}")
        return lines


class Requests:
    """Sends test requests to the services of one workspace, or to any address."""

    def __init__(
        self,
        services: Services,
        http: HttpClient,
        clock: Callable[[], datetime] = now,
        read_log: ReadLog | None = None,
    ) -> None:
        self._services = services
        self._http = http
        self._clock = clock
        self._read_log = read_log
        self._keys: dict[Ref, tuple[str, datetime | None]] = {}  # and when to fetch another
        self._count = 0
        self.history: deque[Attempt] = deque(maxlen=MOST_ATTEMPTS)

    async def send(self, request: Request, service: Service | None = None) -> Attempt:
        """Send a request once and keep how it ended; cancelling ends the connection at once.

        A key that is refused is fetched again, once, and the request sent with it. What the
        network does is in the attempt. An error of the workspace, which has the keys, is raised.
        """
        authorization = await self.authorization(request, service)
        self._count += 1
        number, sent_at, note = self._count, self._clock(), ""
        answer, error = await self._exchange(request, authorization)
        if answer is not None and answer.status == 401 and authorization and service is not None:
            self._keys.pop(service.ref, None)
            fresh = await self.authorization(request, service)
            if fresh != authorization:
                note, sent_at = RENEWED, self._clock()
                answer, error = await self._exchange(request, fresh)
        target = str(service.ref) if service else ""
        attempt = Attempt(number, request, sent_at, self._clock(), target, answer, error, note)
        self._keep(_bounded(attempt))
        return attempt

    def attempts(self, service: Service | None) -> list[Attempt]:
        """What was sent to this service, the oldest first."""
        ref = str(service.ref) if service else ""
        return [one for one in self.history if one.target == ref]

    def _keep(self, attempt: Attempt) -> None:
        self.history.append(attempt)
        while sum(len(one.request.body) for one in self.history) > MOST_HISTORY:
            self.history.popleft()

    async def authorization(self, request: Request, service: Service | None) -> str:
        """The key or token for a request: cached, renewed when its time has come.

        Empty for any other host than that of the service, however the address was changed.
        """
        if service is None or request.own_authorization or not same_origin(request.url, service):
            return ""
        secret, renew_at = self._keys.get(service.ref, ("", None))
        if secret and (renew_at is None or self._clock() < renew_at):
            return secret
        if Can.KEYS in service.can:
            secret, renew_at = (await self._services.keys(service.ref)).primary, None
        elif Can.TOKEN in service.can:
            token = await self._services.token(service.ref)
            secret, renew_at = token.value, token.refresh_after or token.expires_at
        else:
            return ""
        self._keys[service.ref] = (secret, renew_at)
        return secret

    async def swagger_sample(self, service: Service | None, asked: Request) -> str:
        """A body made of the swagger.json of the service, or beside the address that is asked.

        Raises:
            AmltuiError: it cannot be read or describes no body.
        """
        beside = asked.url.partition("?")[0].rpartition("/")[0] + "/swagger.json"
        url = service.swagger_uri if service is not None else beside
        own = asked.headers if service is None else ()
        request = Request(url, "", own, SWAGGER_LIMIT, "GET")
        answer, error = await self._exchange(request, await self.authorization(request, service))
        if error is not None:
            raise error
        if answer is None or answer.status != 200:
            status = answer.words if answer else "no answer"
            raise AmltuiError(
                "The service shows no swagger.json",
                f"{url} answered {status}.",
                "Services without inference-schema have none: write the body by hand.",
                problem=Problem.NOT_FOUND,
            )
        return sample_of_swagger(answer.body)

    async def measure(
        self, request: Request, service: Service | None, count: int = 20, most_s: float = 60.0
    ) -> AsyncGenerator[Series, None]:
        """Send a request `count` times, one after the other, for at most about `most_s` seconds.

        The series so far comes after each; closing the iteration stops it. Nothing goes into the
        history. The connection's time is left out, as a replica is not busy during it.
        """
        authorization = await self.authorization(request, service)
        series = Series(count)
        end = self._clock() + timedelta(seconds=most_s)
        while series.done < count and self._clock() < end:
            answer, error = await self._exchange(request, authorization)
            series.done += 1
            series.statuses[answer.status if answer else 0] += 1
            series.last_error = error or series.last_error
            if answer is not None and answer.status < 400:
                series.time.add(answer.timing.wait_s + answer.timing.body_s)
            yield series

    async def log_lines(self, attempt: Attempt, service: Service) -> list[str]:
        """What the service's log says of the seconds of an attempt; empty where nothing does."""
        if self._read_log is None or Can.LOGS not in service.can:
            return []
        lines: list[bytes] = []
        source = LogSource.of_service(service)
        try:
            async with aclosing(self._read_log(source, LOG_TAIL)) as batches:
                async for batch in batches:
                    if batch.stamps is None:
                        lines += batch.lines
                    else:
                        pairs = zip(batch.stamps, batch.lines, strict=True)
                        lines += [stamp + b" " + line for stamp, line in pairs]
            return await self.off_the_loop(lambda: _lines_of(attempt, lines))
        except AmltuiError:
            return []  # best effort: the answer is what was asked for

    async def report(
        self, attempt: Attempt, service: Service | None, *, folded: bool = True
    ) -> Report:
        """The attempt, diagnosed and laid out, on a thread: a large answer takes its time."""

        def make() -> Report:
            answer = attempt.answer
            if answer is None:
                return Report(attempt, [], "")
            return Report(attempt, findings(answer, service), pretty(answer.body, folded=folded))

        return await self.off_the_loop(make)

    async def off_the_loop(self, work: Callable[[], Result]) -> Result:
        """Await something that may take long, but not for ever."""
        return await bridge.call(work, limit=LAYOUT_LIMIT, what="reading it")

    async def _exchange(
        self, request: Request, authorization: str
    ) -> tuple[Answer | None, AmltuiError | None]:
        exchange = self._http.open(request, authorization)
        try:
            limit = request.limit_s + GRACE
            return await bridge.call(exchange.run, limit=limit, what="the test request"), None
        except AmltuiError as error:
            return None, error
        finally:
            exchange.cancel()


def _lines_of(attempt: Attempt, lines: list[bytes]) -> list[str]:
    found = lines_between([clean_log(line) for line in lines], *span_of(attempt))
    return [mask(line) for line in found]


def same_origin(url: str, service: Service) -> bool:
    """Whether an address is on the service's own host, port and scheme, where its key may go."""
    try:
        pairs = [(urlsplit(one), urlsplit(one).port) for one in (url, service.scoring_uri)]
    except ValueError:
        return False
    origins = [(parts.scheme, parts.hostname, port) for parts, port in pairs]
    return bool(service.scoring_uri) and origins[0] == origins[1]


def key_words(url: str, service: Service | None) -> str:
    """Who is asked and with what key, in words that hold none."""
    if service is None:
        return "No service is chosen."
    if service.auth is not AuthMode.NONE and not same_origin(url, service):
        return f"{service.name} · another host than the service's: its key stays here"
    sent = {
        AuthMode.NONE: "no key needed",
        AuthMode.KEY: "its key is added when it is sent",
        AuthMode.TOKEN: "a token is added when it is sent",
    }
    return f"{service.name} · {sent[service.auth]}"


def _bounded(attempt: Attempt) -> Attempt:
    """The attempt with an answer that fits into the history."""
    answer = attempt.answer
    if answer is not None and len(answer.body) > MOST_KEPT:
        answer = replace(answer, body=answer.body[:MOST_KEPT], cut="the history keeps the start")
    return replace(attempt, request=attempt.request.to_keep, answer=answer)
