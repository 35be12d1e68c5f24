# SPDX-License-Identifier: Apache-2.0
"""A name that is allowed and whose owner changes its address between check and use."""
from bypass import get

TITLE = "rebinding: an allowed name turns to a private network"
THREAT = "19"
ALLOW = ["ok.test", "rb-{token}.test"]
OBSERVE = "a connection for the name arrives at a private address"


def attack(c):
    with c.step("looked up and dialled again and again") as token:
        name = f"rb-{c.base}.test"
        for _ in range(12):
            try:
                c.send(name, 80, get(name, f"/{token}", "Connection: close"))
            except OSError:
                pass


def seen(record, token, info):
    return token in record["tokens"] and \
        record["dst"] in ("10.9.9.9", "fd00:9::9")
