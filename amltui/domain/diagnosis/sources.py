"""Guess where a text comes from, by lines that only one kind of text has."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from amltui.domain.diagnosis.model import Source

_MARKS = (
    (
        Source.CONTAINER_LOG,
        r"Booting worker with pid|Starting gunicorn|Listening at: http|Using worker:|azmlinfsrv"
        r"|gunicorn/run|iot-server|nginx/run|rsyslog/run|\| root \| |Initializing logger"
        r"|Invoking user's init|Users's init|Azure(?:ML| Machine Learning) Inf|AML_APP_ROOT"
        r"|EdgeHubConnectionString"
        r"|\"(?:POST|GET) /(?:score|swagger\.json)?(?: HTTP|\?)|/var/azureml-app"
        r"| - \"(?:POST|GET) /\S{0,200} HTTP/[\d.]+\" \d{3}"
        r"|/var/azureml-server"
        r"|\[pod/|Uvicorn running|(?:POST|GET) /score \d{3} |Server Routes|Starting AzureML"
        r"|Supervisor running as"
        r"|SPARK_HOME not set|Dynamic Python package|model_dc_storage|Worker \(pid:",
    ),
    (
        Source.IMAGE_BUILD_LOG,
        r"^(?:\S{20,35} (?:std(?:out|err) [FP] )?)?(?:Step \d+/\d+ ?:|#\d+ \["
        r"|#\d+ \d+\.\d+ |Collecting \S"
        r"|Solving environment|acb_step_"
        r"|Sending build context|Installing pip dependencies|Downloading and Extracting"
        r"|Successfully built|#\d+ (?:ERROR|CACHED|DONE)\b|(?:ERROR: )?failed to solve: "
        r"|Removing intermediate container|Collecting package metadata|Step \d+ : "
        r"|(?:Get|Err|Ign|Hit):\d+ http"
        r"|ERROR conda\."
        r"|\s*> \[\d+/\d+\] )|acb_step_\d|^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d (?:Downloading"
        r"|Launching|Using acb)|Pip subprocess"
        r"|No solution found when resolving|version solving failed|The command '/bin/sh -c",
    ),
    (
        Source.DEPLOYMENT_PAYLOAD,
        r"[Dd]eployment failed with exception|[\"']?(?:statusCode|code"
        r"|ErrorCode)\\*[\"']\s*:\s*\\*[\"']?\w|^\s*\\*[\"'](?:message|details|error)\\*[\"']\s*:",
    ),
    (
        Source.SDK_EXCEPTION,
        r"WebserviceException|azureml\.(?:core|exceptions|_)|ErrorResponse|InnerException"
        r"|Received bad response"
        r"|HttpResponseError|azure\.core\.exceptions|azure\.ai\.ml|UserErrorException|ChainedIdentity",
    ),
    (
        Source.SDK_OUTPUT,
        r"Service deployment polling|Tips: You can try get_logs|^Running\.{3,}|Container Logs:"
        r"|Registering model"
        r"|ACI service creation|AKS service creation|Downloading model|Generating Docker build"
        r"|az ml |Local webservice"
        r"|Starting Docker container|Checking container health|Creating or updating service"
        r"|Check: endpoint",
    ),
    (
        Source.DOCKER_ENGINE,
        r"\bdocker: |Error response from daemon|docker\.errors|Unable to find image|^\$ docker"
        r"|^CONTAINER ID\s+IMAGE"
        r"|docker (?:run|pull|exec|ps) ",
    ),
    (
        Source.KUBECTL,
        r"^NAME\s+READY\s+STATUS|^Events:|^(?:LAST SEEN|Type\s+Reason)|(?:^|\s)(?:Warning"
        r"|Normal)\s+\w+\s+.*(?:kubelet|default-scheduler|pod/)|kubectl ",
    ),
    (
        Source.HTTP,
        r"^(?:[<>*] )?HTTP/\d(?:\.\d)? \d{3}|\bcurl: \(\d|^> (?:POST|GET) |^(?:POST"
        r"|GET) https?://|requests\.exceptions|<Response \[\d{3}\]"
        r"|Server Error: |Client Error: |CORS policy|^Client\b|HTTPError|HTTP Error \d{3}"
        r"|Response Code: \d{3}|urllib3|dial tcp[ :]|(?:Post|Get) \"https?://",
    ),
)  # fmt: skip
MARKS = tuple((source, re.compile(pattern, re.MULTILINE)) for source, pattern in _MARKS)

_STRICT = frozenset({Source.CONTAINER_LOG, Source.IMAGE_BUILD_LOG})


def sources_of(text: str, known: Collection[Source] = ()) -> set[Source]:
    """Return every kind of source, besides those *known*, that *text* shows a mark of."""
    return {source for source, pattern in MARKS if source not in known and pattern.search(text)}


def may_speak(where: frozenset[Source], active: Iterable[Source]) -> bool:
    """Tell whether a rule for *where* may speak on a text from the *active* sources.

    A container log and a build log hold anything, so there only their own rules may. The other
    sources embed one another (an exception holds a payload, which holds a log): there all may.
    """
    known = frozenset(active)
    if not known:
        return True
    return bool(where & known) or not known <= _STRICT
