"""Lines that are no failure by themselves but decide what the failures around them mean."""

from __future__ import annotations

import re
from dataclasses import dataclass

from amltui.domain.diagnosis.pattern import compile_signature, gate_word


@dataclass(frozen=True)
class Event:
    """A line the engine has to notice."""

    name: str
    pattern: re.Pattern[str]
    word: str
    clears: frozenset[str] = frozenset()
    common: bool = False  # its word is in too many lines to look at each: others find it


def _event(name: str, *signatures: str, clears: str = "", common: bool = False) -> list[Event]:
    undone = frozenset(clears.split())
    return [Event(name, compile_signature(s), gate_word(s), undone, common) for s in signatures]


NETWORK = (
    "scoring-host-unresolved scoring-connection-refused scoring-tls-untrusted http-503-autoscale"
    " http-502-run-failed http-504-timeout http-429-too-many http-408-timeout"
)
_SCHEDULING = (
    "aks-cannot-schedule aks-insufficient-cpu-memory aks-insufficient-gpu aks-insufficient-fpga"
    " aks-node-selector-or-taint aks-too-many-pods"
)
_PULL = (
    "docker-image-missing image-pull-backoff build-base-image-missing docker-registry-login-expired"
    " acr-auth-failed build-timeout http-401-unauthorized http-404-wrong-path http-403-forbidden"
)

_SETTLED = f"{_SCHEDULING} {_PULL} probe-failed container-crash-loop scoring-connection-refused"
SETTLED = frozenset(_SETTLED.split())  # what a pod that runs is over

SECTIONS = ("groups", "metadata", "source", "spec")  # of manifests, notebooks, alert rules

EVENTS: tuple[Event, ...] = tuple(
    _event("boot", r"Booting worker with pid:?\s*(?P<pid>\d+)",
             r"Started server process \[(?P<pid>\d+)\]")
    + _event(
        "ready",
        r"\binit has (?:been )?completed",
        r"\binit completed",
        r"\binit function (?:has )?completed",
        r"\bready for serving",
        r"Swaggers are prepared",
        r"Application startup complete",
        r"is ready to serve",
        r"is ready to accept",
        r"\binit\b.{0,30} successfully",
        r"\binit\(\) completed",
        r"\binit\(\) succeeded",
    )
    + _event("workers", r"WORKER_COUNT\W{1,4}(?P<count>\d{1,2})\b",
             r"worker count\W{1,4}(?P<count>\d{1,2})\b",
             r"number of workers\W{1,4}(?P<count>\d{1,2})\b")
    + _event("workers", r"gunicorn\b.{0,200} (?:-w|--workers)[ =](?P<count>\d{1,2})\b")
    + _event("server", r"Using worker:", r"Starting gunicorn")
    + _event("timeout", r"WORKER TIMEOUT \(pid:\s*(?P<pid>\d+)\)")
    + _event("exit", r"Worker exiting \(pid")
    + _event("planned", r"Autorestarting worker", r"Handling signal: (?:hup|term|int|usr2|quit)")
    + _event(
        "fatal",
        r"Worker exiting \(pid",
        r"Exception in worker process",
        r"Shutting down: Master",
        r"Worker failed to boot",
        r"gunicorn \(exit status [1-9]",
        r"gunicorn/finish",
        r"init function failed",
        r"exited with code 3\b",
        r"Killing supervisor",
        r"exited with (?:exit )?(?:code|status):? ['\"]?[1-9]",
        r"completed with exit code [1-9]",
        r"terminated with exit code [1-9]",
    )
    + _event("failed-request", r"Encountered Exception", r"error occurred in scoring script",
             r"Exception on \S*/score", r"run_function_failed")
    + _event("traceback", r"Traceback \(most recent call last\)")
    + _event("frame", r'^\s*File "[^"]{1,300}", line \d+, in <module>')
    + _event("wait", r"waiting for (?:a |the )?(?:\w{1,10} )?debugger\b",
             r"waiting for client to attach",
             r"\bwait_for_(?:client|attach)\(",
             r"waiting for (?:debugger|client) (?:to )?(?:attach|connect)")
    + _event("not-oom", r"\bOOMKilled\b['\"]?\s*[:=]\s*['\"]?false")
    + _event("attached", r"debugger (?:is |has |was )?(?:now )?attached",
             r"debugger connected")
    + _event("mms", r"bad response from Model Management Service")
    + _event("answered", r"HTTP/[\d.]+\s+2\d\d\b", common=True)
    + _event("scoring", r"bad response from service")
    + _event("internal", r"\bInternalServerError\b", r"internal server error")
    + _event("image", r"/images\b", r"Creating image", r"Create image ['\"]",
             r"ContainerImage\.create",
             r"Image\.create\(")
    + _event("recovered", r"Downloaded newer image", r"Image is up to date for",
             r"Successfully pulled image",
             r"Docker-Content-Digest: sha256",
             r"Login Succeeded", clears=_PULL + " " + NETWORK)
    + _event("recovered", r"\bUp \d+ seconds?\b", r"\bUp \d+ minutes?\b", r"\bUp \d+ hours?\b",
             r"Container \S+ Started\b",
             clears="docker-name-conflict docker-port-in-use docker-image-missing")
    + _event("recovered", r"Successfully assigned \S+ to", clears=_SCHEDULING)
    + _event("recovered", r"successfully rolled out", r"\bcondition met\b", clears=_SETTLED)
    + _event("pod-ready", r"\b(\d{1,2})/\1 Running 0\b", r"(?:^|\s)Ready: True\b",
             r"\bContainersReady True\b", clears=_SETTLED)
    + _event("pod-unready", r"\b0/1 Running\b", r"\b0/2 Running\b", r"\b1/2 Running\b",
             r"\b0/1 Pending\b", r"\b0/1 ContainerCreating\b", r"(?:^|\s)Ready: False\b",
             r"\bContainersReady False\b", r"Restart Count: [1-9]")
    + [Event("fence", re.compile(r"(?:^|\s)```"), "```", common=True)]
    + _event("document", r"\bAuthor: \S", r"\bdiff --git ", r"\bdiff -[a-zA-Z]+ ",
             r"\bresource ['\"]")
    + [Event("document", re.compile(word), word, common=True) for word in SECTIONS]
    + _event("advice", r"\btroubleshooting\b", r"\bcheat ?sheet\b", r"\btutorial\b",
             r"\brunbook\b", r"\bplaybook\b", r"\bglossary\b",
             r"\bknown (?:issues|errors|limitations)\b", r"\bchangelog\b",
             r"\bcommon (?:errors|failures|issues|problems)\b", r"\bsymptoms?\b",
             r"\bfrequently asked questions\b", r"\bhow to (?:fix|solve|read)\b",
             r"\bwhat to do\b")
    + _event("recovered", r"Successfully installed \S",
             clears=f"{NETWORK} pip-build-failed build-feed-unauthorized "
             "pip-no-matching-distribution")
    + _event("recovered", r"Solving environment: .{0,40}done",
             r"Preparing transaction: .{0,40}done",
             clears="conda-unsatisfiable conda-package-not-found build-timeout " + NETWORK)
    + _event("recovered", r"succeeded (?:on|after|at) (?:attempt|retry|the\b)",
             r"(?:attempt|retry|try) \S{1,8} (?:\w+ )?succeeded",
             clears=NETWORK)
    + _event("succeeded", r"Successfully tagged \S", r"Run ID: \S+ was successful",
             r"writing image sha256:\S+ .{0,40}done", r"pushed image: ",
             r"naming to \S{1,300} .{0,20}done",
             r"Local webservice is running at http",
             r"operation finished, operation ['\"]Succeeded",
             r"['\"]?\bstate['\"]?\s*[:=]\s*['\"]?Healthy\b", r"service state:? Healthy\b",
             r"digest: sha256:[0-9a-f]{10,} size",
             r"['\"]?provisioning_?State['\"]?\s*[:=]\s*['\"]?Succeeded",
             r"Successfully built [0-9a-f]{12}\b",
             r"image build (?:has )?succeeded",
             r"=+ \d+ passed\b(?!.*\bfailed).* in [\d.]+s",
             r"\b(?:all|integration|smoke|unit) tests? passed\b")
)  # fmt: skip

