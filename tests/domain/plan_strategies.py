"""Plans for property tests: whatever a plan may say, within the rules of its fields."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from amltui.domain.plan import Plan
from amltui.domain.plan_fields import Field, Kind, fields_of
from amltui.domain.plan_parts import (
    Environment,
    FileModel,
    FolderModel,
    Inference,
    Options,
    RegisteredModel,
    RunModel,
)
from amltui.domain.plan_targets import AciTarget, AksTarget, LocalTarget

_LINE = st.text(
    st.characters(exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp")), min_size=1, max_size=12
).filter(lambda text: text == text.strip())
_TEXT = st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp"), include_characters="\n\t")
)
_PROSE = _TEXT.filter(lambda text: bool(text.strip()))
_PATH = st.from_regex(r"(\.\./)?[a-z][a-z .'\"]{0,5}[a-z](/[a-zé_]{1,5}){0,2}", fullmatch=True)


def value_of(field: Field) -> st.SearchStrategy[Any]:
    """Any value that a setting takes."""
    if field.choices:
        return st.sampled_from(field.choices)
    if field.kind is Kind.MAP:
        keys = st.from_regex(field.pattern, fullmatch=True) if field.pattern else _LINE
        return st.dictionaries(keys, _TEXT, max_size=3).map(lambda held: tuple(held.items()))
    if field.pattern:
        return st.from_regex(field.pattern, fullmatch=True)
    if field.kind is Kind.INTEGER:
        low = int(field.minimum if field.minimum is not None else -1000)
        return st.integers(low, int(field.maximum or 10_000))
    if field.kind is Kind.NUMBER:
        return st.one_of(st.integers(1, 64), st.floats(0.001, 512).map(lambda x: round(x, 3)))
    if field.kind is Kind.SWITCH:
        return st.booleans()
    if field.kind is Kind.PATH:
        return _PATH
    return _PROSE if field.kind is Kind.PROSE else _LINE


def _section(section: type[Any], **fixed: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    parts = {}
    for field in fields_of(section):
        if field.name in fixed:
            continue
        value = value_of(field)
        default = section.__dataclass_fields__[field.name].default
        parts[field.name] = value if field.required else st.one_of(st.just(default), value)
    return st.builds(section, **parts, **fixed)


@st.composite
def environments(draw: st.DrawFn) -> Environment:
    """Environments whose settings go together."""
    source = draw(st.sampled_from(["conda_file", "pip_requirements", "registered", ""]))
    none = ["conda_file", "pip_requirements", "registered", "version", "name", "base_image"]
    none += ["base_dockerfile", "registry_address", "registry_username"]
    none += ["registry_password_variable"]
    keep = {source}
    if source == "registered":
        keep.add("version")
    else:
        keep |= {"name", draw(st.sampled_from(["base_image", "base_dockerfile"]))}
        keep |= {"registry_address", "registry_username", "registry_password_variable"}
    fixed = {name: st.none() for name in none if name not in keep}
    if source:
        field = next(one for one in fields_of(Environment) if one.name == source)
        fixed[source] = value_of(field)
    made: Environment = draw(_section(Environment, **fixed))
    return made


def plans() -> st.SearchStrategy[Plan]:
    """Whole plans."""
    models = st.one_of(
        _section(FileModel, file=st.builds("{}.pkl".format, _PATH)),
        _section(FolderModel),
        _section(RegisteredModel),
        _section(RunModel),
    )
    return st.builds(
        Plan,
        name=st.from_regex(r"[a-z][a-z0-9-]{1,30}[a-z0-9]", fullmatch=True),
        models=st.lists(models, max_size=3).map(tuple),
        inference=_section(
            Inference,
            environment=environments(),
            entry_script=st.builds("{}.py".format, _PATH),
        ),
        target=st.one_of(_section(LocalTarget), _section(AciTarget), _section(AksTarget)),
        options=_section(Options),
    )
