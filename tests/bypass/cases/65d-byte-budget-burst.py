# SPDX-License-Identifier: Apache-2.0
"""A bound on how much leaves, against all at once."""
import importlib.util
import os

_spec = importlib.util.spec_from_file_location("one_flow", os.path.join(os.path.dirname(__file__), "65c-byte-budget-one-flow.py"))
_other = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_other)

TITLE = "more bytes than the budget allows: one burst"
THREAT = "65"
POLICY = _other.POLICY
NEEDS = ["budget"]
FAMILIES = "4"
KNOWN = "the budget is looked at a few times a second; what a burst brings in between has left"


def attack(c):
    with c.step("behind two megabytes at once") as token:
        _other.upload(c, token, 0)
