# SPDX-License-Identifier: Apache-2.0
"""Control characters, blanks, percent signs and backslashes in a host."""
import dns
from bypass import get

TITLE = "CR, LF, TAB, blank, percent, backslash in a host"
THREAT = "2"
ODD = ["sib-{}.test%00.ok.test", "ok.test%2esib-{}.test", "ok.test\t.sib-{}.test", "ok.test sib-{}.test",
       "ok.test\\.sib-{}.test", "ok.test/.sib-{}.test", "ok.test,sib-{}.test", "ok.test;sib-{}.test",
       "sib-{}.test:80#ok.test", "ok.test\x0bsib-{}.test", "[sib-{}.test]", "ok.test:80:sib-{}.test",
       "ok.test:0x50{}", "ok.test\x7f{}"]


def attack(c):
    for odd in ODD:
        with c.step(repr(odd)) as token:
            name = odd.format(token)
            if c.proxy:
                with c.proxy.connect_http(name.encode("latin1") + b":80") as s:
                    c.talk(s, get(name, f"/{token}"))
            else:
                c.send("ok.test", 80, get(name, "/"))
    with c.step("a header smuggled in a host") as token:
        name = f"ok.test\rHost: sib-{token}.test"
        if c.proxy:
            with c.proxy.connect_http(f"ok.test:80\rHost: sib-{token}.test:80".encode()) as s:
                c.talk(s, get("x", f"/{token}"))
        else:
            c.send("ok.test", 80, get(name, "/"))
    if c.proxy:
        return
    for odd in (b"%00", b" ", b"\n", b"\\", b"*", b"\xff"):
        with c.step(f"DNS label with {odd!r}") as token:
            c.udp(c.resolver() or c.e, 53, dns.query([token.encode() + odd, b"ok", b"test"]))
