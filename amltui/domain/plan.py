"""A deployment before it happens: models, inference configuration, target and options.

A plan is a YAML file that people keep in git. Its paths are relative to the folder of that file,
but for the entry script, which is relative to the source directory as in the SDK. What stands in a
plan never is a secret: keys and passwords are named by the environment variable that holds them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import AmltuiError, Problem
from .plan_fields import Kind, WrongValue, fields_of, name_of_type, quote, setting, unknown_key
from .plan_parts import MODELS, Environment, Inference, Model, Options
from .plan_targets import TARGETS, Target

SERVICE_NAME = r"[a-z]([-a-z0-9]*[a-z0-9])?"
SERVICE_NAME_WORDS = "3 to 32 lower-case letters, digits and dashes; a letter first, no dash last."


def _service_name() -> Any:
    pattern = rf"(?=.{{3,32}}$){SERVICE_NAME}"
    meaning = "Name of the service, unique in the workspace."
    return setting(
        Kind.TEXT, meaning, required=True, pattern=pattern, pattern_words=SERVICE_NAME_WORDS
    )


@dataclass(frozen=True)
class PlanError:
    """One thing that is wrong in a plan; `field` is its path, as target.memory_gb."""

    field: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        where = f"{self.field}: " if self.field else ""
        return f"{where}{self.message}{f' {self.hint}' if self.hint else ''}"


class InvalidPlan(AmltuiError):
    """A plan that cannot be one, with everything that is wrong in it."""

    def __init__(self, errors: tuple[PlanError, ...]) -> None:
        super().__init__(
            "The plan cannot be used.",
            "\n".join(str(error) for error in errors),
            problem=Problem.USAGE,
        )
        self.errors = errors


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A whole deployment; `to_dict` and `from_dict` are exact opposites."""

    name: str = _service_name()
    models: tuple[Model, ...] = ()
    inference: Inference
    target: Target
    options: Options = field(default_factory=Options)

    @classmethod
    def from_dict(cls, data: Any) -> Plan:
        """The plan that plain data (of YAML or JSON) describe; raises `InvalidPlan`."""
        reader = _Reader()
        plan = reader.plan(data)
        if plan is None or reader.errors:
            raise InvalidPlan(tuple(reader.errors))
        return plan

    def to_dict(self) -> dict[str, Any]:
        """The plan as plain data, without what is not said."""
        written: dict[str, Any] = {"name": self.name}
        if self.models:
            written["models"] = [_write(model) for model in self.models]
        written["inference"] = _write(self.inference)
        if environment := _write(self.inference.environment):
            written["inference"]["environment"] = environment
        written["target"] = {"kind": self.target.kind, **_write(self.target)}
        if options := _write(self.options):
            written["options"] = options
        return written

    @property
    def environment_name(self) -> str:
        """The name of the environment that is made of the plan's files."""
        return self.inference.environment.name or f"{self.name}-env"


def plan_errors(data: Any) -> tuple[PlanError, ...]:
    """Everything that keeps `data` from being a plan; a draft has some until it is finished."""
    try:
        Plan.from_dict(data)
    except InvalidPlan as error:
        return error.errors
    return ()


def _write(section: Any) -> dict[str, Any]:
    """What a section says; the discriminating setting of a model stands first."""
    kind = getattr(section, "kind", "")
    settings = sorted(fields_of(type(section)), key=lambda f: f.name != kind)
    written: dict[str, Any] = {}
    for one in settings:
        value = getattr(section, one.name)
        if one.kind is Kind.MAP:
            if value:
                written[one.name] = dict(value)
        elif value is not None and value != type(section).__dataclass_fields__[one.name].default:
            written[one.name] = value
    return written


