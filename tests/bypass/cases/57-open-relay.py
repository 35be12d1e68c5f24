# SPDX-License-Identifier: Apache-2.0
"""Somebody else on the host uses the gateway as his proxy."""
import json
import os
import re
import socket
import subprocess
import sys
import time

TITLE = "the gateway as an open relay for other users of the host"
THREAT = "57"
CONTROL = False
FAMILIES = "4"
OBSERVE = "a process outside the sandbox, of another user, gets a request out through a socket of the gateway"


def attack(c):
    """In the sandbox: stay alive, so that the gateway is up."""
    time.sleep(3)


def outside(box):
    before = listening()
    p = box.spawn()
    time.sleep(1.5)
    token = f"{box.token}4000z"
    for port in sorted(listening() - before):
        for text in (f"CONNECT ok.test:80 HTTP/1.1\r\nHost: ok.test:80\r\n\r\nGET /{token} HTTP/1.1\r\nHost: ok.test\r\n\r\n",
                     f"GET http://ok.test/{token} HTTP/1.1\r\nHost: ok.test\r\n\r\n"):
            try:
                with socket.create_connection(("127.0.0.1", port), 1) as s:
                    s.settimeout(0.5)
                    s.sendall(text.encode())
                    s.recv(1000)
            except OSError:
                pass
    box.expect("every new listening port of the host", token)
    box.wait(p)


def listening():
    out = subprocess.run(["ss", "-Hltn"], capture_output=True, text=True).stdout
    return {int(m.group(1)) for m in re.finditer(r"\S+:(\d+)\s+\S+:\*", out)}


EXCLUSIVE = True
