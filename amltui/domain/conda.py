"""What will go wrong with a conda file, and the lines to change.

The inference stack needs azureml-defaults >= 1.0.45 as a pip package (Microsoft, "Troubleshoot
deployment"); unpinned packages are behind most deployments that worked yesterday.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .conda_layout import Item, Layout, read_layout
from .conda_package import Package, read_package, version_numbers
from .findings import Edit, Finding, Hunk, Level, apply
from .plan_fields import quote

__all__ = ["DEFAULT_PYTHON", "apply", "fix_all", "lint", "lint_requirements"]

DEFAULTS = "azureml-defaults"
SERVER = "azureml-inference-server-http"  # what azureml-defaults brings; enough to serve
OLDEST_DEFAULTS = (1, 0, 45)
TESTED_DEFAULTS = "1.61.0"
DEFAULT_PYTHON = "3.10"  # what azureml-core 1.61 takes when the file names none
KEYS = ("name", "channels", "dependencies", "prefix", "variables")  # the SDK refuses others


def lint(text: str) -> list[Finding]:
    """What is wrong with a conda file, each with a fix where there is one, in order of lines."""
    layout = read_layout(text)
    if layout.unread:
        return [
            Finding(
                layout.unread,
                "layout",
                "From this line on the file is laid out in a way that cannot be checked here.",
                Level.INFO,
                "Checked are plain block lists, as `conda env export` writes them.",
            )
        ]
    return sorted(_Lint(layout).findings(), key=lambda found: found.line)


def fix_all(text: str) -> str:
    """The text after every fix there is, one after the other."""
    for _ in range(100):  # each fix ends its finding; the limit is for what nobody thought of
        fix = next((found.fix for found in lint(text) if found.fix is not None), None)
        if fix is None:
            break
        text = apply(text, fix)
    return text


def lint_requirements(text: str) -> list[Finding]:
    """What is wrong with a requirements file of pip."""
    layout = Layout()
    for number, line in enumerate(text.split("\n"), start=1):
        entry = re.sub(r"(^|\s)#.*", "", line).strip()
        if entry:
            layout.pip.append(Item(number, 0, entry))
    found = list(_Lint(layout).pip_findings(fixes=False))
    packages = {package.name for package in map(read_package, layout.pip) if package}
    if not packages & {DEFAULTS, SERVER}:
        found.append(
            Finding(
                0,
                "defaults-missing",
                f"{DEFAULTS} is missing: without it nothing serves the model.",
                Level.ERROR,
                f"Add {DEFAULTS}=={TESTED_DEFAULTS}.",
            )
        )
    return found


class _Lint:
    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._conda = [package for package in map(read_package, layout.conda) if package]
        self._pip = [package for package in map(read_package, layout.pip) if package]

    def findings(self) -> Iterator[Finding]:
        layout = self._layout
        for key, line in layout.keys.items():
            if key not in KEYS:
                known = ", ".join(KEYS)
                yield Finding(
                    line, "unknown-key", f"The SDK refuses the key {quote(key)}.", Level.ERROR,
                    f"Known are {known}.",
                )  # fmt: skip
        yield from self._python()
        yield from self._defaults()
        yield from self._conda_packages()
        yield from self.pip_findings()
        if layout.pip_key is not None and not any(p.name == "pip" for p in self._conda):
            edit = _edit("Add pip", Hunk(layout.pip_key.line, 0, (self._conda_line("pip"),)))
            yield Finding(
                layout.pip_key.line, "pip-not-listed",
                "pip is used but is not itself among the packages.", Level.WARNING,
                "Conda then picks one of its own.", edit,
            )  # fmt: skip

    def pip_findings(self, *, fixes: bool = True) -> Iterator[Finding]:
        """What is wrong with each entry for pip."""
        for item in self._layout.pip:
            if re.match(r"(-r|-c|-e|--requirement|--constraint|--editable)\b|[./~]", item.text):
                yield Finding(
                    item.line, "local-file",
                    f"{quote(item.text)} is a file of this machine: where the image is built, it "
                    "does not exist.", Level.WARNING, "List the packages themselves.",
                )  # fmt: skip
        for package in self._pip:
            found = _pip_package(package)
            if found is not None:
                yield found if fixes else _without_fix(found)
        yield from _doubles(self._pip)

    def _python(self) -> Iterator[Finding]:
        if any(package.name == "python" for package in self._conda):
            return
        yield Finding(
            self._layout.keys.get("dependencies", 0), "no-python",
            "The file names no Python version.", Level.WARNING,
            f"The SDK takes {DEFAULT_PYTHON}; models are often made with another.",
            _edit(f"Add python={DEFAULT_PYTHON}", *self._add_first(f"python={DEFAULT_PYTHON}")),
        )  # fmt: skip

    def _defaults(self) -> Iterator[Finding]:
        pip = {package.name for package in self._pip}
        wrong = [package for package in self._conda if package.name in (DEFAULTS, SERVER)]
        for package in wrong:
            spec = re.sub(r"^=(?!=)", "==", package.spec) or self._defaults_spec()
            entry = f"{package.name}{spec}" if package.name == DEFAULTS else package.name
            item = package.item
            add: tuple[Hunk, ...] = ()
            left: tuple[str, ...] = ()
            if package.name not in pip:
                add = self._add_pip(entry + item.comment)
            elif item.comment:  # what a person wrote stays, though its line goes
                left = (f"{' ' * item.indent}{item.comment.strip()}",)
            yield Finding(
                package.item.line, "defaults-not-pip",
                f"{package.name} is a package of pip, not of conda.", Level.ERROR,
                "It must stand below `- pip:`.",
                _edit("Move it below pip", Hunk(item.line, 1, left), *add),
            )  # fmt: skip
        if wrong or pip & {DEFAULTS, SERVER}:
            return
        entry = f"{DEFAULTS}{self._defaults_spec()}"
        yield Finding(
            self._layout.keys.get("dependencies", 0), "defaults-missing",
            f"{DEFAULTS} is missing: without it nothing serves the model.", Level.ERROR,
            "It must stand below `- pip:`.",
            _edit(f"Add {entry}", *self._add_pip(entry)),
        )  # fmt: skip

    def _conda_packages(self) -> Iterator[Finding]:
        for package in self._conda:
            if not package.pinned and package.name not in ("pip", "python", DEFAULTS, SERVER):
                yield _unpinned(package, "=")
            if package.name == "python" and not package.clauses and not package.pinned:
                line = self._conda_line(f"python={DEFAULT_PYTHON}") + package.item.comment
                yield Finding(
                    package.item.line, "no-python", "Python has no version.", Level.WARNING,
                    f"The SDK takes {DEFAULT_PYTHON}; models are often made with another.",
                    _edit(f"Write python={DEFAULT_PYTHON}", Hunk(package.item.line, 1, (line,))),
                )  # fmt: skip
        yield from _doubles(self._conda)

    def _defaults_spec(self) -> str:
        """The tested version; an old Python gets the newest that it can have."""
        python = next((p for p in self._conda if p.name == "python"), None)
        numbers = version_numbers(python.spec.lstrip("=<>~! ")) if python is not None else ()
        if len(numbers) >= 2 and not (3, 8) <= numbers[:2] < (3, 12):
            return ">=1.0.45"
        return f"=={TESTED_DEFAULTS}"

    def _conda_line(self, entry: str) -> str:
        items = self._layout.conda or ([self._layout.pip_key] if self._layout.pip_key else [])
        return f"{' ' * (items[0].indent if items else 2)}- {entry}"

    def _add_first(self, entry: str) -> tuple[Hunk, ...]:
        at = self._layout.keys.get("dependencies")
        if at is None:
            return (Hunk(self._layout.lines + 1, 0, ("dependencies:", self._conda_line(entry))),)
        return (Hunk(at + 1, 0, (self._conda_line(entry),)),)

    def _add_pip(self, entry: str) -> tuple[Hunk, ...]:
        layout = self._layout
        if layout.pip:
            line = f"{' ' * layout.pip[0].indent}- {entry}"
            return (Hunk(layout.pip[-1].line + 1, 0, (line,)),)
        if layout.pip_key is not None:
            line = f"{' ' * (layout.pip_key.indent + 4)}- {entry}"
            return (Hunk(layout.pip_key.line + 1, 0, (line,)),)
        key = self._conda_line("pip:")
        lines = [key, f"{' ' * (len(key) - len(key.lstrip()) + 4)}- {entry}"]
        if not any(package.name == "pip" for package in self._conda):
            lines.insert(0, self._conda_line("pip"))
        if "dependencies" not in layout.keys:
            lines.insert(0, "dependencies:")
            return (Hunk(layout.lines + 1, 0, tuple(lines)),)
        return (Hunk(layout.last_line + 1, 0, tuple(lines)),)


def _pip_package(package: Package) -> Finding | None:
    item = package.item
    if re.match(r"=(?!=)", package.spec):
        entry = f"{package.name}{package.extras}={package.spec}"
        return Finding(
            item.line, "single-equals", f"pip does not understand {quote(item.text)}.",
            Level.ERROR, "It wants two equals signs.", _rewrite(item, entry),
        )  # fmt: skip
    if package.name == DEFAULTS:
        return _defaults_version(package)
    if package.name == "sklearn":
        return Finding(
            item.line, "wrong-name", "sklearn cannot be installed: it is scikit-learn.",
            Level.ERROR, "", _rewrite(item, f"scikit-learn{package.spec}"),
        )  # fmt: skip
    if package.name == "opencv-python" and package.pinned:
        return Finding(
            item.line, "needs-libgl", "opencv-python needs libGL, which the images do not have.",
            Level.WARNING, "The headless one does without.",
            _rewrite(item, f"opencv-python-headless{package.spec}"),
        )  # fmt: skip
    return None if package.pinned else _unpinned(package, "==")


def _defaults_version(package: Package) -> Finding | None:
    item, entry = package.item, f"{DEFAULTS}=={TESTED_DEFAULTS}"
    newest = package.newest
    if newest is not None and newest < OLDEST_DEFAULTS:
        return Finding(
            item.line, "defaults-too-old", f"{quote(item.text)} is older than 1.0.45.",
            Level.ERROR, "Older ones cannot serve a local web service.", _rewrite(item, entry),
        )  # fmt: skip
    if package.pinned:
        return None
    return Finding(
        item.line, "unpinned", f"{DEFAULTS} is not pinned: the image built next year is another.",
        Level.WARNING, "Its newer releases broke services that had worked.", _rewrite(item, entry),
    )  # fmt: skip


def _unpinned(package: Package, equals: str) -> Finding:
    return Finding(
        package.item.line, "unpinned", f"{quote(package.name)} is not pinned.", Level.WARNING,
        f"Write the version that the model was made with: {package.name}{equals}1.2.3",
    )  # fmt: skip


def _doubles(packages: list[Package]) -> Iterator[Finding]:
    first: dict[str, int] = {}
    for package in packages:
        if package.name in first:
            yield Finding(
                package.item.line, "twice",
                f"{quote(package.name)} stands already at line {first[package.name]}.",
                Level.WARNING, "Keep one of the two.",
            )  # fmt: skip
        first.setdefault(package.name, package.item.line)


def _rewrite(item: Item, entry: str) -> Edit:
    text = f"'{entry}'" if re.search(r"[\[\]#:;>|&*!%@]", entry) else entry
    line = f"{' ' * item.indent}- {text}{item.comment}"
    return _edit(f"Write {entry}", Hunk(item.line, 1, (line,)))


def _edit(label: str, *hunks: Hunk) -> Edit:
    return Edit(label, hunks)


def _without_fix(found: Finding) -> Finding:
    return Finding(found.line, found.code, found.message, found.level, found.hint)


def want(text: str, entry: str) -> Edit | None:
    """The edit that makes a conda file ask pip for `entry` (as azureml-defaults==1.61.0).

    A line of that package is written anew, also one of conda's; else a line is added. None where
    the file asks for it already, or has a layout that is not read here.
    """
    layout = read_layout(text)
    package = read_package(Item(0, 0, entry))
    if layout.unread or package is None:
        return None
    for there in filter(None, map(read_package, (*layout.pip, *layout.conda))):
        if there.name == package.name:
            same = there.item.text == entry or (there.item in layout.conda and not package.spec)
            if same:
                return None
            if there.item in layout.pip:
                return _rewrite(there.item, entry)
            conda = entry.replace("==", "=") if "==" in entry else entry
            return _rewrite(there.item, conda)
    return _edit(f"Add {entry}", *_Lint(layout)._add_pip(entry))
