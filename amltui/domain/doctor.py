"""Whether this machine can do what amltui needs: what was looked at, and what that means."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

NEWEST_SDK_PYTHON = (3, 11)  # that azureml-core 1.61 can be installed on
LITTLE_DISK, FULL_DISK = 10e9, 1e9  # bytes: an image of a service takes some gigabytes
SKEW_WARNING, SKEW_FAILURE = 60.0, 300.0  # seconds; Azure refuses tokens beyond five minutes
SMALL_SCREEN = (80, 24)

_SECRET = re.compile(r"//[^/@\s]*@")
_SERVICES = "Microsoft.MachineLearningServices/workspaces/services"
READ = f"{_SERVICES}/read"
WRITE = (
    "Microsoft.MachineLearningServices/workspaces/models/write",
    f"{_SERVICES}/aci/write",
    f"{_SERVICES}/aks/write",
)


class Mark(str, Enum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    NOT_TRIED = "not tried"


@dataclass(frozen=True)
class Verdict:
    """What a check found, and what to do about it."""

    mark: Mark
    text: str
    remedy: str = ""


@dataclass(frozen=True)
class Check:
    """Something to look at: `look` blocks, for `limit` seconds at most."""

    key: str
    group: str
    title: str
    limit: float
    look: Callable[[], Verdict]


@dataclass(frozen=True)
class Checked:
    """A check that was made, and how long it took (seconds)."""

    check: Check
    verdict: Verdict
    seconds: float


def ok(text: str) -> Verdict:
    """All is well."""
    return Verdict(Mark.OK, text)


def warning(text: str, remedy: str) -> Verdict:
    """It works, or is not always needed."""
    return Verdict(Mark.WARNING, text, remedy)


def failed(text: str, remedy: str) -> Verdict:
    """Something cannot work like that."""
    return Verdict(Mark.FAILED, text, remedy)


def not_tried(text: str, remedy: str) -> Verdict:
    """It was not looked at, and why; the remedy is what makes it possible."""
    return Verdict(Mark.NOT_TRIED, text, remedy)


def fails(checked: Iterable[Checked]) -> bool:
    """Whether any check failed; warnings are none."""
    return any(one.verdict.mark is Mark.FAILED for one in checked)


def python(version: tuple[int, int], full: str) -> Verdict:
    """The Python that amltui runs on."""
    if version > NEWEST_SDK_PYTHON:
        newest = ".".join(map(str, NEWEST_SDK_PYTHON))
        return warning(
            f"{full}: azureml-core 1.61 has no release for it.", f"Use Python {newest} for the SDK."
        )
    return ok(full)


def sdk(version: str | None) -> Verdict:
    """The Azure ML SDK v1."""
    if version is None:
        return failed("azureml-core is not installed.", "pip install azureml-core")
    return ok(f"azureml-core {version}")


NO_EXTENSION = not_tried("It needs the Azure CLI.", "amltui does without; mend the CLI first.")


def azure_cli(versions: Mapping[str, object] | None) -> tuple[Verdict, Verdict]:
    """The Azure CLI and its extension for machine learning; None where there is no `az`."""
    if versions is None:
        missing = "There is no `az` on the PATH; nothing here needs it but --auth cli."
        return (
            warning(missing, "Install the Azure CLI, or sign in another way: --auth interactive."),
            NO_EXTENSION,
        )
    cli = ok(f"azure-cli {versions.get('azure-cli', '?')}")
    held = versions.get("extensions")
    extensions = held if isinstance(held, Mapping) else {}
    if "ml" in extensions:
        return cli, ok(f"ml {extensions['ml']} (v2)")
    if "azure-cli-ml" in extensions:
        old = f"azure-cli-ml {extensions['azure-cli-ml']} left support on 2025-09-30."
        return cli, warning(old, "az extension add -n ml brings v2; amltui needs neither.")
    none = "No extension for machine learning is installed; amltui does without."
    return cli, warning(none, "az extension add -n ml")


def disk(free: float, place: str) -> Verdict:
    """The room (bytes) that is left at a place."""
    text = f"{free / 1e9:.1f} GB free at {place}"
    if free < FULL_DISK:
        return failed(text, "Make room: docker system df shows what images take.")
    if free < LITTLE_DISK:
        return warning(text, "An image takes some gigabytes: docker system df shows what is there.")
    return ok(text)


def clock(skew: float) -> Verdict:
    """How far (seconds) this machine's clock is ahead of a server's."""
    text = f"{abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} the server"
    if abs(skew) >= SKEW_FAILURE:
        return failed(text, "Set the clock (timedatectl set-ntp true): tokens are refused.")
    if abs(skew) >= SKEW_WARNING:
        return warning(text, "Set the clock: timedatectl set-ntp true")
    return ok("right to a minute")


def proxies(environ: Mapping[str, str]) -> Verdict:
    """The proxy variables, their passwords hidden."""
    said = {
        name: _SECRET.sub("//…@", environ[name])
        for pair in (("https_proxy", "HTTPS_PROXY"), ("http_proxy", "HTTP_PROXY"),
                     ("all_proxy", "ALL_PROXY"))
        for name in pair
        if environ.get(name)
    }  # fmt: skip
    if not said:
        return ok("no proxy is set")
    text = ", ".join(f"{name}={value}" for name, value in said.items())
    spared = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    local = {part.strip().lower() for part in spared.split(",")} & {"localhost", "127.0.0.1", "*"}
    if not local:
        return warning(
            f"{text}; NO_PROXY does not spare this machine.",
            "export NO_PROXY=localhost,127.0.0.1, or local services are asked through the proxy.",
        )
    return ok(text)


def terminal(
    environ: Mapping[str, str], size: tuple[int, int] | None, encoding: str, clipboard: str
) -> Verdict:
    """What the terminal can do; `clipboard` is tmux's set-clipboard, empty outside of tmux."""
    name = environ.get("TERM", "")
    if size is None:
        return not_tried("This is no terminal.", "Run it in the terminal that is in question.")
    troubles: list[tuple[str, str]] = []
    if name in ("", "dumb"):
        troubles.append((f"TERM is {name or 'not set'}", "export TERM=xterm-256color"))
    if "utf" not in encoding.lower():
        told = f"the locale's encoding is {encoding or 'not known'}"
        troubles.append((told, "export LC_ALL=C.UTF-8"))
    if size < SMALL_SCREEN or size[1] < SMALL_SCREEN[1]:
        troubles.append((f"{size[0]}x{size[1]} is small", "80x24 shows more"))
    if clipboard == "off":
        troubles.append(("tmux refuses OSC 52: copying does nothing", "set -g set-clipboard on"))
    colours = "24-bit colours" if environ.get("COLORTERM") in ("truecolor", "24bit") else (
        "256 colours" if "256" in name else "16 colours")  # fmt: skip
    text = f"{name}, {colours}, {size[0]}x{size[1]}, {encoding}"
    if clipboard:
        text += f", tmux set-clipboard {clipboard}"
    if not troubles:
        return ok(text)
    told = "; ".join(trouble for trouble, _ in troubles)
    return warning(f"{text}: {told}", "; ".join(remedy for _, remedy in troubles))


