# SPDX-License-Identifier: Apache-2.0
"""Names that begin or end like an allowed one."""
from bypass import get

TITLE = "names that only look as if they ended in an allowed one"
THREAT = "3"


def attack(c):
    for shape in ("evilok.test", "ok.test.evil.test", "ok.test-evil.test", "xok.test", "ok.testing.test", "ok.tes", "k.test"):
        with c.step(shape) as token:
            c.send(shape, 80, get(shape, f"/{token}"))
