"""The calls of three generations of the SDK that say how a model is deployed (1.0 to 1.61)."""

from __future__ import annotations

from .plan_targets import AciTarget, AksTarget, LocalTarget

_DEPLOY = ("deployment_config", "deployment_target", "overwrite")
SIGNATURES: dict[str, tuple[str, ...]] = {
    "Model.deploy": ("workspace", "name", "models", "inference_config", *_DEPLOY, "show_output"),
    "Webservice.deploy": ("workspace", "name", "model_paths", "image_config", *_DEPLOY),
    "Webservice.deploy_from_model": ("workspace", "name", "models", "image_config", *_DEPLOY),
    "Webservice.deploy_from_image": ("workspace", "name", "image", *_DEPLOY),
    "Webservice.deploy_local_from_model": (
        "workspace", "name", "models", "image_config", "deployment_config", "wait",
    ),
    "Image.create": ("workspace", "name", "models", "image_config"),
    "ContainerImage.create": ("workspace", "name", "models", "image_config"),
    "ContainerImage.image_configuration": (
        "execution_script", "runtime", "conda_file", "docker_file", "schema_file", "dependencies",
        "enable_gpu", "tags", "properties", "description", "base_image", "base_image_registry",
        "cuda_version",
    ),
    "InferenceConfig": (
        "entry_script", "runtime", "conda_file", "extra_docker_file_steps", "source_directory",
        "enable_gpu", "description", "base_image", "base_image_registry", "cuda_version",
        "environment",
    ),
    "Model.register": (
        "workspace", "model_path", "model_name", "tags", "properties", "description", "datasets",
        "model_framework", "model_framework_version", "child_paths", "sample_input_dataset",
        "sample_output_dataset", "resource_configuration",
    ),
    ".register_model": (
        "model_name", "model_path", "tags", "properties", "model_framework",
        "model_framework_version", "description", "datasets", "sample_input_dataset",
        "sample_output_dataset", "resource_configuration",
    ),
    "Model": ("workspace", "name", "id", "tags", "properties", "version"),
    "Run.get": ("workspace", "run_id"),
    "Run": ("experiment", "run_id"),
    "Workspace.get": ("name",),
    "Environment": ("name",),
    "Environment.get": ("workspace", "name", "version", "label"),
    "Environment.from_conda_specification": ("name", "file_path"),
    "Environment.from_pip_requirements": ("name", "file_path", "pip_version"),
    "Environment.from_dockerfile": (
        "name", "dockerfile", "conda_specification", "pip_requirements",
    ),
    "Environment.from_docker_image": (
        "name", "image", "container_registry", "conda_specification", "pip_requirements",
    ),
    "CondaDependencies": ("conda_dependencies_file_path",),
    "ComputeTarget": ("workspace", "name"),
    "AksCompute": ("workspace", "name"),
    "LocalWebservice.deploy_configuration": ("port",),
    "AciWebservice.deploy_configuration": (
        "cpu_cores", "memory_gb", "tags", "properties", "description", "location", "auth_enabled",
        "ssl_enabled", "enable_app_insights", "ssl_cert_pem_file", "ssl_key_pem_file", "ssl_cname",
        "dns_name_label", "primary_key", "secondary_key", "collect_model_data",
        "cmk_vault_base_url", "cmk_key_name", "cmk_key_version", "vnet_name", "subnet_name",
    ),
    "AksWebservice.deploy_configuration": (
        "autoscale_enabled", "autoscale_min_replicas", "autoscale_max_replicas",
        "autoscale_refresh_seconds", "autoscale_target_utilization", "collect_model_data",
        "auth_enabled", "cpu_cores", "memory_gb", "enable_app_insights", "scoring_timeout_ms",
        "replica_max_concurrent_requests", "max_request_wait_time", "num_replicas", "primary_key",
        "secondary_key", "tags", "properties", "description", "gpu_cores", "period_seconds",
        "initial_delay_seconds", "timeout_seconds", "success_threshold", "failure_threshold",
        "namespace", "token_auth_enabled", "compute_target_name", "cpu_cores_limit",
        "memory_gb_limit", "blobfuse_enabled",
    ),
}  # fmt: skip

DEPLOYS = tuple(name for name in SIGNATURES if ".deploy" in name and "configuration" not in name)
TARGET_OF = {f"{t.sdk}.deploy_configuration": t for t in (LocalTarget, AciTarget, AksTarget)}
