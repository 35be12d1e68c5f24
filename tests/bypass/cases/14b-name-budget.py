# SPDX-License-Identifier: Apache-2.0
"""A bound on how many names a program may ask for in its life."""
import socket

TITLE = "labels below an allowed wildcard, with a budget of five names"
THREAT = "14"
ALLOW = ["*.ok.test"]
POLICY = "version: 1\nlimits: {names: 5}\n"
NEEDS = ["budget"]
FAMILIES = "4"


def attack(c):
    for i in range(5):
        socket.getaddrinfo(f"n{i}.ok.test", 80, socket.AF_INET)
    for i in range(5):
        with c.step(f"name {i + 6}") as token:
            socket.getaddrinfo(f"{token}.ok.test", 80, socket.AF_INET)
