# SPDX-License-Identifier: Apache-2.0
"""The allowed host, ports that no rule names."""
TITLE = "the allowed host on ports that no rule names"
THREAT = "beyond 7"


def attack(c):
    for port in (22, 25, 53, 853, 3128, 8080, 8443, 65535):
        with c.step(f"tcp {port}") as token:
            c.send("ok.test", port, token.encode() + b"\r\n")
