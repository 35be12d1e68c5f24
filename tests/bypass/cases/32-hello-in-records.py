# SPDX-License-Identifier: Apache-2.0
"""A ClientHello over several TLS records; many parsers read one."""
import tls

TITLE = "ClientHello cut over TLS records"
THREAT = "32"


def attack(c):
    with c.step("in the name") as token:
        m = tls.hello(f"sib-{token}.test")
        at = m.index(b"sib-")
        c.send("ok.test", 443, tls.records(m, at + 2, at + 10))
    with c.step("one byte each") as token:
        m = tls.hello(f"sib-{token}.test")
        c.send("ok.test", 443, tls.records(m, *range(1, len(m))))
    with c.step("header alone") as token:
        m = tls.hello(f"sib-{token}.test")
        c.send("ok.test", 443, tls.records(m, 1, 4))
    with c.step("an empty record first") as token:
        m = tls.hello(f"sib-{token}.test")
        c.send("ok.test", 443, b"\x16\3\1\0\0" + tls.records(m))
    with c.step("a change-cipher-spec first") as token:
        m = tls.hello(f"sib-{token}.test")
        c.send("ok.test", 443, b"\x14\3\1\0\1\1" + tls.records(m))
    with c.step("an alert first") as token:
        m = tls.hello(f"sib-{token}.test")
        c.send("ok.test", 443, b"\x15\3\1\0\2\1\0" + tls.records(m))