CHAINED = re.compile(
    r"During handling of the above exception|The above exception was the direct cause"
)
EXCEPTION_LINE = re.compile(r"(?:[A-Za-z_]\w*\.){0,12}[A-Z]\w*(?::(?:\s|$)|\s*$)")
# A request the service answered: what failed just before it was caught, or was not.
ANSWER = re.compile(
    r'"(?:post|get|put|options|head) [^"\n]{0,300}" (?P<access>[1-5]\d\d)\b'
    r"|\b(?:post|get) /\S{0,200} (?P<plain>[1-5]\d\d) [\d.]+ ?ms\b"
    r"|\| info \| (?P<old>200)\s*(?:$|\\n|[\"'])"
    r"|(?:->|=>) (?P<arrow>200)\b|http/[\d.]+[\"']?\s+(?P<line>200)\b|\b(?P<reason>200) ok\b"
    r"|status[_ ]code\W{1,4}(?P<code>200)\b"
    r"|status\\{0,4}\": ?(?P<record>200)\b"
    r"|<response \[(?P<requests>200)\]",
    re.IGNORECASE | re.MULTILINE,
)
# What the web server itself writes at INFO: a traceback below it was not logged by the user.
SERVER_LINE = re.compile(
    r"Booting worker|Starting gunicorn|Listening at|Using worker|Initializ|Starting up|Invoking"
    r"|Found (?:user|driver) script|Starting HTTP server|AML|azmlinfsrv|Worker exiting|app insights"
)
# How a server ends by its user's wish, and a request whose caller has gone.
STOPPED = re.compile(
    r"(?:\w+\.)*(?:(?P<wish>CancelledError|GeneratorExit|KeyboardInterrupt|SystemExit: 0)"
    r"|BrokenPipeError|Connection(?:Reset|Aborted)Error|ClientDisconnect(?:ed)?)\b"
)
# What in the frames of a traceback tells whose it is.
FRAME_MARKS = (
    "azureml_model_dir", "os.path.join", "debugpy", "ptvsd", "pydevd", " in init", " in run",
)  # fmt: skip
SERVED_FRAME = re.compile(r"score\.py|/var/azureml|main\.py|gunicorn|entry\.py")
