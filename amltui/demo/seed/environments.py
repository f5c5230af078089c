"""The environments: curated ones and the workspace's own."""

from __future__ import annotations

from typing import Any

from amltui.demo.state import Payload

_BASE = "mcr.example.invalid/azureml/openmpi4.1.0-ubuntu22.04:20260412.v1"

# (name, versions, Python, conda packages, pip packages)
_ENVIRONMENTS: tuple[tuple[str, int, str, tuple[str, ...], tuple[str, ...]], ...] = (
    (
        "AzureML-sklearn-1.0-ubuntu20.04-py38-cpu",
        1,
        "3.8",
        ("scikit-learn=1.0",),
        ("azureml-defaults",),
    ),
    ("AzureML-minimal-ubuntu20.04-py38-cpu-inference", 1, "3.8", (), ("azureml-defaults",)),
    (
        "AzureML-pytorch-1.13-ubuntu22.04-py310-gpu",
        1,
        "3.10",
        ("pytorch=1.13",),
        ("azureml-defaults",),
    ),
    (
        "sklearn-scoring",
        3,
        "3.10",
        ("scikit-learn=1.3.2", "numpy=1.26"),
        ("azureml-defaults==1.61.0",),
    ),
    ("fraud-scoring", 6, "3.10", ("lightgbm=4.3",), ("azureml-defaults==1.61.0", "pyarrow==16.1")),
    ("torch-gpu", 2, "3.10", (), ("azureml-defaults==1.61.0", "torch==2.4.1")),
    (
        "returns-forecast",
        1,
        "3.9",
        ("prophet=1.1.5", "numpy=2.1", "pandas=1.5.3"),
        ("azureml-defaults==1.61.0",),
    ),
)


def environments() -> dict[str, list[Payload]]:
    """Return the versions of every environment, oldest first."""
    return {
        name: [definition(name, str(number + 1), python, conda, pip) for number in range(versions)]
        for name, versions, python, conda, pip in _ENVIRONMENTS
    }


def definition(
    name: str, version: str, python: str, conda: tuple[str, ...], pip: tuple[str, ...]
) -> Payload:
    """Return an environment definition as the environment service stores it."""
    dependencies: list[Any] = [f"python={python}", *conda, "pip", {"pip": list(pip)}]
    return {
        "name": name,
        "version": version,
        "python": {
            "interpreterPath": "python",
            "userManagedDependencies": False,
            "condaDependencies": {
                "channels": ["conda-forge"],
                "dependencies": dependencies,
                "name": "project_environment",
            },
            "baseCondaEnvironment": None,
        },
        "environmentVariables": {"EXAMPLE_ENV_VAR": "EXAMPLE_VALUE"},
        "docker": {
            "baseImage": _BASE,
            "platform": {"os": "Linux", "architecture": "amd64"},
            "baseDockerfile": None,
            "baseImageRegistry": {"address": None, "username": None, "password": None},
            "enabled": False,
            "arguments": [],
        },
        "spark": {"repositories": [], "packages": [], "precachePackages": False},
        "inferencingStackVersion": "latest",
        "r": None,
    }
