# SPDX-License-Identifier: Apache-2.0
"""An encrypted inner ClientHello; the outer one is all that can be read."""
import tls

TITLE = "encrypted ClientHello (ECH), real and GREASE"
THREAT = "30"


def attack(c):
    with c.step("ECH") as token:
        c.send("ok.test", 443, tls.client_hello("ok.test", after=[tls.ech(token.encode() * 12)]))
    with c.step("ECH first") as token:
        c.send("ok.test", 443, tls.client_hello("ok.test", before=[tls.ech(token.encode() * 12)]))
    with c.step("older draft's number") as token:
        c.send("ok.test", 443, tls.client_hello("ok.test", random=token, after=[tls.extension(0xffce, b"\0" * 64)]))
