"""Image builds: their stages, their logs, and the conda files that cannot be solved."""

# ruff: noqa: E501 - lines of logs are as long as they are

from __future__ import annotations

from typing import Any

from amltui.demo import identity
from amltui.demo.clock import stamp
from amltui.demo.operations import Step
from amltui.demo.state import Payload

_STAGES = (
    (1, "Queued"),
    (2, "Getting or provisioning the container registry."),
    (10, "Building image.."),
)
# (package that is pinned, what no solver can give it): enough to show how a build fails.
_IMPOSSIBLE = {
    "tensorflow==1.": "tensorflow 1.x was never published for Python 3.8 or later",
    "numpy==1.16": "numpy 1.16 was never published for Python 3.9 or later",
    "scikit-learn==0.19": "scikit-learn 0.19 was never published for Python 3.8 or later",
}


def build_steps() -> tuple[Step, ...]:
    """Return the stages of an image build."""
    return tuple(Step(seconds, text, "BuildImage") for seconds, text in _STAGES)


def requirements(definition: Payload) -> list[str]:
    """Return every conda and pip requirement of an environment definition."""
    conda = (definition.get("python") or {}).get("condaDependencies") or {}
    found: list[str] = []
    for item in conda.get("dependencies") or []:
        pip: Any = item.get("pip") if isinstance(item, dict) else None
        found += [str(entry) for entry in (pip or [])] if isinstance(item, dict) else [str(item)]
    return found


def unsolvable(definition: Payload) -> str | None:
    """Return why the environment's image cannot be built, or None when it can."""
    for requirement in requirements(definition):
        compact = requirement.replace(" ", "")
        for start, reason in _IMPOSSIBLE.items():
            if compact.startswith(start):
                return f"Image build failed: {requirement}: {reason}."
        if "does-not-exist" in compact:
            return f"Image build failed: {requirement}: no such package in the configured channels."
    return None


def success_log(definition: Payload, key: str, now: float) -> str:
    """Return the log of a build that works."""
    image = f"{identity.REGISTRY}/azureml/azureml_{key}"
    when = stamp(now, "%Y/%m/%d %H:%M:%S")
    packages = "\n".join(
        f"Collecting {requirement}\n  Downloading {requirement.split('=')[0]} (1.2 MB)"
        for requirement in requirements(definition)
        if not requirement.startswith(("python", "pip"))
    )
    return f"""{_head(image, when)}
Step 6/13 : RUN ldconfig /usr/local/cuda/lib64/stubs && conda env create -p /azureml-envs/azureml_{key[:12]} -f azureml-environment-setup/mutated_conda_dependencies.yml
 ---> Running in 5f0c1d2e3a4b
Collecting package metadata (repodata.json): ...working... done
Solving environment: ...working... done
Preparing transaction: ...working... done
Verifying transaction: ...working... done
Executing transaction: ...working... done
Installing pip dependencies: ...working... {packages}
done
Removing intermediate container 5f0c1d2e3a4b
 ---> 7b1d2f3a4c5e
Step 13/13 : CMD ["bash"]
Successfully built 0f1e2d3c4b5a
Successfully tagged {image}:latest
{when} Pushing image: {image}:latest, attempt 1
The push refers to repository [{image}]
latest: digest: sha256:{key}{key} size: 3450
{when} Step ID: acb_step_1 marked as successful (elapsed time in seconds: 41.83)
Run ID: demo was successful after 1m52s
"""


def conflict_log(definition: Payload, reason: str, now: float) -> str:
    """Return the log of a build that conda or pip gave up."""
    blamed = reason.removeprefix("Image build failed: ").split(":")[0]
    others = [item for item in requirements(definition) if item != blamed] or ["python=3.9"]
    image = f"{identity.REGISTRY}/azureml/azureml_{definition.get('name', 'environment')}"
    when = stamp(now, "%Y/%m/%d %H:%M:%S")
    against = "\n".join(f"  - {item}" for item in others[:4])
    return f"""{_head(image, when)}
Step 6/13 : RUN ldconfig /usr/local/cuda/lib64/stubs && conda env create -p /azureml-envs/demo -f azureml-environment-setup/mutated_conda_dependencies.yml
 ---> Running in 9a8b7c6d5e4f
Collecting package metadata (repodata.json): ...working... done
Solving environment: ...working... failed
Found conflicts! Looking for incompatible packages.
This can take several minutes.  Press CTRL-C to abort.

UnsatisfiableError: The following specifications were found to be incompatible with each other:

Output in format: Requested package -> Available versions

  - {blamed}
{against}

Note that strict channel priority may have removed packages required for satisfiability.

The command '/bin/sh -c ldconfig /usr/local/cuda/lib64/stubs && conda env create -p /azureml-envs/demo -f azureml-environment-setup/mutated_conda_dependencies.yml' returned a non-zero code: 1
{when} Container failed during run: acb_step_0. No retries remaining.
failed to run step ID: acb_step_0: exit status 1

Run ID: demo failed after 2m41s. Error: failed during run, err: exit status 1
"""


def _head(image: str, when: str) -> str:
    return f"""{when} Downloading source code...
{when} Finished downloading source code
{when} Creating Docker network: acb_default_network, driver: 'bridge'
{when} Successfully set up Docker network: acb_default_network
{when} Setting up Docker configuration...
{when} Successfully logged into {identity.REGISTRY}
{when} Executing step ID: acb_step_0. Timeout(sec): 5400, Working directory: '', Network: 'acb_default_network'
{when} Scanning for dependencies...
{when} Successfully scanned dependencies
{when} Launching container with name: acb_step_0
Sending build context to Docker daemon  66.56kB
Step 1/13 : FROM mcr.example.invalid/azureml/openmpi4.1.0-ubuntu22.04@sha256:{"0de3" * 16}
 ---> 1a2b3c4d5e6f
Step 2/13 : USER root
 ---> Using cache
Step 3/13 : RUN mkdir -p $HOME/.cache
 ---> Using cache
Step 4/13 : WORKDIR /
 ---> Using cache
Step 5/13 : COPY azureml-environment-setup/mutated_conda_dependencies.yml azureml-environment-setup/mutated_conda_dependencies.yml
 ---> Using cache"""
