"""The lines of a plan's form: which settings there are on a page, as far as what is picked goes.

Made from the data that a plan's parts declare; what is picked decides which parts those are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from .plan import Plan
from .plan_fields import Field, Kind, fields_of
from .plan_parts import MODELS, Environment, Inference, Options
from .plan_targets import TARGETS

MODEL, INFERENCE, TARGET = "model", "inference", "target"
PAGES = (MODEL, INFERENCE, TARGET)
PACKAGES, IMAGE = "inference.environment.packages", "inference.environment.image"
KIND = "kind"
Text = Callable[[str], str]
"""What is typed or picked at a path."""

_WHERE = {
    "file": "file", "folder": "folder", "registered": "registered", "run": "run output",
}  # fmt: skip
PACKAGE_SOURCES = (
    ("conda_file", "conda file"), ("pip_requirements", "pip file"), ("registered", "registered"),
    ("none", "none"),
)  # fmt: skip
IMAGE_SOURCES = (("sdk", "the SDK's"), ("base_image", "image"), ("base_dockerfile", "Dockerfile"))
_TARGETS = {"local": "Local", "aci": "ACI", "aks": "AKS"}
# Settings of an environment that go with one way to get it; all others always make sense.
_OF_PACKAGES = ("conda_file", "pip_requirements", "registered", "version")
_OF_IMAGE = ("base_image", "base_dockerfile")
_OF_MADE = ("name", *_OF_IMAGE)  # a registered one brings its own
_OF_REGISTRY = ("registry_address", "registry_username", "registry_password_variable")
_FIRST = {f"models.{KIND}": "file", PACKAGES: "conda_file", IMAGE: "sdk"}


@dataclass(frozen=True)
class Line:
    """One line of a form: a setting and its path in the plan; `options` are there to pick from.

    A line that is not `said` only decides which other lines there are.
    """

    path: str
    setting: Field
    options: tuple[tuple[str, str], ...] = ()  # the text, and the word for it
    said: bool = True
    title: str = ""  # of what begins with this line

    @property
    def label(self) -> str:
        """The setting's name, as in the plan and the SDK."""
        return self.setting.name

    @property
    def tall(self) -> bool:
        """Whether its text may have several lines."""
        return self.setting.kind in (Kind.PROSE, Kind.MAP)


def lines(page: str, text: Text, models: int) -> tuple[Line, ...]:
    """The lines of a page of the form, which has so many models."""
    if page == MODEL:
        return tuple(_models(text, models))
    return tuple(_inference(text) if page == INFERENCE else _target(text))


def first_pick(path: str) -> str:
    """What is picked before anything is; empty for what is typed."""
    return _FIRST.get(re.sub(r"\[\d+\]", "", path), "")


def page_of(path: str) -> str:
    """The page on which a path of a plan stands."""
    first = re.match(r"[a-z]*", path)
    return {"models": MODEL, "inference": INFERENCE}.get(first[0] if first else "", TARGET)


def _models(text: Text, models: int) -> Iterator[Line]:
    for at in range(models):
        yield from model_lines(text, at)


def model_lines(text: Text, at: int) -> Iterator[Line]:
    """The lines of one model."""
    path = f"models[{at}]"
    where = Field(KIND, Kind.TEXT, "Where the model comes from.")
    options = tuple((kind.kind, _WHERE[kind.kind]) for kind in MODELS)
    yield Line(f"{path}.{KIND}", where, options, False, f"Model {at + 1}")
    chosen = text(f"{path}.{KIND}")
    section = next((kind for kind in MODELS if kind.kind == chosen), MODELS[0])
    settings = sorted(fields_of(section), key=lambda one: not one.required)
    settings.sort(key=lambda one: one.name != section.kind)
    yield from (_line(f"{path}.{one.name}", one) for one in settings)


def _inference(text: Text) -> Iterator[Line]:
    by_name = {one.name: one for one in fields_of(Inference)}
    for name in ("source_directory", "entry_script"):
        yield _line(f"inference.{name}", by_name[name])
    packages = Field("packages", Kind.TEXT, "Where Python and its packages come from.")
    yield Line(PACKAGES, packages, PACKAGE_SOURCES, False, "Environment")
    chosen, image = text(PACKAGES), text(IMAGE)
    settings = {one.name: one for one in fields_of(Environment)}
    place = "inference.environment"
    if chosen in settings:
        yield _line(f"{place}.{chosen}", replace(settings[chosen], required=True))
    if chosen == "registered" or text(f"{place}.version").strip():
        yield _line(f"{place}.version", settings["version"])
    if chosen != "registered":
        below = Field("image", Kind.TEXT, "The image below the packages.")
        yield Line(IMAGE, below, IMAGE_SOURCES, False)
        if image in settings:
            yield _line(f"{place}.{image}", replace(settings[image], required=True))
    own_image = image != "sdk" and chosen != "registered"
    for name, one in settings.items():
        if name in (*_OF_PACKAGES, *_OF_IMAGE):
            continue
        if name in _OF_MADE and chosen == "registered":
            continue
        if name in _OF_REGISTRY and not own_image and not text(f"{place}.{name}").strip():
            continue
        yield _line(f"{place}.{name}", one)
    yield _line("inference.description", by_name["description"])


def _target(text: Text) -> Iterator[Line]:
    yield Line("name", fields_of(Plan)[0], title="Service")
    kind = Field(KIND, Kind.TEXT, "Where the service runs.", required=True)
    words = tuple((target.kind, _TARGETS[target.kind]) for target in TARGETS)
    yield Line(f"target.{KIND}", kind, words)
    chosen = next((t for t in TARGETS if t.kind == text(f"target.{KIND}")), None)
    for one in fields_of(chosen) if chosen is not None else ():
        yield _line(f"target.{one.name}", one)
    for at, one in enumerate(fields_of(Options)):
        made = _line(f"options.{one.name}", one)
        yield replace(made, title="Options") if at == 0 else made


def _line(path: str, setting: Field) -> Line:
    options: tuple[tuple[str, str], ...] = ()
    default = f"default ({setting.default})" if setting.default else "default"
    if setting.kind is Kind.SWITCH:
        options = (("", default), ("true", "yes"), ("false", "no"))
    elif setting.choices:
        options = (("", default), *((choice, choice) for choice in setting.choices))
    return Line(path, setting, options)
