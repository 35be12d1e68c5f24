# SPDX-License-Identifier: Apache-2.0
"""ClientHellos that two parsers read differently."""
import tls

TITLE = "two server names, duplicate extensions, names with odd bytes"
THREAT = "beyond 28"


def attack(c):
    def both(first, second, token):
        return tls.names(first.format(token).encode(), second.format(token).encode())

    shapes = {
        "two names in one list": lambda t: tls.client_hello(sni=both("ok.test", "sib-{}.test", t)),
        "two names, allowed last": lambda t: tls.client_hello(sni=both("sib-{}.test", "ok.test", t)),
        "two extensions": lambda t: tls.client_hello("ok.test", after=[tls.names(f"sib-{t}.test".encode())]),
        "two extensions, allowed last": lambda t: tls.client_hello(f"sib-{t}.test", after=[tls.names(b"ok.test")]),
        "another type first": lambda t: tls.client_hello(sni=tls.names((7, b"ok.test"), f"sib-{t}.test".encode())),
        "a suffix": lambda t: tls.client_hello(f"ok.test.sib-{t}.test"),
        "a blank at the end": lambda t: tls.client_hello("ok.test ", random=t),
        "a port": lambda t: tls.client_hello("ok.test:443", random=t),
        "two final dots": lambda t: tls.client_hello("ok.test..", random=t),
        "UTF-8": lambda t: tls.client_hello("\u043ek.test".encode("utf-8"), random=t),
        "255 bytes": lambda t: tls.client_hello("a." * 124 + "ok.test", random=t),
        "extensions longer than they are": lambda t: tls.client_hello("ok.test", random=t).replace(b"\0\x0a\0\6", b"\0\x0a\xff\6", 1),
        "bytes behind the extensions": lambda t: tls.records(
            (lambda m: b"\1" + tls.vector(3, m[4:] + t.encode()))(tls.hello("ok.test"))),
        "a record version of 0": lambda t: tls.records(tls.hello(f"sib-{t}.test"), version=b"\0\0"),
        "another handshake message first": lambda t: tls.records(b"\0\0\0\0" + tls.hello(f"sib-{t}.test")),
        "a hello of TLS 1.0 without extensions": lambda t: tls.records(
            b"\1" + tls.vector(3, b"\3\1" + t.encode().ljust(32, b"Z") + b"\0" + b"\0\2\0\x2f" + b"\1\0")),
    }
    for name, shape in shapes.items():
        with c.step(name) as token:
            c.send("ok.test", 443, shape(token))
