"""The image of a package, pulled and run with its two ports; and how far the container is."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from datetime import datetime

from amltui.domain.containerdiff import source_root
from amltui.domain.debugpull import PullProgress, refusal
from amltui.domain.debugwait import Look, look_at
from amltui.domain.text import clean, clean_line
from amltui.domain.workbench import ending_of, next_image

from . import probes, standin
from .access import LONG_LIMIT, EngineAccess
from .execute import execute

LABEL = "amltui.debug"  # on a debug container; its value is the plan's name
HTTP_PORT, DEBUG_PORT = 5001, 5678  # inside
_LOOPBACK = "127.0.0.1"  # a debugger runs what it is sent: nobody else may reach it
# One worker, so that it is the one with the debugger, and an hour (s) at a breakpoint.
_VARIABLES = ("WORKER_COUNT=1", "WORKER_TIMEOUT=3600", "PYDEVD_DISABLE_FILE_VALIDATION=1")
_LOOK = "import debugpy; print(debugpy.__version__)"
_LOG_LINES = 2_000
_PORTS_TRIED = 50


def pull(
    access: EngineAccess,
    location: str,
    login: Mapping[str, str],
    on_progress: Callable[[PullProgress], None],
) -> None:
    """Pull an image with a login that is kept nowhere.

    Raises:
        AmltuiError: with `Problem.SIGN_IN` where the login is not accepted (any more).
    """
    from docker.errors import APIError

    progress = PullProgress()
    with access.api(LONG_LIMIT) as api:
        try:
            for event in api.pull(location, stream=True, decode=True, auth_config=dict(login)):
                if said := event.get("error"):
                    raise refusal(location, str(said))
                progress.take(event)
                on_progress(progress)
        except APIError as error:
            raise refusal(location, str(error.explanation or error)) from error


def tag(access: EngineAccess, location: str) -> str:
    """Give an image the next free tag: debug:1, debug:2 ..."""
    with access.api() as api:
        existing = [name for image in api.images() for name in image.get("RepoTags") or []]
        name = next_image("debug:0", existing)
        repository, number = name.split(":")
        api.tag(location, repository, number)
    return name


def debugger_in(access: EngineAccess, image: str) -> str:
    """The version of debugpy in an image, empty if there is none.

    Raises:
        AmltuiError: the image cannot be asked: it has no shell, for instance.
    """
    copy = standin.stand_in_for_image(access, image)
    try:
        output = execute(access, copy.container_id, ["python", "-c", _LOOK], limit=60.0)
    finally:
        standin.remove(access, copy)
    return clean_line(output.stdout.decode("utf-8", "replace")).strip() if output.code == 0 else ""


def free_port(access: EngineAccess, wanted: int) -> tuple[int, str]:
    """A port that is free now, `wanted` if it is, and who holds that otherwise."""
    tried = range(wanted, min(wanted + _PORTS_TRIED, 65_536))
    rows = probes.ports(access, tried).rows
    free = next((int(port) for port, state in rows if state == "free"), 0)
    return free, "" if rows[0][1] == "free" else rows[0][1]


def run(access: EngineAccess, image: str, service: str, http: int, debug: int) -> tuple[str, str]:
    """Start a container of an image; returns its id and name: debug, debug-2 ...

    It is not started with --rm: what is edited in it survives a stop.
    """
    from docker.errors import APIError

    bindings = {
        f"{inner}/tcp": [{"HostIp": _LOOPBACK, "HostPort": str(outer)}]
        for inner, outer in ((HTTP_PORT, http), (DEBUG_PORT, debug))
    }
    config = {
        "Image": image,
        "Env": list(_VARIABLES),
        "Labels": {LABEL: service},
        "ExposedPorts": {port: {} for port in bindings},
        "HostConfig": {"PortBindings": bindings},
    }
    with access.api(60.0) as api:
        taken = {name for each in api.containers(all=True) for name in each.get("Names") or []}
        number, name = 1, "debug"
        while f"/{name}" in taken:
            number += 1
            name = f"debug-{number}"
        identity = str(api.create_container_from_config(config, name=name)["Id"])
        try:
            api.start(identity)
        except APIError:
            api.remove_container(identity, force=True)
            raise
    return identity, name


def look(access: EngineAccess, container: str, http: int) -> Look:
    """How far a debug container is, from its log since its last start, and from its answer."""
    with access.api() as api:
        found = api.inspect_container(container)
        state = found["State"]
        since = datetime.fromisoformat(f"{state['StartedAt'][:19]}+00:00")
        raw: bytes = api.logs(container, tail=_LOG_LINES, since=int(since.timestamp()))
    log = clean(raw.decode("utf-8", "replace"))
    running = bool(state.get("Running"))
    error = clean_line(str(state.get("Error") or ""))
    ending = ""
    if not running:
        ending = str(ending_of(int(state["ExitCode"]), bool(state.get("OOMKilled")), error))
    seen = look_at(log, running=running, ending=ending)
    # The ports of an engine elsewhere are not on this machine: what it says must do.
    answers = running and (not is_local(access) or _answers(http))
    return Look(seen.stage, seen.detail, answers)


def root_of(access: EngineAccess, image: str, entry_script: str) -> str:
    """Where the source directory is in an image whose entry script is `entry_script` in it."""
    with access.api() as api:
        variables = (api.inspect_image(image).get("Config") or {}).get("Env") or []
    values = dict(str(each).partition("=")[::2] for each in variables)
    return source_root(
        values.get("AML_APP_ROOT", ""),
        values.get("AZUREML_ENTRY_SCRIPT", ""),
        inside_source=entry_script,
    )


def is_local(access: EngineAccess) -> bool:
    """Whether the engine publishes its ports on this machine."""
    return bool(access.address.socket_path)


def _answers(port: int) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://{_LOOPBACK}:{port}/", timeout=1.0) as answer:
            return bool(answer.status == 200)
    except urllib.error.HTTPError:
        return True  # an answer all the same
    except (OSError, ValueError):
        return False
