"""Tokens of the Azure CLI, asked of `az` itself: azure-cli-core is not needed."""

from __future__ import annotations

import json
import re
import subprocess

from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.text import clean, clean_line, mask

from . import problems
from .claims import claims

LIMIT = 60.0  # seconds for one `az account get-access-token`; a cold az takes ten
ARM = "https://management.azure.com/"
# The SDK asks for Azure's public resource manager by its older name.
_ARM_AUDIENCES = (ARM, "https://management.core.windows.net/")


def token(resource: str, tenant: str | None, subscription: str) -> str:
    """A token of whoever is logged in to the Azure CLI; azure-cli-core is not needed."""
    audience = ARM if resource in _ARM_AUDIENCES else resource
    command = ["az", "account", "get-access-token", "--resource", audience, "-o", "json"]
    if tenant:
        command += ["--tenant", tenant]
    elif subscription:
        command += ["--subscription", subscription]  # of several tenants, the one it is in
    try:
        ran = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT, check=False
        )
    except FileNotFoundError:
        raise AmltuiError(
            "The Azure CLI is not installed",
            "There is no `az` on the PATH.",
            "Install it, or sign in another way: --auth interactive.",
            problem=Problem.SIGN_IN,
        ) from None
    except OSError as error:
        raise AmltuiError(
            "The Azure CLI does not start",
            str(error),
            "Repair it, or sign in another way: --auth interactive.",
            problem=Problem.SIGN_IN,
        ) from None
    except subprocess.TimeoutExpired:
        raise AmltuiError(
            "The Azure CLI does not answer",
            f"`az account get-access-token` took more than {LIMIT:g} s.",
            "Try it in a shell, or sign in another way: --auth interactive.",
            problem=Problem.TIMEOUT,
        ) from None
    if ran.returncode == 0:
        try:
            found = json.loads(ran.stdout)["accessToken"]
            claims(found)
            return str(found)
        except (ValueError, KeyError, TypeError):
            said = "It printed something else than a token."
    else:
        said = ran.stderr.decode("utf-8", "replace")
    raise _problem(said, subscription)


def _problem(said: str, subscription: str) -> AmltuiError:
    detail = mask(clean(said))[:4_000].strip()
    lines = [line for line in detail.splitlines() if line.strip()]
    error = next((line for line in lines if line.startswith("ERROR")), lines[0] if lines else "")
    happened = error.removeprefix("ERROR:").strip()[:300]
    code = re.search(r"AADSTS(\d+)", said)
    if code:
        return problems.of_sign_in(code[1], detail)
    if "doesn't exist" in said or "not found" in said.lower():
        return AmltuiError(
            "The Azure CLI does not see this subscription",
            f"az is logged in, but not where subscription {clean_line(subscription)[:40]} is.",
            "Run `az login --tenant TENANT_ID`, or check the subscription id.",
            problem=Problem.SIGN_IN,
            detail=detail,
        )
    if "az login" in said or "az account set" in said:
        return AmltuiError(
            "The Azure CLI is not logged in",
            "It has no valid sign-in to take a token from.",
            "Run `az login`, or sign in another way: --auth interactive.",
            problem=Problem.SIGN_IN,
            detail=detail,
        )
    network = re.search(r"(?i)connection|resolve|timed out|proxy|ssl", said)
    return AmltuiError(
        "The Azure CLI gives no token",
        happened,
        "Try `az account get-access-token` in a shell; it says more there.",
        problem=Problem.NETWORK if network else Problem.SIGN_IN,
        detail=detail,
    )
