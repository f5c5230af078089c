"""Microsoft Entra and resource manager on loopback, for the real MSAL and SDK.

A proxy that answers CONNECT itself, with a certificate for the public hosts: the clients are
pointed at it by HTTPS_PROXY and REQUESTS_CA_BUNDLE and need no change. The workspace it knows is
the demo server's.
"""

from __future__ import annotations

import base64
import datetime
import json
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOSTS = ("login.microsoftonline.com", "management.azure.com")
TENANT = "7e4a0000-0000-0000-0000-00000000de30"
CODE = "FAKECODE9"
SECRET = "a-made-up-secret"
LOGIN = "https://login.microsoftonline.com"


def make_certificate(folder: Path) -> Path:
    """Write one self-signed certificate with its key; return the file, for both sides."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "amltui tests")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(h) for h in HOSTS]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "entra.pem"
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


def _encode(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def _token(**claims: Any) -> str:
    content = {"exp": int(time.time()) + 3600, "iat": int(time.time()), "tid": TENANT, **claims}
    return f"{_encode({'alg': 'none'})}.{_encode(content)}.c2ln"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Entra

    def log_message(self, format: str, *args: Any) -> None:
        return

    def do_CONNECT(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        self.wfile.flush()
        self.connection = self.server.tls.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb", buffering=0)
        self.close_connection = False

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        subscription = self.server.workspace["id"].split("/")[2]
        if path.endswith("openid-configuration"):
            self._send(self._endpoints())
        elif path.endswith("discovery/instance"):
            self._send({"tenant_discovery_endpoint": f"{LOGIN}/{TENANT}/v2.0/x", "metadata": []})
        elif path == "/tenants":
            self._send({"value": [{"id": f"/tenants/{TENANT}", "tenantId": TENANT}]})
        elif path == "/subscriptions":
            self._send(
                {
                    "value": [
                        {
                            "id": f"/subscriptions/{subscription}",
                            "subscriptionId": subscription,
                            "displayName": "Fake",
                            "state": "Enabled",
                            "tenantId": TENANT,
                        }
                    ]
                }
            )
        elif path.lower() == self.server.workspace["id"].lower():
            self._send(self.server.workspace)
        else:
            self._send({"error": {"code": "NotFound", "message": path}}, 404)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        form = {key: values[0] for key, values in parse_qs(body).items()}
        if self.path.startswith("/msi"):
            self.server.managed += 1
            ends = str(int(time.time()) + 3600)
            token = _token(oid="abcd0000")
            self._send({"access_token": token, "expires_on": ends, "token_type": "Bearer"})
        elif self.path.startswith("/nothing-here"):
            self._send({}, 404)
        elif self.path.endswith("/devicecode"):
            self.server.devices += 1
            self._send(
                {
                    "user_code": CODE,
                    "device_code": "device",
                    "verification_uri": "https://microsoft.com/devicelogin",
                    "expires_in": 900,
                    "interval": 1,
                    "message": "To sign in, use a web browser to open the page"
                    " https://microsoft.com/devicelogin and enter the code"
                    f" {CODE} to authenticate.",
                }
            )
        elif form.get("client_secret", SECRET) != SECRET:
            self._refuse("invalid_client", "AADSTS7000215: Invalid client secret provided.")
        elif form.get("refresh_token", self.server.refresh_token) != self.server.refresh_token:
            self._refuse("invalid_grant", "AADSTS700082: The refresh token has expired.")
        elif form.get("grant_type", "").endswith("device_code") and not self.server.approved:
            self._refuse("authorization_pending", "AADSTS70016: pending")
        else:
            self._grant(form)

    def _grant(self, form: dict[str, str]) -> None:
        claims: dict[str, Any] = {"appid": form.get("client_id", "")}
        if "client_secret" not in form:
            claims["upn"] = "sam@contoso.example"
        info = {"uid": "uid", "utid": TENANT}
        self._send(
            {
                "token_type": "Bearer",
                "expires_in": self.server.lifetime,
                "access_token": _token(**claims),
                "refresh_token": self.server.refresh_token,
                "id_token": _token(
                    aud=form.get("client_id"), preferred_username="sam@contoso.example", oid="uid",
                    sub="uid", iss=f"{LOGIN}/{TENANT}/v2.0",
                ),
                "client_info": _encode(info),
                "scope": form.get("scope", ""),
            }
        )  # fmt: skip

    def _refuse(self, error: str, description: str) -> None:
        self._send({"error": error, "error_description": description}, 400)

    def _endpoints(self) -> dict[str, str]:
        base = f"{LOGIN}/{TENANT}"
        return {
            "issuer": f"{base}/v2.0",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "token_endpoint": f"{base}/oauth2/v2.0/token",
            "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
        }

    def _send(self, value: Any, status: int = 200) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Entra(ThreadingHTTPServer):
    """The running proxy; `approved` is what the person at the browser does."""

    daemon_threads: ClassVar[bool] = True  # type: ignore[misc]

    def __init__(self, folder: Path, workspace: dict[str, Any]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.certificate = make_certificate(folder)
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(self.certificate)
        self.workspace = workspace
        self.approved = False
        self.refresh_token = "first"  # another one revokes those that were given out
        self.lifetime = 3600  # seconds that MSAL keeps an access token
        self.devices = 0  # codes given out
        self.managed = 0  # tokens given out to the machine itself
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"
