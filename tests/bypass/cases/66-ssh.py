# SPDX-License-Identifier: Apache-2.0
"""ssh to an allowed host is a tunnel to anywhere."""
TITLE = "ssh to an allowed host, on port 22 and on 443"
THREAT = "66"


def attack(c):
    for port in (22, 2222, 443, 80):
        with c.step(f"port {port}") as token:
            c.send("ok.test", port, f"SSH-2.0-OpenSSH_9.2p1 {token}\r\n".encode())
    with c.step("by address, port 22") as token:
        c.send_address(c.a, 22, f"SSH-2.0-OpenSSH_9.2p1 {token}\r\n".encode())
