# SPDX-License-Identifier: Apache-2.0
"""A UNIX socket in the file system, as that of a container engine."""
import os
import socket

TITLE = "UNIX socket file of the host (docker.sock, D-Bus, ssh agent)"
THREAT = "54"
FAMILIES = "4"
NEEDS = ["jail"]


def attack(c):
    with c.step("connect") as token:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
            s.settimeout(1)
            s.connect(os.environ["BYPASS_T"] + "/host.sock")
            s.sendall(token.encode())
