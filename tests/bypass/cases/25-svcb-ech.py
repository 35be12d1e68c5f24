# SPDX-License-Identifier: Apache-2.0
"""HTTPS records hand out the keys with which a client hides its server name."""
import dns
from bypass import get

TITLE = "HTTPS and SVCB records: ECH keys and other endpoints"
THREAT = "25"
OBSERVE = "the client tells the far side the ECH configuration that it was given"


def attack(c):
    for kind in (dns.HTTPS, dns.SVCB):
        with c.step(f"type {kind}") as token:
            answer = c.udp(c.resolver() or c.e, 53, dns.query("ok.test", kind))
            if b"ech-config" not in answer:
                raise OSError(f"an answer of {len(answer)} bytes without keys")
            c.send("ok.test", 80, get("ok.test", f"/{token}"))
