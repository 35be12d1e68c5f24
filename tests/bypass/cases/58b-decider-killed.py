# SPDX-License-Identifier: Apache-2.0
"""The process that decides is killed."""
import importlib.util
import os
import time

_spec = importlib.util.spec_from_file_location("gateway_killed", os.path.join(os.path.dirname(__file__), "58a-gateway-killed.py"))
_other = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_other)

TITLE = "kill -9 of the process that decides, and of the supervisor"
THREAT = "58"
NEEDS = ["decider"]
FAMILIES = "4"
attack = _other.attack


def outside(box):
    for victim in ("sluice-egress", "sluice-netd"):
        p = box.spawn()
        time.sleep(1.2)
        killed = box.verb("crash", BYPASS_CRASH=victim)
        box.wait(p)
        box.finished = killed       # that the program died with its gateway is no error
        if not killed:
            return
    if not box.steps:
        box.expect("denied host, before, during and after", f"{box.token}4000z")
