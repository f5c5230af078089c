"""Which failures of the catalogue have which remedy, and what has to be done elsewhere."""

from __future__ import annotations

from collections.abc import Mapping

from .conda import TESTED_DEFAULTS

MEMORY = (
    "worker-reboot-loop-memory", "worker-killed-memory", "container-oom-killed",
    "python-memory-error", "replica-closed-connection",
)  # fmt: skip
# Failures that are met, or looked into, on this machine as well as anywhere else.
CRASHES = (
    "container-crash-loop", "init-exception", "run-exception", "worker-failed-to-boot",
    "deployment-timed-out", "http-502-run-failed", "http-500-run-failed", "model-file-missing",
    "model-path-not-found", "gunicorn-worker-timeout", "v2-resource-not-ready",
    "service-state-unhealthy", "no-ready-replicas",
)  # fmt: skip
TOO_LARGE = (
    "aks-cannot-schedule", "aks-insufficient-cpu-memory", "aks-insufficient-gpu",
    "aks-insufficient-precheck", "aci-capacity",
)  # fmt: skip
OVERLOAD = ("http-503-autoscale",)
MODEL_PATHS = (
    "model-path-not-found", "model-file-missing", "model-dir-multiple-entries", "model-dir-unset",
)  # fmt: skip
RUN_FAILED = ("run-exception", "http-502-run-failed", "http-500-run-failed")
DEBUGGING_ONLY = (
    "Only while you debug: callers read what went wrong. F4 in the wizard takes it out."
)
BUSY = ("docker-port-in-use", "server-port-in-use")

# What to ask pip for; the versions are those that the causes in the catalogue name.
CONDA_PINS: Mapping[str, tuple[str, ...]] = {
    "azureml-defaults-missing": (f"azureml-defaults=={TESTED_DEFAULTS}",),
    "azureml-api-missing": ("azure-ml-api-sdk",),
    "flask-dependency-conflict": (f"azureml-defaults=={TESTED_DEFAULTS}",),
    "flask2-register-typeerror": (f"azureml-defaults=={TESTED_DEFAULTS}",),
    "numpy-binary-mismatch": ("numpy<2",),
    "debugger-package-missing": ("debugpy",),
}
# Packages whose name is not that of the module.
DISTRIBUTIONS: Mapping[str, str] = {
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python-headless",
    "dateutil": "python-dateutil",
    "dotenv": "python-dotenv",
    "fitz": "pymupdf",
    "inference_schema": "inference-schema[numpy-support]",
    "jwt": "pyjwt",
    "PIL": "pillow",
    "pkg_resources": "setuptools",
    "psycopg2": "psycopg2-binary",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}

# What nobody can do from here: a title and the steps.
HINTS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "key-vault-policy-cleared": (
        "Give the workspace its access to the Key Vault back",
        (
            "Was an ARM template of the workspace deployed again lately? One of these:",
            "1. Do not deploy it twice with the same parameters, or delete the resources first.",
            "2. Read the policies (az keyvault show -n VAULT --query properties.accessPolicies)"
            " and write them into accessPolicies of the template.",
            "3. Let the template skip a Key Vault that is there, by a parameter.",
        ),
    ),
    "docker-memory": (
        "Give the container engine more memory",
        (
            "A local container has no limit of its own: it can use what the engine has.",
            "Docker Desktop: Settings, Resources. On Linux: close other programs, or add memory.",
        ),
    ),
    "deploy-locally": (
        "Deploy the same on this machine",
        (
            "amltui has no plan of this service: n in Deploy (3) makes one, or reads its script.",
            "With the target local an edited script is served again within seconds.",
        ),
    ),
    "worker-timeout": (
        "Raise WORKER_TIMEOUT to 600 s",
        (
            "It is a variable of the service's environment:",
            '+ environment.environment_variables["WORKER_TIMEOUT"] = "600"  (300 s is the default)',
            "then deploy it again; the image stays.",
        ),
    ),
    "base-dockerfile": (
        "Install the library in the image",
        (
            "Point base_dockerfile of the environment at a Dockerfile with a line such as",
            "RUN apt-get update && apt-get install -y libgl1 libglib2.0-0 libgomp1",
        ),
    ),
    "docker-permission-denied": (
        "Let this user use Docker",
        ("sudo usermod -aG docker $USER", "then log out and in again."),
    ),
    "docker-not-running": (
        "Start Docker",
        ("On Linux: sudo systemctl start docker", "Elsewhere: start Docker Desktop."),
    ),
    "docker-registry-login-expired": (
        "Log in to the registry again",
        ("az acr login -n REGISTRY   (its name, without .azurecr.io)",),
    ),
    "acr-auth-failed": (
        "Switch the registry's admin user on",
        ("az acr update -n REGISTRY --admin-enabled true",),
    ),
    "image-not-accessible": (
        "Switch the registry's admin user on",
        ("az acr update -n REGISTRY --admin-enabled true",),
    ),
    "aad-token-expired": ("Sign in again", ("az login", "az account set -s SUBSCRIPTION")),
    "aks-cannot-schedule": (
        "Add nodes to the cluster",
        ("az aks scale -g GROUP -n CLUSTER --node-count N", "or choose a larger node size."),
    ),
    "aks-insufficient-cpu-memory": (
        "Add nodes to the cluster",
        ("az aks scale -g GROUP -n CLUSTER --node-count N", "or choose a larger node size."),
    ),
    "aks-insufficient-gpu": (
        "Add GPU nodes to the cluster",
        (
            "With a GPU node size: az aks scale -g GROUP -n CLUSTER --node-count N",
            "Without one: az aks nodepool add with a GPU size, or use an image without CUDA.",
        ),
    ),
}
