"""Where a plan's service runs, and every setting of the SDK's deploy_configuration (1.61).

A setting that is not said (None) is left to the SDK and the service; its `default` tells what that
will be. Names are the SDK's, but for keys: a plan is a file for git, so it names the environment
variables that hold them. Source: azureml-core 1.61 and Microsoft's articles on ACI and AKS.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from .plan_fields import Kind, setting

_TINY = (
    "The default is tiny: most models do not even start in 0.1 core and 0.5 GB. "
    "1 core and 1 GB is what Microsoft's examples use."
)
_VARIABLE = r"[A-Za-z_][A-Za-z0-9_]*"
_VARIABLE_WORDS = "The name of an environment variable: letters, digits and underscores."


def _cores() -> Any:
    return setting(
        Kind.NUMBER,
        "Cores that each container gets.",
        default="0.1",
        unit="cores",
        above=0,
        warning=_TINY,
    )


def _memory() -> Any:
    return setting(
        Kind.NUMBER,
        "Memory that each container gets.",
        default="0.5",
        unit="GB",
        above=0,
        warning=_TINY,
    )


def _key(which: str) -> Any:
    return setting(
        Kind.TEXT,
        f"Environment variable that holds the {which} key to use.",
        default="the service makes a key",
        pattern=_VARIABLE,
        pattern_words=_VARIABLE_WORDS,
    )


def _switch(meaning: str, default: str, warning: str = "") -> Any:
    return setting(Kind.SWITCH, meaning, default=default, warning=warning)


def _count(
    meaning: str,
    default: str,
    unit: str = "",
    *,
    minimum: int = 1,
    maximum: int | None = None,
    warning: str = "",
) -> Any:
    return setting(
        Kind.INTEGER,
        meaning,
        default=default,
        unit=unit,
        minimum=minimum,
        maximum=maximum,
        warning=warning,
    )


@dataclass(frozen=True, kw_only=True)
class LocalTarget:
    """A container on this machine's Docker engine: for tests, on CPUs only, not for production."""

    kind: ClassVar[str] = "local"
    title: ClassVar[str] = "Local"
    sdk: ClassVar[str] = "LocalWebservice"

    port: int | None = setting(
        Kind.INTEGER,
        "Port of this machine that the service answers on.",
        default="a free port",
        minimum=1,
        maximum=65535,
        example="8890",
    )


@dataclass(frozen=True, kw_only=True)
class AciTarget:
    """One container in Azure Container Instances, for tests and small loads."""

    kind: ClassVar[str] = "aci"
    title: ClassVar[str] = "Azure Container Instances"
    sdk: ClassVar[str] = "AciWebservice"

    cpu_cores: float | None = _cores()
    memory_gb: float | None = _memory()
    location: str | None = setting(
        Kind.TEXT, "Azure region to run in.", default="the workspace's region"
    )
    dns_name_label: str | None = setting(
        Kind.TEXT,
        "First part of the host name of the scoring URI.",
        default="one that is made up",
        pattern=r"[a-z]([a-z0-9-]{1,61}[a-z0-9])",
        pattern_words="3 to 63 lower-case letters, digits and dashes, a letter first.",
    )
    auth_enabled: bool | None = _switch("Callers must send a key.", "false")
    primary_key_variable: str | None = _key("primary")
    secondary_key_variable: str | None = _key("secondary")
    enable_app_insights: bool | None = _switch("Log to Application Insights.", "false")
    collect_model_data: bool | None = _switch("Keep the inputs and outputs of the model.", "false")
    ssl_enabled: bool | None = _switch("Serve HTTPS with a certificate of your own.", "false")
    ssl_cert_pem_file: str | None = setting(Kind.PATH, "Certificate (PEM), needed for HTTPS.")
    ssl_key_pem_file: str | None = setting(Kind.PATH, "Its private key (PEM), needed for HTTPS.")
    ssl_cname: str | None = setting(Kind.TEXT, "Host name in the certificate, needed for HTTPS.")
    vnet_name: str | None = setting(
        Kind.TEXT, "Virtual network to run in; goes with subnet_name.", default="none"
    )
    subnet_name: str | None = setting(
        Kind.TEXT, "Subnet of the virtual network; goes with vnet_name.", default="none"
    )
    cmk_vault_base_url: str | None = setting(
        Kind.TEXT, "Key vault of the key that encrypts the container group.", default="none"
    )
    cmk_key_name: str | None = setting(
        Kind.TEXT, "Name of that key; goes with cmk_vault_base_url.", default="none"
    )
    cmk_key_version: str | None = setting(
        Kind.TEXT, "Version of that key; goes with cmk_vault_base_url.", default="none"
    )


