"""The log of an image's build: where the workspace says it is, and the text behind that link.

The link is a SAS URL of a blob, good for a while, fetched without signing in and never shown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.models import Ref
from amltui.domain.text import clean_line, mask

from . import legacy_images
from .management import Management

_LIMITS = (10.0, 30.0)  # seconds to a connection, and between two pieces of an answer
_LONGEST = 5_000_000  # bytes from the end that are kept
_NAMED = re.compile(r"found here: (https?://[^\s\"'\\]+)")  # by the error of a failed service
_REFUSED = {
    403: "Its link has expired. Deploy again for a new one, or look into the workspace's storage.",
    409: "Public access to the storage is blocked: read it from inside the virtual network.",
}


def read(management: Management, ref: Ref) -> str | None:
    """The build log of a service's image, of a legacy image, or of an environment's.

    None where no build is known. Of a service it is that of the operation under way or last, else
    of the legacy image, else the one that the service's error names.

    Raises:
        AmltuiError: the workspace or the storage refuses it.
    """
    if _link(ref.endpoint):  # the build of an environment's image
        return _of_build(management, ref.endpoint)
    if ":" in ref.endpoint:  # a legacy image with its version; no service has such a name
        uri = _link(legacy_images.payload(management, ref.endpoint).get("imageBuildLogUri"))
        return fetch(uri) if uri else None
    payload = management.payload(ref.endpoint)
    uri = _of_operation(management, payload) or _of_image(payload) or _of_error(payload)
    return fetch(uri) if uri else None


def fetch(uri: str) -> str:
    """The text behind a link, its end if it is very long.

    Raises:
        AmltuiError: there is none, or it may not be read; never with the link itself.
    """
    import requests

    try:
        with requests.get(uri, timeout=_LIMITS, stream=True) as answer:
            answer.raise_for_status()
            text = b""
            for piece in answer.iter_content(1 << 18):
                text = (text + piece)[-_LONGEST:]
            return text.decode("utf-8", "replace")
    except requests.RequestException as error:
        status = getattr(error.response, "status_code", 0)
        if status in (404, 416):
            return ""  # the build has not written anything yet
        raise AmltuiError(
            "The image build log cannot be read",
            _REFUSED.get(status) or mask(clean_line(type(error).__name__)),
            "" if status in _REFUSED else "Try again.",
            problem=Problem.REFUSED if status in _REFUSED else Problem.NETWORK,
        ) from None


def _of_build(management: Management, address: str) -> str:
    """The log of an image's build; what it fails of where there is none."""
    found = management.fetch(address, "reading how the image is built", {})
    uri = _link(found.get("logUrl"))
    text = fetch(uri) if uri else ""
    if not text and found.get("status") == "Failed":
        told = json.dumps(found.get("errorMessages"), ensure_ascii=False)
        raise AmltuiError(
            "The image could not be built",
            mask(clean_line(told))[:600],
            "There is no log of it.",
            problem=Problem.SERVER,
        )
    return text


def _of_operation(management: Management, payload: Mapping[str, Any]) -> str:
    operation = payload.get("operationId")
    if not isinstance(operation, str) or not operation:
        return ""
    try:
        return _link(management.operation(operation, 0).get("operationLog"))
    except AmltuiError as error:
        if error.problem is not Problem.NOT_FOUND:  # old ones are forgotten
            raise
        return ""


def _of_image(payload: Mapping[str, Any]) -> str:
    image = payload.get("imageDetails")
    return _link(image.get("imageBuildLogUri")) if isinstance(image, Mapping) else ""


def _of_error(payload: Mapping[str, Any]) -> str:
    named = _NAMED.search(json.dumps(payload.get("error"), ensure_ascii=False))
    return _link(named[1].rstrip(".,;")) if named else ""


def _link(value: Any) -> str:
    return value if isinstance(value, str) and value.startswith(("https://", "http://")) else ""
