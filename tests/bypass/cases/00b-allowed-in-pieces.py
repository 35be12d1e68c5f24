# SPDX-License-Identifier: Apache-2.0
"""No attack: an honest ClientHello in pieces, and a large one, are still honest."""
import tls

TITLE = "no attack: an allowed name in a cut or large ClientHello arrives"
LEGIT = True


def attack(c):
    with c.step("three records") as token:
        m = tls.hello("ok.test", random=token)
        c.send("ok.test", 443, tls.records(m, 20, 60))
    with c.step("two segments") as token:
        m = tls.client_hello("ok.test", random=token)
        with c.dial("ok.test", 443) as s:
            s.sendall(m[:70])
            c.hear(s, 0.1)
            c.talk(s, m[70:])
    with c.step("post-quantum key share") as token:
        c.send("ok.test", 443, tls.client_hello("ok.test", random=token, share=tls.key_share(tls.KEX_MLKEM, 1216)))
    with c.step("upper case") as token:
        c.send("ok.test", 443, tls.client_hello("OK.Test", random=token))