@dataclass(frozen=True, kw_only=True)
class AksTarget:
    """Containers on a Kubernetes cluster that is attached to the workspace, for production."""

    kind: ClassVar[str] = "aks"
    title: ClassVar[str] = "Azure Kubernetes Service"
    sdk: ClassVar[str] = "AksWebservice"

    cluster: str = setting(
        Kind.TEXT, "Compute target of the workspace to deploy to.", required=True
    )
    namespace: str | None = setting(
        Kind.TEXT,
        "Kubernetes namespace.",
        default="azureml-<workspace>",
        pattern=r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?",
        pattern_words="Up to 63 lower-case letters, digits and dashes, no dash first or last.",
    )
    cpu_cores: float | None = _cores()
    cpu_cores_limit: float | None = setting(
        Kind.NUMBER, "Cores that a container may use at most.", unit="cores", above=0
    )
    memory_gb: float | None = _memory()
    memory_gb_limit: float | None = setting(
        Kind.NUMBER, "Memory that a container may use at most.", unit="GB", above=0
    )
    gpu_cores: int | None = _count("GPUs that each container gets.", "0", "GPUs", minimum=0)
    num_replicas: int | None = _count(
        "Containers to run, when the autoscaler is off.", "the autoscaler decides"
    )
    autoscale_enabled: bool | None = _switch(
        "Let the number of containers follow the load.", "true, unless num_replicas is set"
    )
    autoscale_min_replicas: int | None = _count("Fewest containers.", "1")
    autoscale_max_replicas: int | None = _count("Most containers.", "10")
    autoscale_refresh_seconds: int | None = _count("How often the autoscaler looks.", "1", "s")
    autoscale_target_utilization: int | None = _count(
        "How busy the containers may be before there are more.",
        "70",
        "%",
        maximum=100,
        warning="Lower values start containers earlier, not faster.",
    )
    auth_enabled: bool | None = _switch("Callers must send a key.", "true")
    token_auth_enabled: bool | None = _switch("Callers must send a token.", "false")
    primary_key_variable: str | None = _key("primary")
    secondary_key_variable: str | None = _key("secondary")
    scoring_timeout_ms: int | None = _count(
        "How long one request may take, before 504.", "60000", "ms", maximum=300_000
    )
    replica_max_concurrent_requests: int | None = _count(
        "Requests that one container works on at once.",
        "1",
        warning="Microsoft says to leave it at 1 unless its support asks for more.",
    )
    max_request_wait_time: int | None = _count(
        "How long a request may queue, before 503.", "500", "ms"
    )
    enable_app_insights: bool | None = _switch("Log to Application Insights.", "false")
    collect_model_data: bool | None = _switch("Keep the inputs and outputs of the model.", "false")
    blobfuse_enabled: bool | None = _switch("Mount models with blobfuse.", "true")
    period_seconds: int | None = _count("Time between two liveness probes.", "10", "s")
    initial_delay_seconds: int | None = _count("Time before the first probe.", "310", "s")
    timeout_seconds: int | None = _count("Time that a probe may take.", "2", "s")
    success_threshold: int | None = _count("Successes that make it alive again.", "1")
    failure_threshold: int | None = _count("Failures until it is restarted.", "3")


Target = LocalTarget | AciTarget | AksTarget
TARGETS: tuple[type[LocalTarget] | type[AciTarget] | type[AksTarget], ...] = (
    LocalTarget,
    AciTarget,
    AksTarget,
)
