"""What goes wrong between here and Azure, in sentences.

No SDK import: its exceptions are told by name, so that the console's process can use this too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.failures import innermost, unfold
from amltui.domain.text import clean, clean_line, mask

_MAX_DETAIL = 8_000
_AADSTS = re.compile(r"AADSTS(\d+)")
AGAIN = "Try again in a moment; the console's lists do so by themselves."
_SIGN_IN = "Sign in again: run `az login`, or choose another way with --auth."

# Microsoft Entra's codes that people meet: what happened, and what to do.
_SIGN_IN_CODES = {
    "7000215": (
        "The secret of the service principal is wrong.",
        "Put the secret's value, not its id, into AZURE_CLIENT_SECRET or"
        " AZUREML_SERVICE_PRINCIPAL_PASSWORD.",
    ),
    "7000222": (
        "The secret of the service principal has expired.",
        "Make a new one: az ad app credential reset --id CLIENT_ID",
    ),
    "700016": (
        "The tenant does not know this service principal.",
        "Check the client id and the tenant id.",
    ),
    "90002": ("There is no such tenant.", "Check the tenant id."),
    "900023": ("There is no such tenant.", "Check the tenant id."),
    "50034": ("The tenant does not know this account.", "Check the tenant id, then sign in again."),
    "50057": ("This account is disabled.", "Ask the administrator of the tenant."),
    "50076": ("Azure asks for a second factor.", _SIGN_IN),
    "50079": ("Azure asks for a second factor.", _SIGN_IN),
    "50173": ("The sign-in is no longer valid, e.g. after a new password.", _SIGN_IN),
    "53003": (
        "A conditional access policy of the tenant blocks this sign-in.",
        "Try --auth cli from a device that the policy allows, or ask the administrator.",
    ),
    "70008": ("The sign-in has expired.", _SIGN_IN),
    "70016": ("The code has not been entered yet.", "Open the page and enter the code."),
    "70018": ("The code was not accepted.", "Sign in again and enter the new code."),
    "70019": ("The code has expired.", "Sign in again and enter the new code in time."),
    "70020": ("The code has expired.", "Sign in again and enter the new code in time."),
    "70043": ("The sign-in has expired.", _SIGN_IN),
    "700082": ("The sign-in has expired for want of use.", _SIGN_IN),
}


def of_response(status: int, headers: Mapping[str, str], body: str, doing: str) -> AmltuiError:
    """The error of an HTTP answer that is none of the good ones; `doing` as in "listing"."""
    failure = unfold(body)
    cause = innermost(failure) if failure else None
    said = clean_line(cause.message)[:300] if cause else ""
    quote = f"The service says: {said}" if said else ""
    title, hint, problem = f"Azure ML answered {status} while {doing}", "", Problem.SERVER
    if status == 401:
        title, problem = "The sign-in is no longer accepted", Problem.SIGN_IN
        hint = _SIGN_IN
    elif status == 403:
        title, problem = f"No permission for {doing}", Problem.PERMISSION
        hint = "Ask for a role on the workspace that allows it, e.g. AzureML Data Scientist."
    elif status == 404:
        title, problem = f"Not found while {doing}", Problem.NOT_FOUND
        hint = "It may have been deleted or moved meanwhile."
    elif status == 409:
        title, problem = "Azure ML is busy with something else there", Problem.REFUSED
        hint = "Wait until the operation that runs on it has ended, then try again."
    elif status in (408, 504):
        title, problem, hint = f"Azure ML took too long while {doing}", Problem.TIMEOUT, AGAIN
    elif status == 429:
        title, problem = "Azure ML asks for fewer requests", Problem.THROTTLED
        hint = _retry_after(headers) or AGAIN
    elif status in (400, 412, 422):
        title, problem = f"Azure ML refused {doing}", Problem.REFUSED
        hint = "See the details for what it objects to."
    elif status >= 500:
        title = f"Azure ML has trouble of its own ({status}) while {doing}"
        hint = _retry_after(headers) or AGAIN
    return AmltuiError(title, quote, hint, problem=problem, detail=_detail(body))


def of_exception(error: BaseException, doing: str) -> AmltuiError:
    """The error of an exception out of the SDK or `requests`, whatever it is."""
    if isinstance(error, AmltuiError):
        return error
    chain = list(_chain(error))
    names = {base.__name__ for link in chain for base in type(link).__mro__}
    text = "\n".join(_message(link) for link in chain)
    detail = _detail(text)
    code = _AADSTS.search(text)
    if code:
        return of_sign_in(code[1], detail)
    for link in chain:
        status = _status(link)
        if status:
            return of_response(status, {}, _message(link), doing)
    network = _of_network(names, text, doing, detail)
    if network:
        return network
    if "AuthenticationException" in names or "az login" in text:
        return AmltuiError(
            "Signing in failed", _first(text), _SIGN_IN, problem=Problem.SIGN_IN, detail=detail
        )
    if names & {
        "JSONDecodeError",
        "InvalidJSONError",
        "DeserializationError",
        "UnicodeDecodeError",
    }:
        return AmltuiError(
            f"Unreadable answer while {doing}",
            "It was cut off or is no JSON, e.g. the page of a proxy.",
            AGAIN,
            problem=Problem.SERVER,
            detail=detail,
        )
    return AmltuiError(
        f"Unexpected trouble while {doing}",
        f"{type(error).__name__}: {_first(text)}",
        f"See the details. {AGAIN}",
        problem=Problem.INTERNAL,
        detail=detail,
    )


def of_sign_in(code: str, detail: str) -> AmltuiError:
    """The error of one of Microsoft Entra's codes (AADSTS…)."""
    happened, hint = _SIGN_IN_CODES.get(
        code, (f"Microsoft Entra refused the sign-in (AADSTS{code}).", _SIGN_IN)
    )
    return AmltuiError("Signing in failed", happened, hint, problem=Problem.SIGN_IN, detail=detail)


