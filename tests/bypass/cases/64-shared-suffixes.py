# SPDX-License-Identifier: Apache-2.0
"""Rules so wide that strangers live below them."""
import os
import subprocess

from bypass import get

TITLE = "a wildcard over a provider's customers: policy check warns"
THREAT = "64"
NEEDS = ["lint"]
CONTROL = False
FAMILIES = "4"
OBSERVE = "the policy checker says nothing of a rule that lets any customer of a provider in"
WIDE = ["*.s3.amazonaws.com", "*.blob.core.windows.net", "*.googleapis.com", "*.github.io", "*.herokuapp.com", "*.com",
        "gist.github.com", "storage.googleapis.com"]


def outside(box):
    """Judged here, not at the sinkhole: whom nothing warns of is let out to tell."""
    path = os.path.join(os.environ["BYPASS_T"], f"wide.{box.slot}.yaml")
    for n, rule in enumerate(WIDE):
        with open(path, "w") as f:
            f.write(f'version: 1\negress:\n  - allow: "{rule}"\n')
        r = subprocess.run([box.adapter.path, "lint", path], capture_output=True, text=True)
        token = f"{box.token}4{n:03x}z"
        box.expect(rule, token)
        if r.returncode == 0 or rule not in r.stderr:
            box.info.setdefault("silent", []).append(token)
    box.status = 0


def seen(record, token, info):
    return token in info.get("silent", ())
