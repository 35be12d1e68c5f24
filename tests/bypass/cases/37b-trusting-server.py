# SPDX-License-Identifier: Apache-2.0
"""Well-formed requests that a faulty or trusting server reads otherwise."""
from bypass import get

TITLE = "well-formed requests that a faulty server misreads: CL.0, X-Forwarded-Host"
THREAT = "37"
RESIDUAL = ("the request is sound and for the allowed name; only a server that ignores Content-Length, or takes the name from "
            "X-Forwarded-Host, is led elsewhere")


def attack(c):
    with c.step("a body that looks like a request") as token:
        inner = get(f"sib-{token}.test", "/")
        c.send("ok.test", 80, f"POST / HTTP/1.1\r\nHost: ok.test\r\nContent-Length: {len(inner)}\r\n\r\n".encode() + inner)
    with c.step("Expect: 100-continue") as token:
        inner = get(f"sib-{token}.test", "/")
        c.send("ok.test", 80, f"POST / HTTP/1.1\r\nHost: ok.test\r\nExpect: 100-continue\r\nContent-Length: {len(inner)}\r\n\r\n"
               .encode() + inner)
    with c.step("X-Forwarded-Host") as token:
        c.send("ok.test", 80, get("ok.test", "/", f"X-Forwarded-Host: sib-{token}.test"))
