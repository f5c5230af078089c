"""The files behind a plan that is being written: drafts, plan files, and what the plan names."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from amltui.adapters.files import plans, source_dir
from amltui.domain.drafts import Draft, Mend, rebased, without_secrets
from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.facts import Facts, Fix
from amltui.domain.findings import apply
from amltui.domain.plan import Plan
from amltui.domain.text import clean_line

KEPT = 20  # drafts; the oldest go
SECTION = "draft"  # what a draft says beside the plan
_HEAD = ["A draft of amltui: n in the Deploy pane goes on with it."]
_COMPLETIONS = 200


class PlanFiles:
    """Drafts are plan files in a folder of this user's own, each with a section about itself."""

    def __init__(self, drafts_dir: Path) -> None:
        self._folder = drafts_dir
        self._keeping = threading.Lock()  # what is written later is what stays

    def drafts(self) -> tuple[Draft, ...]:
        """All drafts, the newest first; one that cannot be read hides no other."""
        found = []
        for path in self._paths():
            with contextlib.suppress(AmltuiError, OSError):
                data = plans.read(path)
                about = data.pop(SECTION, None) if isinstance(data, dict) else None
                if isinstance(about, dict):
                    folder, file = (str(about.get(name) or "") for name in ("folder", "file"))
                    changed = path.stat().st_mtime
                    found.append(Draft(path.stem, folder or "/", data, file, changed))
        return tuple(sorted(found, key=lambda draft: draft.changed_at, reverse=True))

    def keep(self, draft: Draft) -> None:
        """Write a draft, at once or not at all, for this user only, without secrets."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        about = {"folder": draft.folder, **({"file": draft.file} if draft.file else {})}
        data = {SECTION: about, **without_secrets(draft.data)}
        path = self._path(draft.id)
        with self._keeping:
            is_new = not path.exists()
            plans.write_atomically(path, plans.to_text(data, _HEAD), new_mode=0o600)
            if is_new:
                for old in self._paths()[KEPT:]:
                    old.unlink(missing_ok=True)

    def drop(self, draft_id: str) -> None:
        """Remove a draft that may be there."""
        self._path(draft_id).unlink(missing_ok=True)

    def read(self, path: Path) -> Any:
        """The data of a plan file, right or wrong."""
        return plans.read(path)

    def text(self, path: Path) -> str:
        """The text of a small file."""
        return plans.read_text(path)

    def save(self, path: Path, data: Mapping[str, Any], folder: str) -> None:
        """Write a plan file; paths that began at `folder` begin at the file's folder then."""
        place = os.path.dirname(os.path.abspath(path))
        plans.save(path, rebased(data, folder, place))

    def write_new(self, path: Path, text: str) -> None:
        """Write a file that is not there yet."""
        plans.write_new(path, text)

    def gather(self, plan: Plan, folder: str) -> Facts:
        """What this machine knows of a plan."""
        return source_dir.gather(plan, Path(folder))

    def mend(self, fix: Fix, folder: str, seen: str) -> Mend:
        """What a fix would make of its file, which must still be the text that it was made for."""
        path = Path(folder, fix.path)
        before = _exact(path)
        if before.removeprefix("\ufeff") != seen:
            raise _changed(str(path))
        return Mend(str(path), fix.edit.label, before, apply(before, fix.edit))

    def apply(self, mend: Mend) -> None:
        """Make the change; a file that is not what the change was made for is not touched."""
        path = Path(mend.path)
        if _exact(path) != mend.before:
            raise _changed(mend.path)
        plans.write_atomically(path, mend.after)

    def complete(self, typed: str, folder: str) -> tuple[str, ...]:
        """Paths that begin with what is typed, folders with a slash at their end."""
        head, _, start = typed.rpartition("/")
        place = Path(folder, os.path.expanduser(f"{head}/" if "/" in typed else "."))
        found = []
        with contextlib.suppress(OSError, ValueError), os.scandir(place) as entries:
            for entry in entries:
                hidden = entry.name.startswith(".") and not start.startswith(".")
                if entry.name.startswith(start) and not hidden and entry.name.isprintable():
                    slash = "/" if entry.is_dir() else ""
                    found.append(f"{f'{head}/' if '/' in typed else ''}{entry.name}{slash}")
        return tuple(sorted(found)[:_COMPLETIONS])

    def _paths(self) -> list[Path]:
        def age(path: Path) -> float:
            with contextlib.suppress(OSError):
                return -path.stat().st_mtime
            return 0.0

        return sorted(self._files(), key=age)

    def _files(self) -> Iterator[Path]:
        with contextlib.suppress(OSError):
            yield from (path for path in self._folder.glob("*.yml") if path.name[0] != ".")

    def _path(self, draft_id: str) -> Path:
        return self._folder / f"{draft_id}.yml"


def _changed(path: str) -> AmltuiError:
    return AmltuiError(
        f"{clean_line(path)} has changed meanwhile.",
        "It was not touched.",
        "It is checked again; look at the new findings.",
        problem=Problem.REFUSED,
    )


def _exact(path: Path) -> str:
    """The text of a file with its line ends, and the mark at its beginning, as they are."""
    try:
        return path.read_bytes().decode("utf-8")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "It is not UTF-8"
        shown = clean_line(str(path))
        raise AmltuiError(f"{shown} cannot be read.", f"{clean_line(why)}.") from error
