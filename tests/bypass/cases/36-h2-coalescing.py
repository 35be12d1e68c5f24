# SPDX-License-Identifier: Apache-2.0
"""One HTTP/2 connection for two hosts, inside of TLS."""
import h2

TITLE = "HTTP/2: a second stream for another authority"
THREAT = "36"
RESIDUAL = "the streams are inside TLS, as in 29; a server that is not meant to serve the name answers 421"


def attack(c):
    with c.step("second stream") as token:
        with c.tls(c.dial("ok.test", 443), "ok.test", ["h2"]) as s:
            s.sendall(h2.PREFACE + h2.headers(1, "ok.test", "/", "https"))
            c.talk(s, h2.headers(3, f"sib-{token}.test", f"/{token}", "https"))
            c.hear(s, 0.2)
