#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The list of threats against the tests: each of the 48 is tried, with a control, as root and as an ordinary user, by tests
that there are; and no attack of the battery is missing from the list."""
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
THREATS = 48


def names(path):
    """The tests of a file: name to whether the loop over root and user runs it."""
    found, loop = {}, False
    for line in open(path):
        if line.startswith("for AS in root user"):
            loop = True
        elif line.startswith("done"):
            loop = False
        for name in re.findall(r'\bok "((?:[^"\\]|\\.)*)"', line):
            found[name] = found.get(name, False) or loop
    return found


def read():
    threats = []
    for line in open(os.path.join(HERE, "threats")):
        line = line.rstrip("\n")
        if line.startswith("\t"):
            threats[-1][2].append(line[1:].split("\t", 1))
        elif line and not line.startswith("#"):
            threats.append((*line.split(" ", 1), []))
    return threats


def judge(title, where, attacks):
    """What is wrong with one threat's lines."""
    control = both = False
    for kind, what in where:
        if kind in ("gap", "control", "root"):
            control |= kind == "control"
            both |= kind == "root"
            continue
        if kind == "battery":
            for i in what.split():
                if i not in attacks:
                    yield f"the battery has no attack {i}"
                attacks.pop(i, None)
            control = both = True
            continue
        tests, name = names(os.path.join(HERE, kind)), what.removeprefix("* ")
        if name not in tests:
            yield f'{kind} has no test "{name}"'
        elif name.strip().startswith("control"):
            control = True
        else:
            both |= tests[name] or what.startswith("* ")
    if not control:
        yield "no control"
    if not both:
        yield "not as an ordinary user"


def main():
    listed = subprocess.run([os.path.join(HERE, "battery"), "--list"], capture_output=True, text=True, check=True).stdout
    attacks = dict(line.split("\t") for line in listed.splitlines())
    by_number = {int(re.match(r"\d+", i)[0]) for i in attacks}
    threats, n, failed = read(), 0, False
    for number, title, where in threats:
        n += 1
        wrong = list(judge(title, where, attacks))
        wrong += [] if int(number) == n else ["numbers are not in order"]
        wrong += [] if n not in by_number or any(k == "battery" for k, _ in where) else ["its attacks in the battery are missing"]
        print(f"{'not ok' if wrong else 'ok'} {n} - {number} {title}")
        for w in wrong:
            print(f"#   {w}")
        failed |= bool(wrong)
    n += 1
    whole = len(threats) == THREATS and not attacks
    print(f"{'ok' if whole else 'not ok'} {n} - all {THREATS}, and every attack of the battery {sorted(attacks) or ''}")
    print(f"1..{n}")
    return 1 if failed or not whole else 0


sys.exit(main())
