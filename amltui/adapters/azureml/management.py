"""The model management service over HTTP, with the SDK's URL, authentication and session.

The SDK's own methods retry for minutes (a 429 holds a call for 224 s), often have no time limit,
print, and ask again for each model of a service. So the requests are made here, one for each call
or page, every one with time limits, and an answer that is no good is an error at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any
from urllib.parse import quote, urlsplit

from amltui.domain.computes import Compute
from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.failures import unfold
from amltui.domain.models import OperationState, Ref, Service
from amltui.domain.text import clean_line, mask

from . import fields, problems
from .computes import parse_compute
from .services import parse_list

CONNECT_LIMIT = 10.0  # seconds to a connection
READ_LIMIT = 30.0  # seconds between two pieces of an answer
MAX_PAGES = 1_000
_COMPUTES = {"api-version": "2020-02-02"}


class Management:
    """One workspace's model management service; safe to use from several threads."""

    def __init__(self, workspace: Any, read_limit: float = READ_LIMIT) -> None:
        from azureml._model_management._util import _get_mms_url

        self._auth = workspace._auth_object
        self._url: str = _get_mms_url(workspace)  # finds the endpoint: one request, then cached
        self._limits = (CONNECT_LIMIT, read_limit)

    def services(self) -> tuple[Service, ...]:
        """All services, one request a page."""
        return parse_list(row for page in self._pages() for row in page)

    def service(self, ref: Ref) -> Service:
        """One service, or one version of an endpoint."""
        doing = f"reading service {ref.endpoint}"
        response = self._request("GET", self._service_url(ref), doing, params={"expand": "true"})
        for service in parse_list([_json(response, doing)]):
            if service.ref.deployment == ref.deployment:
                return service
        raise AmltuiError(
            f"Version {ref.deployment} is gone",
            f"Endpoint {ref.endpoint} does not have it any more.",
            "Refresh the list.",
            problem=Problem.NOT_FOUND,
        )

    def logs(self, ref: Ref, tail: int, init: bool) -> str | None:
        """The last lines of a log, raw; None while there is no container."""
        doing = f"reading the log of {ref.endpoint}"
        params = {"tail": str(tail), "init": str(init)}
        response = self._request("GET", self._service_url(ref) + "/logs", doing, params=params)
        content = _object(response, doing).get("content")
        return content if isinstance(content, str) else None

    def keys(self, ref: Ref) -> tuple[str, str]:
        """Primary and secondary key."""
        doing = f"reading the keys of {ref.endpoint}"
        response = self._request("POST", self._service_url(ref) + "/listkeys", doing)
        keys = _object(response, doing)
        return str(keys.get("primaryKey") or ""), str(keys.get("secondaryKey") or "")

    def token(self, ref: Ref) -> dict[str, str | None]:
        """An access token and its times, ISO 8601 in UTC."""
        doing = f"asking for a token of {ref.endpoint}"
        response = self._request("POST", self._service_url(ref) + "/token", doing)
        token = _object(response, doing)
        return {
            "value": str(token.get("accessToken") or ""),
            "expires_at": _epoch(token.get("expiryOn")),
            "refresh_after": _epoch(token.get("refreshAfter")),
        }

    def delete(self, ref: Ref) -> None:
        """Ask for the end of a service; the workspace works on it (202) or is done (200, 204)."""
        if ref.deployment:
            raise AmltuiError(
                "A version cannot be deleted alone",
                f"{ref.deployment} is a version of endpoint {ref.endpoint}.",
                "Delete the endpoint, or remove the version with AksEndpoint.delete_version().",
                problem=Problem.REFUSED,
            )
        self._request("DELETE", self._service_url(ref), f"deleting {ref.endpoint}")

    def regenerate_key(self, ref: Ref, which: str) -> str:
        """Ask for a new "Primary" or "Secondary" key; returns the operation that makes it."""
        doing = f"replacing the {which.lower()} key of {ref.endpoint}"
        url = self._service_url(ref) + "/regenerateKeys"
        body = {"keyType": which, "keyValue": None}
        response = self._request("POST", url, doing, json=body)
        return str(response.headers.get("Operation-Location", "")).rpartition("/")[2]

    def payload(self, name: str) -> dict[str, Any]:
        """A service as the workspace describes it, unparsed."""
        doing = f"reading service {name}"
        url = self._service_url(Ref("azureml", name))
        return _object(self._request("GET", url, doing, params={"expand": "true"}), doing)

    def operation(self, operation_id: str, offset: int) -> dict[str, Any]:
        """A long-running operation, with its progress text after `offset` characters."""
        doing = "asking how the operation is doing"
        url = f"{self._url}/operations/{quote(operation_id, safe='')}"
        return _object(self._request("GET", url, doing, params={"offset": str(offset)}), doing)

    def progress(self, operation_id: str, offset: int) -> OperationState:
        """The same, read: the words that came, and why it failed if it did."""
        found = self.operation(operation_id, offset)
        text = found.get("streamingOperationLog")
        text = text if isinstance(text, str) else ""
        words = tuple(filter(None, map(_said, text.split("#"))))
        return OperationState(
            fields.line(found, "state"), words, offset + len(text), unfold(found.get("error"))
        )

    @property
    def url(self) -> str:
        """Where the service's own resources are."""
        return self._url

    def fetch(self, url: str, doing: str, params: dict[str, str]) -> dict[str, Any]:
        """One answer of any of the workspace's services; `doing` tells it in an error."""
        return _object(self._request("GET", url, doing, params=params), doing)

    def send(self, url: str, doing: str, body: dict[str, Any]) -> dict[str, Any]:
        """One answer to what is sent to any of the workspace's services."""
        return _object(self._request("POST", url, doing, json=body), doing)

    def computes(self, workspace: Any) -> tuple[Compute, ...]:
        """The compute targets, one request a page; from another endpoint, found once."""
        from azureml.core.compute import ComputeTarget

        doing = "listing the compute targets"
        found: list[dict[str, Any]] = []
        seen: set[str] = set()
        url, params = ComputeTarget._get_rp_list_computes_endpoint(workspace), _COMPUTES
        while url and url not in seen and len(seen) < MAX_PAGES:
            seen.add(url)
            page = _object(self._request("GET", url, doing, params=params), doing)
            found += [row for row in page.get("value") or () if isinstance(row, dict)]
            link = page.get("nextLink")
            same = isinstance(link, str) and urlsplit(link).scheme == urlsplit(url).scheme
            url, params = (str(link) if same else ""), {}
        return tuple(map(parse_compute, found))

    def _service_url(self, ref: Ref) -> str:
        return f"{self._url}/services/{quote(ref.endpoint, safe='')}"

    def _pages(self) -> Iterator[list[Any]]:
        doing = "listing the services"
        url, params = f"{self._url}/services", {"expand": "true"}
        seen: set[str] = set()
        while url not in seen and len(seen) < MAX_PAGES:
            seen.add(url)
            page = _object(self._request("GET", url, doing, params=params), doing)
            rows, link = page.get("value"), page.get("nextLink")
            if not isinstance(rows, list):
                raise AmltuiError(
                    f"Unreadable answer while {doing}",
                    "It holds no list of services.",
                    problems.AGAIN,
                    problem=Problem.SERVER,
                )
            yield rows
            if not isinstance(link, str) or not link:
                return
            if urlsplit(link).scheme != urlsplit(self._url).scheme:
                return  # the token must not leave on a worse line than it came
            url, params = link, {}

    def _request(
        self, method: str, url: str, doing: str, *, params: Any = None, json: Any = None
    ) -> Any:
        from azureml._model_management._util import get_requests_session

        try:
            headers = {"Content-Type": "application/json", **self._auth.get_authentication_header()}
            with get_requests_session() as session:
                response = session.request(
                    method, url, params=params, json=json, headers=headers, timeout=self._limits
                )
        except Exception as error:
            raise problems.of_exception(error, doing) from error
        if response.status_code == 401:
            getattr(self._auth, "amltui_forget", lambda: None)()
        if response.status_code >= 400:
            raise problems.of_response(
                response.status_code, response.headers, response.text[:50_000], doing
            )
        return response


def _json(response: Any, doing: str) -> Any:
    try:
        return response.json()
    except ValueError as error:
        raise problems.of_exception(error, doing) from error


def _object(response: Any, doing: str) -> dict[str, Any]:
    value = _json(response, doing)
    return value if isinstance(value, dict) else {}


def _said(entry: str) -> str:
    """One remark of an operation, without the time in front of it."""
    return mask(clean_line(entry.partition("|")[2] or entry)).strip()


def _epoch(value: Any) -> str | None:
    try:
        return datetime.fromtimestamp(float(value), timezone.utc).isoformat()
    except (TypeError, ValueError, OverflowError, OSError):
        return None
