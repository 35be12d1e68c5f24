# SPDX-License-Identifier: Apache-2.0
"""No attack: what the policy allows arrives. Otherwise every "blocked" below would mean nothing."""
from bypass import get

TITLE = "no attack: allowed http and https arrive"
LEGIT = True


def attack(c):
    with c.step("http") as token:
        c.send("ok.test", 80, get("ok.test", f"/{token}", "Connection: close"))
    with c.step("https") as token:
        with c.tls(c.dial("ok.test", 443), "ok.test") as s:
            c.talk(s, get("ok.test", f"/{token}"))
