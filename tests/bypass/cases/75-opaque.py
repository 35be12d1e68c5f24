# SPDX-License-Identifier: Apache-2.0
"""A rule that lets names be hidden lets nothing else be hidden."""
import tls

TITLE = "`tls: opaque`: what is not TLS at all"
THREAT = "beyond 28"
ALLOW = []
POLICY = "version: 1\negress:\n  - {allow: ok.test, tls: opaque}\n"
NEEDS = ["budget"]


def attack(c):
    shapes = {
        "http": lambda t: f"GET /{t} HTTP/1.1\r\nHost: ok.test\r\n\r\n".encode(),
        "ssh": lambda t: f"SSH-2.0-x {t}\r\n".encode(),
        "SSLv2": tls.hello_v2,
        "a record that is no hello": lambda t: tls.records(b"\2" + tls.vector(3, t.encode().ljust(60))),
    }
    for name, shape in shapes.items():
        with c.step(name) as token:
            c.send("ok.test", 443, shape(token))
    with c.step("to a denied address") as token:
        c.send_address(c.e, 443, tls.client_hello(random=token))