class _Reader:
    """Reads a plan and collects every error, never the first only."""

    def __init__(self) -> None:
        self.errors: list[PlanError] = []

    def plan(self, data: Any) -> Plan | None:
        if not isinstance(data, Mapping):
            self._wrong("", f"A plan is a group of settings, not {name_of_type(data)}.")
            return None
        parts = ("name", "models", "inference", "target", "options")
        self._unknown(data, parts, "")
        name = self._setting(fields_of(Plan)[0], data, "")
        models = self._models(data.get("models", []))
        inference = self._inference(data.get("inference"))
        target = self._target(data.get("target"))
        options = self._section(Options, data.get("options", {}), "options")
        if name is None or inference is None or target is None or options is None or self.errors:
            return None
        return Plan(
            name=name, models=tuple(models), inference=inference, target=target, options=options
        )

    def _models(self, data: Any) -> list[Model]:
        if not isinstance(data, (list, tuple)):
            self._wrong(
                "models", f"It must be a list, not {name_of_type(data)}.", "Write `- file: …`."
            )
            return []
        if len(data) > 1000:
            self._wrong("models", "A service takes 1000 models at most.")
            return []
        found = [self._model(one, f"models[{at}]") for at, one in enumerate(data)]
        return [model for model in found if model is not None]

    def _model(self, data: Any, path: str) -> Model | None:
        words = ", ".join(kind.kind for kind in MODELS)
        if not isinstance(data, Mapping):
            self._wrong(path, f"A model is a group of settings, not {name_of_type(data)}.")
            return None
        said = [kind for kind in MODELS if kind.kind in data]
        if len(said) != 1:
            what = "none" if not said else " and ".join(kind.kind for kind in said)
            self._wrong(path, f"A model has one of {words}; this has {what}.")
            return None
        model: Model | None = self._section(said[0], data, path)
        return model

    def _inference(self, data: Any) -> Inference | None:
        if data is None:
            self._wrong("inference", "It is needed.", "It names the entry script and environment.")
            return None
        if not isinstance(data, Mapping):
            self._wrong("inference", f"It is a group of settings, not {name_of_type(data)}.")
            return None
        environment = self._section(
            Environment, data.get("environment", {}), "inference.environment"
        )
        if environment is not None:
            self._one_of(environment, ("conda_file", "pip_requirements", "registered"))
            self._one_of(environment, ("base_image", "base_dockerfile", "registered"))
            self._one_of(environment, ("name", "registered"))
        found: Inference | None = self._section(
            Inference, data, "inference", environment=environment
        )
        return found

    def _one_of(self, environment: Environment, names: tuple[str, ...]) -> None:
        said = [name for name in names if getattr(environment, name)]
        if len(said) > 1:
            field = f"inference.environment.{said[-1]}"
            hint = "A registered environment brings its own." if "registered" in said else ""
            self._wrong(field, f"Only one of {' and '.join(said)} can be used.", hint)

    def _target(self, data: Any) -> Target | None:
        words = ", ".join(target.kind for target in TARGETS)
        if not isinstance(data, Mapping):
            what = "needed" if data is None else f"a group of settings, not {name_of_type(data)}"
            self._wrong("target", f"It is {what}.", f"Write `kind:` and one of {words}.")
            return None
        said = data.get("kind")
        chosen = [target for target in TARGETS if target.kind == said]
        if not chosen:
            given = "It is needed." if said is None else f"{quote(said)} is not a target."
            self._wrong("target.kind", given, f"One of {words}.")
            return None
        target: Target | None = self._section(chosen[0], data, "target", "kind")
        return target

    def _section(self, section: type[Any], data: Any, path: str, *besides: str, **made: Any) -> Any:
        """A section, or None; `made` are parts of it that were read already."""
        if not isinstance(data, Mapping):
            self._wrong(path, f"It is a group of settings, not {name_of_type(data)}.")
            return None
        known = fields_of(section)
        before = len(self.errors)
        self._unknown(data, (*besides, *made, *(one.name for one in known)), path)
        values = {one.name: self._setting(one, data, path) for one in known}
        if len(self.errors) > before or any(part is None for part in made.values()):
            return None
        return section(**made, **{name: v for name, v in values.items() if v is not None})

    def _setting(self, one: Any, data: Mapping[Any, Any], path: str) -> Any:
        where = f"{path}.{one.name}" if path else one.name
        value = data.get(one.name)
        if value is None:
            if one.required:
                self._wrong(where, "It is needed.", one.meaning)
            elif one.name in data:
                self._wrong(where, "Nothing is said.", "Remove the line, or write a value.")
            return None
        try:
            return one.read(value)
        except WrongValue as error:
            self._wrong(where, error.message, error.hint)
            return None

    def _unknown(self, data: Mapping[Any, Any], known: tuple[str, ...], path: str) -> None:
        for key in data:
            if key not in known:
                shown = str(key) if isinstance(key, str) else repr(key)
                self._wrong(f"{path}.{shown}" if path else shown, *unknown_key(key, known))

    def _wrong(self, field: str, message: str, hint: str = "") -> None:
        self.errors.append(PlanError(field, message, hint))
