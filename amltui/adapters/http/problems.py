"""What goes wrong before there is an answer, in people's words."""

from __future__ import annotations

import http.client
import socket
import ssl
from urllib.parse import urlsplit

from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.text import clean_line

from .trust import CA_VARIABLES

_OWN_AUTHORITY = f"For an authority of your own set {CA_VARIABLES[0]} to its file."
_CERTIFICATES = {  # what to do, by OpenSSL's number of what is wrong
    9: "Compare this machine's clock with the certificate's dates.",
    10: "The service needs a new certificate; compare this machine's clock, too.",
    62: "Use the host name that the certificate was made for.",
    64: "Use the host name that the certificate was made for, not an IP address.",
}


def late(limit_s: float, phase: str) -> AmltuiError:
    """The time limit was reached."""
    return AmltuiError(
        f"No answer within {limit_s:g} s",
        f"The time limit was reached while {phase}.",
        "Raise the limit, or look at the service's log: run() may hang or be slow.",
        problem=Problem.TIMEOUT,
    )


def cancelled() -> AmltuiError:
    """The person stopped it."""
    return AmltuiError("Cancelled", "The request was stopped.", problem=Problem.REFUSED)


def told(error: Exception, url: str, phase: str) -> AmltuiError:
    """Whatever else the network, TLS or the other side did."""
    parts = urlsplit(url)
    where = clean_line(parts.netloc)[:120]
    detail = clean_line(f"{type(error).__name__}: {error}")[:500]
    title, message, hint = _told(error, where, parts.hostname or "", phase)
    return AmltuiError(title, message, hint, problem=Problem.NETWORK, detail=detail)


def _told(error: Exception, where: str, host: str, phase: str) -> tuple[str, str, str]:
    if isinstance(error, socket.gaierror):
        return (
            "The host cannot be found",
            f"No address is known for {clean_line(host)}.",
            "Check the scoring URI, the network and, in a private network, the DNS.",
        )
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            "The certificate is not trusted",
            f"{where} sent one that cannot be verified: "
            f"{clean_line(error.verify_message).rstrip('.')}.",
            _CERTIFICATES.get(error.verify_code, _OWN_AUTHORITY),
        )
    if isinstance(error, ssl.SSLError):
        return (
            "TLS failed",
            f"{where} does not speak TLS as expected: {clean_line(str(error.reason))}.",
            "Check whether the scoring URI should begin with http:// or https://.",
        )
    if isinstance(error, ConnectionRefusedError):
        return (
            "Nobody answers",
            f"{where} refused the connection.",
            "Check the port, and that the service or container runs.",
        )
    if isinstance(error, (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError)):
        return (
            "The connection was closed without an answer",
            f"{where} closed it while {phase}.",
            "The replica may have crashed or been killed: look at the log of that second.",
        )
    if isinstance(error, (http.client.HTTPException, ValueError)):
        return (
            "This is no HTTP that can be read or sent",
            clean_line(str(error))[:200] or type(error).__name__,
            "Check the address and the headers.",
        )
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return (
        "The service cannot be reached",
        f"{where}: {clean_line(str(reason))}.",
        "Check the network, the VPN and the proxy settings.",
    )
