"""What an exit code says of a container or a command: why it ended and what to do about it.

Codes above 128 name the signal that ended the process; 125 to 127 are Docker's and the shell's; the
others are the program's own, of which those of a scoring container are known (gunicorn, runit).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Ending:
    """An exit code in words; `hint` is what to do next, empty where nothing is wrong."""

    code: int
    words: str
    hint: str = ""

    @property
    def brief(self) -> str:
        """The code and two or three words, for a table: "137 memory limit"."""
        words = _BRIEF.get(self.code, "") or _SIGNALS.get(self.code - 128, ("",))[0]
        if self.code == 137 and self.words == _OUT_OF_MEMORY[0]:
            words = "memory limit"
        return f"{self.code} {words}".strip()

    def __str__(self) -> str:
        return f"exit code {self.code} ({self.words})" if self.words else f"exit code {self.code}"


_BRIEF = {
    0: "ended", 1: "failed", 2: "wrong usage", 3: "worker not up", 4: "app not loaded",
    100: "script failed", 111: "server ended", 125: "not started", 126: "not executable",
    127: "not found", 137: "killed", 143: "stopped",
}  # fmt: skip
_CODES = {
    0: ("it ended by itself, without an error", ""),
    1: ("its program failed", "The end of its log says why."),
    2: ("wrong usage of its command", "Check the command's options; the log shows the complaint."),
    3: (
        "the web server's worker did not boot: mostly an exception in init()",
        "Look for the first traceback in the log, or run init() alone.",
    ),
    4: ("the web server could not load the app", "The log shows the failed import."),
    100: (
        "the scoring server ended after an error in the entry script",
        "Look for the first traceback in the log, or run init() alone.",
    ),
    111: (
        "its supervisor stopped because the web server had ended",
        "The reason is earlier in the log: mostly an exception in init().",
    ),
    125: ("the engine could not start it", "Read the engine's message: ports, mounts, devices."),
    126: (
        "its command cannot be executed",
        "Not executable, made for another CPU, or its interpreter is missing.",
    ),
    127: ("its command was not found", "Check the command's path and the image's PATH."),
    255: ("its program failed, without a code of its own", "The end of its log says why."),
}
_SIGNALS = {
    1: ("SIGHUP", "its terminal went away", ""),
    2: ("SIGINT", "ctrl+c", ""),
    3: ("SIGQUIT", "ctrl+\\", ""),
    4: (
        "SIGILL",
        "a machine instruction that this CPU does not have",
        "A package was built for a newer CPU, or the image for another one.",
    ),
    5: ("SIGTRAP", "a breakpoint without a debugger", ""),
    6: ("SIGABRT", "it gave up: native code found itself in disorder", "See the end of the log."),
    7: ("SIGBUS", "shared memory ran out or a file shrank", "Start it with a larger --shm-size."),
    8: ("SIGFPE", "a division by zero in native code", ""),
    9: ("SIGKILL", "killed from outside", ""),
    11: (
        "SIGSEGV",
        "a crash in native code",
        "Mostly two packages that do not fit: compare their versions with a set that works.",
    ),
    13: ("SIGPIPE", "its output was closed", ""),
    14: ("SIGALRM", "its own alarm", ""),
    15: ("SIGTERM", "it was asked to stop", ""),
    24: ("SIGXCPU", "its limit of CPU time was reached", ""),
}
_OUT_OF_MEMORY = (
    "killed: it needed more memory than its limit",
    "Give it more memory, or load a smaller model.",
)
_KILLED = (
    "killed (SIGKILL), not by its own memory limit",
    "`docker kill`, a stop that took too long, or the machine itself ran out of memory.",
)


def describe(code: int, *, out_of_memory: bool = False) -> Ending:
    """An exit code in words; `out_of_memory` is the engine's OOMKilled.

    The engine sets OOMKilled, too, when a child was killed and the main process ended by itself.
    """
    if code == 137:
        return Ending(code, *(_OUT_OF_MEMORY if out_of_memory else _KILLED))
    if out_of_memory:
        ending = describe(code)
        words = f"{ending.words}; " if ending.words else ""
        return Ending(code, f"{words}a process in it ran out of memory", _OUT_OF_MEMORY[1])
    if code in _CODES:
        return Ending(code, *_CODES[code])
    if 128 < code < 128 + 65:
        number = code - 128
        name, meaning, hint = _SIGNALS.get(number, (f"signal {number}", "", ""))
        return Ending(code, f"{name}: {meaning}" if meaning else name, hint)
    return Ending(code, "")
