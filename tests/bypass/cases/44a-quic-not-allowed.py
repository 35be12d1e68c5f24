# SPDX-License-Identifier: Apache-2.0
"""HTTP/3 where only tcp is allowed."""
import quic
import tls

TITLE = "QUIC where the rule says tcp"
THREAT = "44"


def attack(c):
    for name, address in (("denied", c.e), ("allowed", c.a)):
        with c.step(f"{name} address") as token:
            if not c.proxy and name == "allowed":
                c.lookup("ok.test")
            hello = tls.hello("ok.test", after=[tls.extension(57, b"\x0f\0")])
            c.udp(address, 443, quic.initial(token.encode(), [quic.crypto(0, hello)]))
