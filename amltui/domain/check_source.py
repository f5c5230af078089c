"""Checks of what is sent along: the source directory and the models."""

from __future__ import annotations

import fnmatch
import posixpath
from collections.abc import Iterator

from .facts import Check, Facts, SourceListing
from .findings import Level
from .model_paths import ModelContent, content_id
from .plan import Plan
from .plan_parts import FileModel, FolderModel, RegisteredModel

LARGE_SOURCE = 100 * 1024**2  # bytes; it is packed, sent and unpacked for every deployment
LARGE_MODEL = 2 * 1024**3
MANY_FILES = 2_000
_SECRETS = (".env", "*.pem", "*.key", "*.pfx", "id_rsa", "id_ed25519", ".netrc", ".pypirc")
_BALLAST = (".git", ".venv", "venv", "node_modules", "__pycache__", ".ipynb_checkpoints", "mlruns")
_SHOWN = 3
_LARGE_LOCALLY = "A local service needs that much memory and disk for its image, too."


def source(plan: Plan, facts: Facts) -> Iterator[Check]:
    """What is remarkable about the files that go along."""
    listing, where = facts.source, "inference.source_directory"
    if listing is None:
        if not plan.inference.source_directory:
            yield Check(
                Level.INFO, where, "Only the entry script is sent.", "",
                "Name a source directory if it imports files of its own.",
            )  # fmt: skip
        return
    large = listing.size > LARGE_SOURCE or listing.count > MANY_FILES
    files = f"{listing.count}{' or more' if listing.truncated else ''} files"
    title = f"{files} of {size_words(listing.size)} are sent along."
    hint = "Everything is packed and sent for every deployment." if large else ""
    yield Check(Level.WARNING if large else Level.INFO, where, title, "", hint)
    yield from _unwanted(listing, where)
    if listing.ignored:
        shown = ", ".join(one.path for one in listing.ignored[:_SHOWN])
        yield Check(
            Level.WARNING, where,
            f"{len(listing.ignored)} files that {listing.ignore_file} names are sent, too.",
            f"{shown}{' …' if len(listing.ignored) > _SHOWN else ''}",
            "The SDK heeds ignore files for experiments, not for deployments.",
        )  # fmt: skip
    outside = [one for one in listing.files if one.link.startswith(("/", ".."))]
    if outside:
        yield Check(
            Level.WARNING, where, f"{outside[0].path} is a link to {outside[0].link}.",
            "A link is sent as a link: it points nowhere in the container.",
        )  # fmt: skip
    for problem in listing.problems[:_SHOWN]:
        yield Check(Level.ERROR, where, "A file cannot be read.", problem)


def _unwanted(listing: SourceListing, where: str) -> Iterator[Check]:
    secrets = [
        one.path
        for one in listing.files
        if any(fnmatch.fnmatch(posixpath.basename(one.path), pattern) for pattern in _SECRETS)
    ]
    if secrets:
        yield Check(
            Level.WARNING, where, f"{secrets[0]} looks like a secret, and is sent along.",
            f"{len(secrets)} such files are there." if len(secrets) > 1 else "",
            "It would be in the image, and in the workspace's storage.",
        )  # fmt: skip
    for folder in _BALLAST:
        inside = [one for one in listing.files if folder in one.path.split("/")[:-1]]
        total = sum(one.size for one in inside)
        if inside and (folder != "__pycache__" or total > LARGE_SOURCE // 10):
            yield Check(
                Level.WARNING, where, f"{folder} is sent along: {size_words(total)}.", "",
                "Keep the entry script in a folder of its own.",
            )  # fmt: skip


def models(plan: Plan, facts: Facts) -> Iterator[Check]:
    """What is remarkable about the models."""
    if not plan.models:
        yield Check(
            Level.WARNING, "models", "No model is named.", "",
            "That works when the entry script needs none.",
        )  # fmt: skip
    seen: set[str] = set()
    for at, model in enumerate(plan.models):
        where = f"models[{at}]"
        if model.name in seen and not isinstance(model, RegisteredModel):
            yield Check(
                Level.WARNING, f"{where}.name", f"{model.name} is there twice.",
                "It will be registered twice, as two versions.",
            )  # fmt: skip
        seen.add(model.name)
        if isinstance(model, RegisteredModel):
            yield from _registered(model, where, facts)
            continue
        if model.framework_version and not model.framework:
            yield Check(
                Level.ERROR, f"{where}.framework_version", "A version needs its framework.", "",
                "Add framework: and its name.",
            )  # fmt: skip
        path = model.file if isinstance(model, FileModel) else ""
        path = model.folder if isinstance(model, FolderModel) else path
        fact = facts.files.get(path) if path else None
        if fact is not None and fact.size > LARGE_MODEL:
            yield Check(
                Level.WARNING, where, f"{path} has {size_words(fact.size)}.",
                "It is sent once, and fetched into every container when it starts.",
                _LARGE_LOCALLY,
            )  # fmt: skip
        elif fact is not None and fact.kind and fact.size == 0:
            yield Check(Level.ERROR, where, f"{path} is empty.")


def _registered(model: RegisteredModel, where: str, facts: Facts) -> Iterator[Check]:
    if facts.models is None:
        return
    versions = facts.models.get(model.name)
    if not versions:
        hint = "See the workspace's models, or register one: `- file: …`."
        title = f"The workspace has no model {model.name}."
        yield Check(Level.ERROR, f"{where}.registered", title, "", hint)
    elif model.version and model.version not in versions:
        newest = f"The newest is {max(versions)}."
        title = f"{model.name} has no version {model.version}."
        yield Check(Level.ERROR, f"{where}.version", title, newest)
    else:
        name = content_id(model, facts.newest)
        content = facts.contents.get(name)
        if content is None or content.problem:
            return
        title = f"{name}: {content_words(content)}."
        if (content.size or 0) <= LARGE_MODEL:
            yield Check(Level.INFO, f"{where}.registered", title)
        else:
            yield Check(
                Level.WARNING, f"{where}.registered", title,
                "It is fetched into every container when it starts.", _LARGE_LOCALLY,
            )  # fmt: skip


def content_words(content: ModelContent) -> str:
    """How much a registered model is."""
    amount = "1 file" if content.count == 1 else f"{content.count} files"
    return amount if content.size is None else f"{amount} of {size_words(content.size)}"


def size_words(size: int) -> str:
    """Bytes in a unit that people use."""
    value = float(size)
    for unit in ("bytes", "kB", "MB"):
        if value < 1024:
            return f"{value:.0f} {unit}"
        value /= 1024
    return f"{value:.1f} GB"
