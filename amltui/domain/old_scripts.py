"""Makes a plan of a deployment script of any generation of the SDK, without running it.

Three generations are understood: images (`ContainerImage`, `Webservice.deploy_from_image`), image
configurations with models (`Webservice.deploy`, `deploy_from_model`) and `Model.deploy` with an
inference configuration. What cannot be read is told with its line, never dropped in silence.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import Any

from .plan_fields import quote
from .script_calls import DEPLOYS, SIGNATURES, TARGET_OF
from .script_environment import read_environment
from .script_models import read_models
from .script_objects import Made, Reference, Remark, Unknown, Variable
from .script_values import Script

LONGEST_SCRIPT = 1_000_000  # characters
_SUBCLASS = re.compile(r"^(?:Aci|Aks|Local)Webservice\.(deploy(?!_configuration)\w*)$")
_ADD_PACKAGE = ("add_pip_package", "add_conda_package", "set_pip_requirements")


def import_script(text: str, service: str = "") -> tuple[dict[str, Any], tuple[Remark, ...]]:
    """The plan, as plain data, of the last deployment in a script, or of that named `service`.

    The data lack what could not be read; a remark tells of each such thing. Nothing is raised
    for any text: what is not Python is a remark, too.
    """
    if len(text) > LONGEST_SCRIPT:
        return {}, (Remark(0, "The script is too long to be read."),)
    try:
        script = Script(ast.parse(text))
        return _Import(script, service).result()
    except SyntaxError as error:
        why = f"The script is not valid Python 3: {quote(error.msg)}."
        return {}, (Remark(error.lineno or 0, why),)
    except (ValueError, RecursionError, MemoryError) as error:
        return {}, (Remark(0, f"The script cannot be read: {type(error).__name__}."),)


class Reading:
    """Takes values out of calls and notes what cannot be taken."""

    def __init__(self, remarks: list[Remark]) -> None:
        self.remarks = remarks

    def say(self, line: int, message: str) -> None:
        """Note something once."""
        remark = Remark(line, message)
        if remark not in self.remarks:
            self.remarks.append(remark)

    def arguments(self, made: Made) -> dict[str, Any]:
        """The arguments of a call by name, without those that are None."""
        if made.spread:
            self.say(made.line, f"{made.function} gets arguments that only running would tell.")
        bound = made.bound(SIGNATURES.get(made.function, ()))
        return {name: value for name, value in bound.items() if value is not None}

    def text(self, made: Made, what: str, value: Any) -> str | None:
        """A text, or None with a remark."""
        if isinstance(value, str):
            return value
        self.unreadable(made, what, value)
        return None

    def plain(self, made: Made, what: str, value: Any) -> Any:
        """A text, number, switch or group of texts, or None with a remark."""
        if isinstance(value, (str, bool, int, float)):
            return value
        if isinstance(value, Mapping):
            kept: dict[str, Any] = {}
            for key, one in value.items():
                if isinstance(one, (bool, float)):
                    one = str(one)
                if isinstance(one, (str, int)):
                    kept[key] = one
                else:
                    self.unreadable(made, f"{what}[{key!r}]", one)
            return kept
        self.unreadable(made, what, value)
        return None

    def unreadable(self, made: Made, what: str, value: Any) -> None:
        """Note that a value is known only to who runs the script."""
        line = getattr(value, "line", 0) or made.line
        because = "only running the script would tell"
        if isinstance(value, Variable):
            because = f"it comes from the environment variable {value.name}"
        elif isinstance(value, Reference):
            because = f"{quote(value.path)} is not set in the script"
        elif not isinstance(value, (Unknown, Made)):
            because = "it is not of a kind that belongs there"
        self.say(line, f"{what} was not read: {because}.")


class _Import(Reading):
    def __init__(self, script: Script, service: str) -> None:
        super().__init__(list(script.remarks))
        self._script = script
        self._service = service

    def result(self) -> tuple[dict[str, Any], tuple[Remark, ...]]:
        deploy = self._choose()
        plan = self._plan(deploy) if deploy is not None else {}
        return plan, tuple(sorted(self.remarks, key=lambda remark: remark.line))

    def _choose(self) -> Made | None:
        for call in self._script.calls:  # AciWebservice.deploy_from_image is the same function
            call.function = _SUBCLASS.sub(r"Webservice.\1", call.function)
        deploys = [call for call in self._script.calls if call.function in DEPLOYS]
        named = {id(call): self.arguments(call).get("name") for call in deploys}
        if self._service:
            chosen = [call for call in deploys if named[id(call)] == self._service]
            if not chosen:
                self.say(0, f"The script deploys no service named {quote(self._service)}.")
                return None
        elif deploys:
            chosen = deploys
        else:
            self.say(0, "No deployment was found: no Model.deploy and no Webservice.deploy…")
            return None
        for other in deploys:
            if other is not chosen[-1]:
                name = named[id(other)]
                shown = f" ({quote(name)})" if isinstance(name, str) else ""
                self.say(other.line, f"Another deployment{shown} is not in this plan.")
        return chosen[-1]

    def _plan(self, deploy: Made) -> dict[str, Any]:
        given = self.arguments(deploy)
        if deploy.function != "Model.deploy":
            self.say(deploy.line, f"{deploy.function} is old: Model.deploy replaces it.")
        plan: dict[str, Any] = {}
        name = self.text(deploy, "name", given.get("name", Unknown(deploy.line)))
        if name is not None:
            plan["name"] = name
        image = self._image(deploy, given)
        self._packages()
        plan["models"] = read_models(self, deploy, image.get("models"), image.get("model_paths"))
        configuration = image.get("inference_config", image.get("image_config"))
        plan["inference"] = self._inference(deploy, configuration, name or "")
        options: dict[str, Any] = {}
        plan["target"] = self._target(deploy, given, options)
        if "overwrite" in given:
            overwrite = given["overwrite"]
            if isinstance(overwrite, bool):
                options["overwrite"] = overwrite
            else:
                self.unreadable(deploy, "overwrite", overwrite)
        waits = (c for c in self._script.calls if c.function == ".wait_for_deployment")
        if given.get("wait") is not True and not any(c.receiver is deploy for c in waits):
            options["wait"] = False
        plan["options"] = {key: value for key, value in options.items() if value != {}}
        return {key: value for key, value in plan.items() if value not in ({}, [])}

    def _packages(self) -> None:
        adds = [c for c in self._script.calls if c.function.rpartition(".")[2] in _ADD_PACKAGE]
        if adds:
            packages = [one for call in adds for one in call.args if isinstance(one, str)]
            shown = f" ({quote(', '.join(packages))})" if packages else ""
            self.say(adds[0].line, f"Packages{shown} are added here: write them to a conda file.")

    def _image(self, deploy: Made, given: dict[str, Any]) -> dict[str, Any]:
        """The arguments that name models and configuration: in the first generation, an image's."""
        if deploy.function != "Webservice.deploy_from_image":
            return given
        image = given.get("image")
        if isinstance(image, Made) and image.function in ("Image.create", "ContainerImage.create"):
            return self.arguments(image)
        self.unreadable(deploy, "image", image)
        return {}

    def _inference(self, deploy: Made, configuration: Any, name: str) -> dict[str, Any]:
        known = ("InferenceConfig", "ContainerImage.image_configuration")
        if not isinstance(configuration, Made) or configuration.function not in known:
            if configuration is None:
                self.say(deploy.line, "There is no inference configuration: add an entry script.")
            else:
                self.unreadable(deploy, "inference_config", configuration)
            return {}
        given = self.arguments(configuration)
        found: dict[str, Any] = {}
        script = given.pop("entry_script", given.pop("execution_script", None))
        given.pop("execution_script", None)
        for key, value in (
            ("entry_script", script),
            ("source_directory", given.pop("source_directory", None)),
            ("description", given.pop("description", None)),
        ):
            if value is not None and (said := self.text(configuration, key, value)) is not None:
                found[key] = said
        if script is None:
            self.say(configuration.line, "No entry script is named.")
        directory = found.get("source_directory", "")
        environment = read_environment(self, configuration, given, name, directory)
        if environment:
            found["environment"] = environment
        return found

    def _target(
        self, deploy: Made, given: dict[str, Any], options: dict[str, Any]
    ) -> dict[str, Any]:
        configuration = given.get("deployment_config")
        cluster = self._cluster(deploy, given.get("deployment_target"))
        found: dict[str, Any] = {}
        if isinstance(configuration, Made) and configuration.function in TARGET_OF:
            found["kind"] = TARGET_OF[configuration.function].kind
            self._settings(configuration, found, options)
        elif configuration is None:
            found["kind"] = "aks" if "deployment_target" in given else "aci"
            self.say(deploy.line, f"No deployment_config: the SDK's defaults of {found['kind']}.")
        else:
            self.unreadable(deploy, "deployment_config", configuration)
            return {}
        if cluster and found["kind"] == "aks":
            found.setdefault("cluster", cluster)
        if found["kind"] == "aks" and "cluster" not in found:
            self.say(deploy.line, "The cluster is not named: add target.cluster.")
        return found

    def _cluster(self, deploy: Made, target: Any) -> str:
        if target is None:
            return ""
        if isinstance(target, Made) and target.function.endswith(("ComputeTarget", "AksCompute")):
            name = self.arguments(target).get("name")
            if isinstance(name, str):
                return name
        if isinstance(target, Made) and target.function == "ComputeTarget.create":
            name = target.bound(("workspace", "name")).get("name")
            if isinstance(name, str):
                self.say(target.line, f"The script makes the cluster {quote(name)}.")
                return name
        self.unreadable(deploy, "deployment_target", target)
        return ""

    def _settings(self, made: Made, found: dict[str, Any], options: dict[str, Any]) -> None:
        known = TARGET_OF[made.function].__dataclass_fields__
        for name, value in self.arguments(made).items():
            if name in ("tags", "properties", "description"):
                said = self.plain(made, name, value)
                if said is not None:
                    options[name] = said
            elif name in ("primary_key", "secondary_key"):
                self._key(made, name, value, found)
            elif name == "compute_target_name":
                if (said := self.text(made, name, value)) is not None:
                    found["cluster"] = said
            elif name in known:
                if (said := self.plain(made, name, value)) is not None:
                    found[name] = said
            else:
                self.say(made.line, f"{quote(name)} is not a setting of {made.function}.")

    def _key(self, made: Made, name: str, value: Any, found: dict[str, Any]) -> None:
        if isinstance(value, Variable):
            found[f"{name}_variable"] = value.name
            return
        self.say(
            made.line,
            f"{name} was not taken over: a plan holds no keys. Put it into an environment "
            f"variable and name that: {name}_variable.",
        )
