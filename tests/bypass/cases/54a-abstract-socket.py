# SPDX-License-Identifier: Apache-2.0
"""A UNIX socket without a file belongs to the network namespace."""
import socket

import world

TITLE = "abstract UNIX socket of the host"
THREAT = "54"
FAMILIES = "4"


def attack(c):
    for kind in (socket.SOCK_STREAM, ):
        with c.step("connect") as token:
            with socket.socket(socket.AF_UNIX, kind) as s:
                s.settimeout(1)
                s.connect("\0" + world.ABSTRACT)
                s.sendall(token.encode())
