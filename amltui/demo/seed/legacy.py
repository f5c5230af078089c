"""Images of the time before environments; their build logs are what `image_build_log_uri` names."""

# ruff: noqa: E501 - lines of logs are as long as they are

from __future__ import annotations

from urllib.parse import quote

from amltui.demo import identity
from amltui.demo.clock import iso
from amltui.demo.seed.spec import DAY
from amltui.demo.state import Payload

IMAGE_ID = "pricing-rules:3"
PRIVATE = "private"  # the folder of logs in a storage without public access

_GOOD = """Step 1/9 : FROM mcr.example.invalid/azureml/base:intelmpi2018.3-ubuntu16.04
 ---> 93a72e6bd1ce
Step 2/9 : COPY conda_dependencies.yml /tmp/
 ---> Using cache
Step 3/9 : RUN conda env create -p /home/mmlspark/lib/conda -f /tmp/conda_dependencies.yml
 ---> Running in 0de30de30de3
Solving environment: ...working... done
Successfully built 2f3e4d5c6b7a
Successfully tagged {location}
"""
_BAD = """Step 1/9 : FROM mcr.example.invalid/azureml/base:intelmpi2018.3-ubuntu16.04
 ---> 93a72e6bd1ce
Step 3/9 : RUN pip install -r /tmp/requirements.txt
 ---> Running in 0de30de30de3
Collecting azureml-defaults==1.0.45
Collecting pynacl==1.1.2
  Downloading PyNaCl-1.1.2.tar.gz (3.1MB)
  ERROR: Failed building wheel for pynacl
ERROR: Could not find a version that satisfies the requirement tensorflow==1.14 (from versions: none)
ERROR: No matching distribution found for tensorflow==1.14
The command '/bin/sh -c pip install -r /tmp/requirements.txt' returned a non-zero code: 1
2024/12/02 09:14:55 Container failed during run: acb_step_0. No retries remaining.
failed to run step ID: acb_step_0: exit status 1
"""


def legacy_images(base: str, now: float) -> list[tuple[Payload, str]]:
    """Return image payloads, each with the text of its build log."""
    good = _GOOD.format(location=IMAGE_ID)
    return [
        (_image(base, now, 3, 719 * DAY, "Succeeded"), good),
        (_image(base, now, 4, 700 * DAY, "Failed"), _BAD),
        (_image(base, now, 2, 730 * DAY, "Succeeded", signed_until=now - 729 * DAY), good),
        (_image(base, now, 1, 760 * DAY, "Succeeded", folder=PRIVATE), good),
    ]


def _image(
    base: str,
    now: float,
    version: int,
    age: float,
    state: str,
    *,
    signed_until: float | None = None,
    folder: str = "images",
) -> Payload:
    name = "pricing-rules"
    end = iso(now + DAY if signed_until is None else signed_until)
    link = f"{base}/texts/{folder}/{name}/{version}/build.log"
    return {
        "id": f"{name}:{version}",
        "name": name,
        "version": version,
        "createdTime": iso(now - age),
        "creationState": state,
        "description": "Built before environments came",
        "imageFlavor": "WebApiContainer",
        "imageType": "Docker",
        "imageLocation": f"{identity.REGISTRY}/{name}:{version}",
        "imageBuildLogUri": f"{link}?sv=2018-03-28&sr=b&se={quote(end)}&sp=r&sig=ZGVtbw%3D%3D",
        "modelIds": ["pricing-rules:1"],
        "modelDetails": [],
        "assets": [
            {
                "id": "driver",
                "mimeType": "application/x-python",
                "unpack": False,
                "url": "aml://artifact/LocalUpload/seed-pricing-rules/main.py",
            }
        ],
        "driverProgram": "driver",
        "targetRuntime": {
            "runtimeType": "SparkPython",
            "targetArchitecture": "Amd64",
            "properties": {"condaEnvFile": "conda_dependencies.yml"},
        },
        "kvTags": {"area": "pricing"},
        "properties": {},
    }
