# SPDX-License-Identifier: Apache-2.0
"""A policy is replaced again and again while the program tries a host that none of them allows."""
import importlib.util
import os
import time

_spec = importlib.util.spec_from_file_location("gateway_killed", os.path.join(os.path.dirname(__file__), "58a-gateway-killed.py"))
_other = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_other)

TITLE = "a denied host while the policy is replaced twenty times"
THREAT = "58"
NEEDS = ["reload"]
FAMILIES = "4"
attack = _other.attack


def outside(box):
    p = box.spawn()
    time.sleep(1)
    worked = True
    for i in range(20):
        worked = box.verb("reload", allow=[["ok.test"], ["ip-c0000207-other.test"], [], ["*.ok.test", "ok.test:8443"]][i % 4]) and worked
    box.wait(p)
    box.finished = box.finished and worked
