# SPDX-License-Identifier: Apache-2.0
"""No attack: an honest ClientHello in pieces, and a large one, are still honest."""
import tls
from bypass import get

TITLE = "no attack: an allowed name in a cut or large ClientHello arrives"
LEGIT = True


def attack(c):
    shapes = {
        "three records": lambda m: [tls.records(m[5:], 20, 60)],
        "two segments": lambda m: [m[:70], m[70:]],
        "a segment of one byte": lambda m: [m[:1], m[1:]],
        "ten records, ten segments": lambda m: [tls.records(m[i:i + 40]) for i in range(5, len(m), 40)],
    }
    for name, reshape in shapes.items():
        with c.step(name) as token:
            with c.dial("ok.test", 443) as s:
                c.tls_reshaped(s, "ok.test", reshape, get("ok.test", f"/{token}", "Connection: close"))
    if c.proxy:
        return      # the rest is no whole client, and a proxy may be the server
    with c.step("post-quantum key share") as token:
        c.send("ok.test", 443, tls.client_hello("ok.test", random=token, share=tls.key_share(tls.KEX_MLKEM, 1216)))
    with c.step("upper case") as token:
        c.send("ok.test", 443, tls.client_hello("OK.Test", random=token))
