"""What is said of one container: its state, its use of the machine, what is done with it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from .errors import AmltuiError, Problem
from .exitcodes import Ending, describe
from .text import MASK, clean, clean_line, mask

TEMPORARY_LABEL = "amltui.temporary"
"""On containers and images that live as long as a shell in them."""
ORIGIN_LABEL = "amltui.stands-in-for"
"""On a container to have a shell in: the name of the image that it, or what it copies, is of."""
COMMIT_LABEL = "amltui.commit"
"""On a committed image: the container it was taken of and a digest of what was changed then."""

_SECRET_NAME = re.compile(
    r"pass|pwd|secret|token|credential|(?:^|_)sas(?:_|$)|(?:^|_|api|access|account)keys?(?:_|$)"
    r"|connection_?string|auth(?:orization)?(?:_|$)",
    re.IGNORECASE,
)
_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_IMAGE = re.compile(
    r"(?:(?=[^/]*[.:])[a-zA-Z0-9.-]+(?::\d+)?/)?"  # a registry
    rf"{_PART}(?:/{_PART})*(?::\w[\w.-]{{0,127}})?",
    re.ASCII,
)
_TAG = re.compile(r"(?P<stem>.*?)(?P<number>\d+)")


@dataclass(frozen=True)
class ShellEnd:
    """How a shell ended; None is what nobody could tell any more."""

    code: int | None
    container_running: bool | None

    @property
    def words(self) -> str:
        """One line for a toast: "The shell ended with exit code 7."."""
        if self.container_running is None:
            return "The engine has gone, and the shell with it."
        if not self.container_running:
            return "The container has ended, and the shell with it."
        if self.code is None:
            return "The connection broke, and the shell was ended."
        if self.code == 0:
            return "The shell ended."
        return f"The shell ended with exit code {self.code}."


@dataclass(frozen=True)
class Mount:
    """A folder or file of the host, or a volume, inside a container."""

    kind: str  # bind, volume, tmpfs
    source: str
    target: str
    writable: bool


@dataclass(frozen=True)
class ContainerDetail:
    """A container as the engine describes it; times are its stamps, sizes in bytes."""

    id: str
    name: str
    image: str
    image_id: str
    state: str
    command: str
    ending: Ending | None = None  # of the last run; None while it runs
    error: str = ""
    health: str = ""
    created_at: str = ""
    started_at: str = ""
    finished_at: str = ""
    restart_count: int = 0
    restart_policy: str = ""
    auto_remove: bool = False
    memory_limit: int = 0  # 0: none
    cpus: float = 0.0  # 0: all
    user: str = ""
    working_dir: str = ""
    network: str = ""
    ports: tuple[tuple[str, str], ...] = ()  # inside, on this machine
    mounts: tuple[Mount, ...] = ()
    environment: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    labels: tuple[tuple[str, str], ...] = ()

    @property
    def running(self) -> bool:
        """Whether its process runs, paused or not."""
        return self.state in ("running", "paused")

    def variable(self, name: str) -> str:
        """The value of an environment variable, empty if it has none."""
        return dict(self.environment).get(name, "")


@dataclass(frozen=True)
class Usage:
    """What a container uses now: percent of one CPU (200 is two), and bytes.

    The percentage takes two samples: None until then.
    """

    container_id: str
    cpu_percent: float | None
    memory: int
    memory_limit: int
    processes: int = 0


@dataclass(frozen=True)
class Entry:
    """One name in a folder of a container; size in bytes, modified in seconds since 1970.

    The name is as it is, undecodable bytes as surrogates: `clean_line` it for the screen.
    """

    name: str
    kind: str  # file, folder, link, other
    size: int
    mode: int
    modified: int


@dataclass
class Extracted:
    """What came out: files, bytes of content, and what was left out and why."""

    files: int = 0
    size: int = 0
    skipped: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Original:
    """A container's file as it was read: to tell whether it is still that, and to keep its mode."""

    container: str
    path: str
    digest: str
    mode: int
    uid: int
    gid: int


@dataclass(frozen=True)
class Standin:
    """A running stand-in; `image` is the temporary image to remove with it, if there is one."""

    container_id: str
    name: str
    image: str = ""


@dataclass(frozen=True)
class Probe:
    """What was found in a container: rows for a table, or text; `remarks` say what it means."""

    title: str
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    text: str = ""
    remarks: tuple[str, ...] = ()
    failed: bool = False


def masked_environment(pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Environment variables by name, with what may be a secret replaced by dots."""
    rows = []
    for name, value in sorted(pairs):
        if value and _SECRET_NAME.search(name):
            rows.append((name, MASK))
        else:
            rows.append((name, mask(value)))
    return tuple(rows)


def masked(answer: object) -> object:
    """An engine's answer, safe for the screen, with what may be a secret replaced by dots."""
    if isinstance(answer, Mapping):
        return {clean_line(str(name)): _masked_value(str(name), answer[name]) for name in answer}
    if isinstance(answer, (list, tuple)):
        return [masked(each) for each in answer]
    return clean(mask(answer)) if isinstance(answer, str) else answer


def _masked_value(name: str, value: object) -> object:
    if name == "Env" and isinstance(value, list):
        pairs = [str(line).partition("=")[::2] for line in value]
        return [f"{clean_line(key)}={clean(text)}" for key, text in masked_environment(pairs)]
    if isinstance(value, str) and value and _SECRET_NAME.search(name):
        return MASK
    return masked(value)


def next_image(image: str, existing: Iterable[str], fallback: str = "debug") -> str:
    """The next free tag of an image: debug:1 -> debug:2, app:latest -> app:1, an id -> debug:1.

    `fallback` names the repository of what has only an id, e.g. the container's name.
    """
    repository, tag = split_image(image)
    if not repository:
        repository = re.sub(r"[^a-z0-9]+", "-", fallback.lower()).strip("-") or "debug"
    match = _TAG.fullmatch(tag)
    stem = match["stem"] if match else ""
    if stem.endswith("."):  # a version like 1.4.2 is not counted on: it would pass for a release
        stem, match = f"{tag}-debug", None
    taken = {split_image(each)[1] for each in existing if split_image(each)[0] == repository}
    number = int(match["number"]) + 1 if match else 1
    while f"{stem}{number}" in taken:
        number += 1
    return f"{repository}:{stem}{number}"


def split_image(image: str) -> tuple[str, str]:
    """Repository and tag of an image's name; both empty for an id, the tag of a digest too."""
    name = image.partition("@")[0]
    if re.fullmatch(r"(?:sha256:)?[0-9a-f]{12,64}", image) or not name:
        return "", ""
    head, slash, last = name.rpartition("/")
    last, _, tag = last.partition(":")
    return f"{head}{slash}{last}", tag


def image_name(text: str) -> str:
    """The text, if an image can be called so: an engine asks only after it has made the image.

    Raises:
        AmltuiError: it cannot.
    """
    if _IMAGE.fullmatch(text) is None:
        raise AmltuiError(
            "That is no name for an image",
            f"{clean_line(text)} cannot be one; nothing was committed.",
            "It has small letters, digits and . _ - /, and then perhaps a colon and a tag.",
            problem=Problem.USAGE,
        )
    return text


def ending_of(code: int, out_of_memory: bool, error: str) -> Ending:
    """How a container's run ended; an error of the engine's says more than the code."""
    found = describe(code, out_of_memory=out_of_memory)
    return Ending(code, error, found.hint) if error else found


def command_line(parts: Sequence[str]) -> str:
    """A command as a person would type it; for showing only."""
    return " ".join(part if re.fullmatch(r"[\w@%+=:,./-]+", part) else repr(part) for part in parts)
