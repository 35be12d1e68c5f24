# SPDX-License-Identifier: Apache-2.0
"""A ClientHello in a form, or behind records, that is not how TLS begins, but that some server takes all the same."""
import struct

import tls

TITLE = "TLS for another name behind what servers skip, odd port"
THREAT = "beyond 69"
ALLOW = ["ok.test:8443"]


def attack(c):
    def hello(token):
        return tls.client_hello(f"sib-{token}.test")

    for what, first in (("an empty record (OpenSSL)", b"\x14\3\1\0\0"), ("change_cipher_spec (GnuTLS)", b"\x14\3\1\0\1\1"),
                        ("a warning (Go)", b"\x15\3\1\0\2\1\x5a"), ("half a warning", b"\x15\3\1\0\1\1\x15\3\1\0\1\x5a")):
        with c.step(f"behind {what}") as token:
            c.send("ok.test", 8443, first + hello(token))
    for major in (0, 2, 15):
        with c.step(f"in a record of version {major}.1 (Go)") as token:
            c.send("ok.test", 8443, struct.pack("!BB", 22, major) + hello(token)[2:])
    with c.step("as SSL 2 has it, without a name (GnuTLS, Java)") as token:
        c.send("ok.test", 8443, tls.hello_v2(token))
    with c.step("likewise, of version 4.0 (GnuTLS)") as token:
        hello2 = tls.hello_v2(token)
        c.send("ok.test", 8443, hello2[:3] + b"\4\0" + hello2[5:])
