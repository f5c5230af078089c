"""Signing in by a code that is typed into any browser: people are on SSH."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.models import Progress
from amltui.domain.text import clean, clean_line, mask

from .claims import claims

OnProgress = Callable[[Progress], None]

_LOGGER = "azureml._vendor.azure_cli_core.auth.identity"
_URL = re.compile(r"https://[^\s]+")
_CODE = re.compile(r"(?i)\bcode[: ]+([A-Z0-9-]{6,16})\b")


class _DeviceCode(logging.Handler):
    """Carries the page and code to type, which the SDK only logs, to whoever signs in."""

    def __init__(self, on_progress: OnProgress) -> None:
        super().__init__(logging.WARNING)
        self._on_progress = on_progress

    def emit(self, record: logging.LogRecord) -> None:
        text = clean_line(record.getMessage())[:1_000]
        url, code = _URL.search(text), _CODE.search(text)
        self._on_progress(Progress("sign-in", text, url[0] if url else "", code[1] if code else ""))


def tokens(
    tenant: str | None, cloud_name: str, on_progress: OnProgress | None
) -> Callable[[str], str]:
    """Tokens of the SDK's own cache; without one, a device code to type in any browser."""
    from azureml._base_sdk_common.common import perform_interactive_login
    from azureml._vendor.azure_cli_core._environment import get_config_dir
    from azureml._vendor.azure_cli_core._session import ACCOUNT, CONFIG, SESSION
    from azureml._vendor.azure_cli_core.azureml_cloud import _Clouds
    from azureml.core.authentication import _get_arm_token_with_refresh, _get_profile

    cloud = _Clouds.get_cloud_or_default(cloud_name)

    def fetch(resource: str) -> str:
        token = _get_arm_token_with_refresh(
            _get_profile(cloud), ACCOUNT, CONFIG, SESSION, get_config_dir(), resource=resource
        )
        if tenant and claims(token).get("tid", "").lower() != tenant.lower():
            raise PermissionError("the sign-in that is kept belongs to another tenant")
        return str(token)

    fetch.identity = "device code"  # type: ignore[attr-defined]
    try:
        fetch(cloud.endpoints.active_directory_resource_id)
    except Exception as error:
        if on_progress is None:
            raise AmltuiError(
                "Not signed in",
                "The sign-in is missing or has expired.",
                "The console shows a code (r: a new one) and keeps the sign-in; then try again.",
                problem=Problem.SIGN_IN,
                detail=mask(clean(str(error)))[:4_000],
            ) from error
        handler = _DeviceCode(on_progress)
        logger = logging.getLogger(_LOGGER)
        logger.addHandler(handler)
        try:
            perform_interactive_login(tenant=tenant, use_device_code=True, cloud_type=cloud)
        finally:
            logger.removeHandler(handler)
        on_progress(Progress("sign-in", "Signed in."))
    return fetch