def role(permissions: Iterable[tuple[Sequence[str], Sequence[str]]]) -> Verdict:
    """What the identity may do: for each of its roles, the patterns of what it allows and not."""
    roles = tuple(permissions)

    def may(action: str) -> bool:
        return any(_matches(action, yes) and not _matches(action, no) for yes, no in roles)

    if not may(READ):
        return failed(
            f"The identity may not even list services ({READ}).",
            "Ask an owner for the role Reader, or AzureML Data Scientist to deploy as well.",
        )
    missing = [action for action in WRITE if not may(action)]
    if missing:
        return warning(
            f"It may look, but not: {', '.join(missing)}",
            "To deploy, ask an owner for the role AzureML Data Scientist or Contributor.",
        )
    return ok("may list, register and deploy")


def _matches(action: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(action.lower(), pattern.lower()) for pattern in patterns)


def registry(name: str, admin: bool | None) -> Verdict:
    """Whether the admin user of the workspace's registry is on."""
    if not name:
        none = "The workspace has no registry yet."
        return not_tried(none, "Nothing is to be done: the first deployment makes one.")
    if admin is None:
        told = f"{name} does not say whether its admin user is on."
        return not_tried(told, f"az acr show -n {name} --query adminUserEnabled")
    if not admin:
        return warning(
            f"The admin user of {name} is off: ACI cannot pull images from it.",
            f"az acr update -n {name} --admin-enabled true",
        )
    return ok(f"the admin user of {name} is on")


def editor(command: str) -> Verdict:
    """Visual Studio Code, which attaches to a service that is debugged."""
    if command:
        return ok(command)
    return warning("There is no `code` on the PATH here.", "Install it where you debug from.")


def debugger(version: str | None) -> Verdict:
    """debugpy on this machine; the image of a debugged service brings its own."""
    if version is None:
        return warning("debugpy is not installed here.", "pip install debugpy")
    return ok(f"debugpy {version}")