def no_workspace(body: str = "") -> AmltuiError:
    """The error of a workspace that is not where the settings say; `body` is Azure's answer."""
    failure = unfold(body)
    said = innermost(failure).message if failure else ""
    return AmltuiError(
        "No such workspace",
        f"Azure says: {said[:300]}" if said else "",
        "Check the subscription id, resource group and workspace name: amltui config shows where"
        " each comes from.",
        problem=Problem.NOT_FOUND,
        detail=_detail(body),
    )


def _of_network(names: set[str], text: str, doing: str, detail: str) -> AmltuiError | None:
    if "SSLError" in names or "CERTIFICATE_VERIFY_FAILED" in text:
        return AmltuiError(
            "The certificate of the other side is not trusted",
            "A proxy that inspects traffic often puts its own in place.",
            "Set REQUESTS_CA_BUNDLE to the file with your company's certificates.",
            problem=Problem.NETWORK,
            detail=detail,
        )
    if "ProxyError" in names:
        return AmltuiError(
            "The proxy does not let us through",
            _first(text),
            "Check HTTPS_PROXY and NO_PROXY.",
            problem=Problem.NETWORK,
            detail=detail,
        )
    if names & {"NewConnectionError", "NameResolutionError", "ConnectTimeout", "gaierror"}:
        return _unreachable(detail)
    if names & {"Timeout", "TimeoutError"}:
        return AmltuiError(
            f"No answer in time while {doing}",
            "The connection stands but nothing comes.",
            AGAIN,
            problem=Problem.TIMEOUT,
            detail=detail,
        )
    broken = {"ChunkedEncodingError", "ContentDecodingError", "IncompleteRead", "ProtocolError"}
    if names & broken:
        return AmltuiError(
            f"The answer broke off while {doing}",
            "The connection was closed before all of it had come.",
            AGAIN,
            problem=Problem.NETWORK,
            detail=detail,
        )
    if names & {"ConnectionError", "ClientRequestError", "ServiceRequestError"}:
        return _unreachable(detail)
    return None


def _unreachable(detail: str) -> AmltuiError:
    return AmltuiError(
        "Azure cannot be reached",
        "There is no connection to it, or its name is not known here.",
        f"Check the network, VPN and proxy. {AGAIN}",
        problem=Problem.NETWORK,
        detail=detail,
    )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen and len(seen) < 10:
        seen.add(id(error))
        yield error
        inner = getattr(error, "inner_exception", None)
        nested = inner if isinstance(inner, BaseException) else None
        nested = nested or error.__cause__ or error.__context__
        if nested is None and error.args and isinstance(error.args[0], BaseException):
            nested = error.args[0]
        error = nested


def _status(error: BaseException) -> int:
    response = getattr(error, "response", None)
    status = getattr(response, "status_code", None) or getattr(error, "status_code", None)
    return status if isinstance(status, int) and status >= 400 else 0


def _message(error: BaseException) -> str:
    message = getattr(error, "message", None)  # str() of an SDK exception adds a block of JSON
    return message if isinstance(message, str) and message else str(error)


def _first(text: str) -> str:
    return mask(clean_line(next((line for line in text.splitlines() if line.strip()), "")))[:300]


def _retry_after(headers: Mapping[str, str]) -> str:
    value = headers.get("Retry-After", "")
    return f"It asks to wait {int(value)} s. {AGAIN}" if value.isdigit() else ""


def _detail(text: Any) -> str:
    body = text if isinstance(text, str) else json.dumps(text, default=str)
    return mask(clean(body[:_MAX_DETAIL])).strip()
