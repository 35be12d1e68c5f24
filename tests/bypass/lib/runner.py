# SPDX-License-Identifier: Apache-2.0
"""Runs every case against every adapter and judges by the sinkhole's record alone.

An attack counts as blocked only when the attacking program ran to its end and none of its tokens arrived,
while the control, without a gateway, made each of them arrive.
"""
import argparse
import concurrent.futures
import fnmatch
import glob
import importlib.util
import json
import os
import queue
import secrets
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import world

DIR = os.path.dirname(HERE)
SCRATCH = os.environ["BYPASS_T"]
CANNOT_SAY = 77             # an adapter's status for a policy that its gateway cannot express
TIMEOUT_S = 60


class Case:
    """One file below cases/. Its constants, with what they mean when they are missing."""

    DEFAULTS = {
        "THREAT": "", "FAMILIES": "46", "ALLOW": ["ok.test"], "DENY": [], "POLICY": "", "NEEDS": [],
        "RESIDUAL": "",         # why no gateway of this kind can close it: arrivals are told, not failed
        "KNOWN": "",            # a gap of this project's gateway that is known and open
        "NA": "",               # why there is nothing to try
        "LEGIT": False,         # allowed traffic in an odd shape: it must arrive
        "MAY_REFUSE": False,    # a gateway that does not even start has blocked it
        "EXCLUSIVE": False,     # runs alone
        "CONTROL": True,        # False: there is no "without a gateway" of this
        "OBSERVE": "the step's token arrives outside, in whatever stream, datagram or frame",
    }

    def __init__(self, path):
        spec = importlib.util.spec_from_file_location("case_" + os.path.basename(path)[:-3].replace("-", "_"), path)
        self.module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.module)
        self.path, self.id = path, os.path.basename(path).split("-")[0]
        self.slug = os.path.basename(path)[:-3]
        self.title = self.module.TITLE
        for name, default in self.DEFAULTS.items():
            setattr(self, name.lower(), getattr(self.module, name, default))
        self.seen = getattr(self.module, "seen", lambda record, token, info: token in record["tokens"])
        self.outside = getattr(self.module, "outside", lambda box: box.run())


class Adapter:
    def __init__(self, name):
        self.file, self.path = name, os.path.join(DIR, "adapters", name + ".sh")
        self.name, self.version = self.ask("name"), self.ask("version").split("\n")[0]
        self.features = set(self.ask("features").split())

    def ask(self, verb):
        return subprocess.run([self.path, verb], capture_output=True, text=True, check=True).stdout.strip()


class Box:
    """One case in one adapter, as outside() sees it."""

    def __init__(self, case, adapter, slot):
        self.case, self.adapter, self.slot = case, adapter, slot
        self.token = "tk" + secrets.token_hex(5)
        self.steps, self.info, self.errors = [], {}, []
        self.status, self.finished = None, True

    def fill(self, texts):
        return " ".join(t.replace("{token}", self.token) for t in texts)

    def env(self, allow=None, deny=None, **more):
        env = dict(os.environ, BYPASS_SLOT=str(self.slot), BYPASS_ADAPTER=self.adapter.file, BYPASS_TOKEN=self.token,
                   BYPASS_ALLOW=self.fill(self.case.allow if allow is None else allow),
                   BYPASS_DENY=self.fill(self.case.deny if deny is None else deny),
                   BYPASS_FAMILIES=self.case.families)
        if self.case.policy:
            env["BYPASS_POLICY"] = os.path.join(SCRATCH, f"policy.{self.slot}.yaml")
            with open(env["BYPASS_POLICY"], "w") as f:
                f.write(self.fill([self.case.policy]))
        env.update({k: str(v) for k, v in more.items()})
        return env

    def spawn(self, entry="attack", slot=None, **more):
        env = self.env(**more)
        if slot is not None:
            env["BYPASS_SLOT"] = str(slot)
        return subprocess.Popen(
            [self.adapter.path, "run", "python3", os.path.join(DIR, "lib", "bypass.py"), self.case.path, entry],
            env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def wait(self, p):
        """Takes what a spawned program told."""
        try:
            out, err = p.communicate(timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired:
            p.terminate()
            out, err = p.communicate()
            err += b"\nended: took too long"
        done = False
        for line in out.decode("utf-8", "replace").splitlines():
            at = line.find("@@{")
            if at < 0:
                continue
            said = json.loads(line[at + 2:])
            done = done or said.pop("done", False)
            if "step" in said:
                self.steps.append(said)
            else:
                self.info.update(said)
        self.status = p.returncode
        self.errors += [x for x in err.decode("utf-8", "replace").splitlines() if x]
        if not done:
            self.finished = False
        return done

    def run(self, entry="attack", **more):
        return self.wait(self.spawn(entry, **more))

    def verb(self, verb, **more):
        p = subprocess.run([self.adapter.path, verb], env=self.env(**more), capture_output=True, text=True)
        if p.returncode != 0:
            self.errors += p.stderr.splitlines()
        return p.returncode == 0

    def mark(self, name):
        self.info[name] = time.time()

    def wait_for_record(self, seconds=15):
        """Until the sinkhole has seen a token of this attempt: the attack is under way."""
        end = time.time() + seconds
        while time.time() < end:
            with open(os.path.join(SCRATCH, "record")) as f:
                if self.token in f.read():
                    return
            time.sleep(0.1)

    def expect(self, step, token):
        """A step that outside() itself performs."""
        self.steps.append({"step": step, "token": token, "out": "", "skipped": False})


def attempt(case, adapter, slots):
    missing = set(case.needs) - adapter.features
    result = {"case": case.slug, "adapter": adapter.file}
    if case.na:
        return dict(result, verdict="n/a", why=case.na)
    if adapter.file == "none" and not case.control:
        return dict(result, verdict="n/a", why="no control: there is nothing to attack without a gateway")
    if missing:
        return dict(result, verdict="n/a", why="the adapter has no " + ", ".join(sorted(missing)))
    slot = slots.get()
    box = Box(case, adapter, slot)
    began = time.time()
    try:
        case.outside(box)
    except Exception as e:      # one broken case must not hide the others; it fails
        box.finished = False
        box.errors.append(f"{type(e).__name__}: {e}")
    finally:
        slots.put(slot)
    return dict(result, box=box, seconds=round(time.time() - began, 2))


def judge(case, result, records, control):
    """Adds the verdict. Every record that any step of this attempt may have left is looked at."""
    box = result.pop("box", None)
    if box is None:
        return result
    steps = []
    for s in box.steps:
        if s["skipped"]:
            steps.append(dict(s, arrived=None))
            continue
        arrived = [r for r in records if case.seen(r, s["token"], box.info)]
        steps.append(dict(s, arrived=bool(arrived),
                          where=sorted({f"{r['kind']} {r['dst']}:{r['port']}" for r in arrived})[:4]))
    result["steps"] = steps
    tried = [s for s in steps if s["arrived"] is not None]
    through = [s for s in tried if s["arrived"]]
    is_control = result["adapter"] == "none"
    why = "; ".join(box.errors[:4])
    if box.status == CANNOT_SAY:
        result.update(verdict="n/a", why=box.errors[-1] if box.errors else "")
    elif through and not is_control and not case.legit:
        result["verdict"] = "residual" if case.residual else "BYPASSED"
    elif not box.finished and not (case.may_refuse and not is_control):
        result.update(verdict="error", why=f"the attack did not run to its end: {why}")
    elif control and not box.adapter.features & {"proxy"} and len(steps) < len(control) and not case.may_refuse:
        result.update(verdict="error", why=f"{len(steps)} steps were tried, of {len(control)}: {why}")
    elif case.legit:
        result.update(verdict="passes" if tried and len(through) == len(tried) else "refused")
    elif is_control:
        result["verdict"] = "works" if tried and len(through) == len(tried) else \
            "n/a" if steps and not tried else "broken"
    else:
        result["verdict"] = "blocked" if tried or case.may_refuse else "n/a"
    if is_control and case.legit:
        result["verdict"] = "works" if result["verdict"] == "passes" else "broken"
    if result["verdict"] == "n/a" and "why" not in result:
        result["why"] = "; ".join(sorted({s["out"] for s in steps if s["skipped"]}))
    if result["verdict"] in ("broken", "refused"):
        result["why"] = "; ".join(f"{s['step']}: {s['out']}" for s in tried if not s["arrived"]) or why or "no step"
    elif through:
        result["why"] = ", ".join(s["step"] for s in through)
    return result


def judge_all(cases, adapters, results):
    with open(os.path.join(SCRATCH, "record")) as f:
        records = [json.loads(line) for line in f]
    for c in cases:
        for a in adapters:
            r = results[c.slug, a.file]
            if a.file == "none":
                control = r["box"].steps if "box" in r else r.get("steps", [])
            if "box" in r or "verdict" not in r:
                judge(c, r, records, control)
            if a.file != "none" and control and all(s["skipped"] for s in control) and r["verdict"] != "BYPASSED":
                r.update(verdict="n/a", why="this machine cannot try it")


def summary(verdict, why):
    return verdict + (f": {why}" if why else "")


def is_failure(case, result):
    """What fails the run: a broken control, and for the gateway of this project what it must hold."""
    if result["adapter"] == "none":
        return result["verdict"] in ("broken", "error")
    return result["verdict"] in ("BYPASSED", "error", "refused")


def table(cases, adapters, results):
    width = max(len(c.title) for c in cases)
    width = min(width, 64)
    head = f"{'case':5} {'attack':{width}} " + " ".join(f"{a.file:14}" for a in adapters)
    lines = [head, "-" * len(head)]
    for c in cases:
        row = [results[c.slug, a.file]["verdict"] for a in adapters]
        lines.append(f"{c.id:5} {c.title[:width]:{width}} " + " ".join(f"{v:14}" for v in row))
    return "\n".join(lines)


def markdown(cases, adapters, results):
    lines = ["| case | attack | " + " | ".join(a.name for a in adapters) + " |",
             "| --- | --- |" + " --- |" * len(adapters)]
    notes = []
    for c in cases:
        cells = []
        for a in adapters:
            v = results[c.slug, a.file]["verdict"]
            cells.append(f"**{v}**" if v == "BYPASSED" else v)
        title = c.title.replace("|", "\\|")
        if c.known:
            notes.append(f"- {c.id}: known and open: {c.known}.")
        if c.residual:
            notes.append(f"- {c.id}: {c.residual}")
        lines.append(f"| {c.id} | {title} | " + " | ".join(cells) + " |")
    counts = []
    for a in adapters[1:]:
        v = [results[c.slug, a.file]["verdict"] for c in cases if not c.legit]
        counts.append(f"{a.name}: {v.count('blocked')} blocked, {v.count('BYPASSED')} bypassed, "
                      f"{v.count('residual')} residual, {v.count('n/a')} n/a")
    return "\n".join(lines + ["", "; ".join(counts) + ".", ""] +
                     (["Residual, and why:", ""] + notes if notes else [])) + "\n"


def tap(cases, adapters, results, out):
    n = failed = 0
    for c in cases:
        for a in adapters:
            if a.file != "none" and not a.file.startswith("sluice"):
                continue
            r = results[c.slug, a.file]
            if r["verdict"] == "n/a":
                print(f"# {c.id} {c.title}: {a.file}: n/a: {r.get('why', '')}", file=out)
                continue
            n += 1
            bad = is_failure(c, r)
            known = bad and c.known and r["verdict"] == "BYPASSED"
            failed += bad and not known
            print(f"{'not ' if bad else ''}ok {n} - {c.id} {c.title}: {a.file}: {r['verdict']}"
                  f"{' # TODO ' + c.known if known else ''}", file=out)
            if bad:
                print(f"#   {r.get('why', '')}", file=out)
    print(f"1..{n}", file=out)
    return failed


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--adapter", action="append", default=[])
    p.add_argument("--case", action="append", default=[])
    p.add_argument("--json")
    p.add_argument("--markdown")
    p.add_argument("--tap", action="store_true")
    p.add_argument("--verbose", action="store_true")
    p.add_argument("--jobs", type=int, default=6)
    o = p.parse_args()
    cases = [Case(f) for f in sorted(glob.glob(os.path.join(DIR, "cases", "*.py")))]
    if o.case:
        cases = [c for c in cases if any(fnmatch.fnmatch(c.slug, g) or fnmatch.fnmatch(c.id, g) for g in o.case)]
    adapters = [Adapter(a) for a in ["none"] + os.environ["BYPASS_ADAPTERS"].split()]
    slots = queue.Queue()
    for i in range(o.jobs):
        slots.put(2 * i)
    results = {}
    with concurrent.futures.ThreadPoolExecutor(o.jobs) as pool:
        futures = {pool.submit(attempt, c, a, slots): (c, a) for c in cases for a in adapters if not c.exclusive}
        for f in concurrent.futures.as_completed(futures):
            c, a = futures[f]
            results[c.slug, a.file] = f.result()
    for c in cases:
        for a in adapters:
            if c.exclusive:
                results[c.slug, a.file] = attempt(c, a, slots)
    time.sleep(1)       # what is still on its way to the record
    judge_all(cases, adapters, results)
    # A machine under load can spoil an attempt. What arrived stays arrived; what could not be tried is tried again.
    again = [(c, a) for c in cases for a in adapters if results[c.slug, a.file]["verdict"] in ("broken", "error", "refused")]
    for c, a in again:
        results[c.slug, a.file] = attempt(c, a, slots)
    if again:
        time.sleep(1)
        judge_all([c for c in cases if any(c is x for x, _ in again)], adapters, results)
    if o.tap:
        failed = tap(cases, adapters, results, sys.stdout)
    else:
        print(table(cases, adapters, results))
        failed = 0
        for c in cases:
            for a in adapters:
                r = results[c.slug, a.file]
                ours = a.file == "none" or a.file.startswith("sluice")
                failed += ours and is_failure(c, r) and not (c.known and r["verdict"] == "BYPASSED")
                if o.verbose or ours and is_failure(c, r):
                    print(f"\n{c.slug}, {a.file}: {summary(r['verdict'], r.get('why', ''))}")
                    for s in r.get("steps", []):
                        print(f"    {s['step']}: {s['out']}"
                              f"{' -> ' + ', '.join(s.get('where', [])) if s['arrived'] else ''}")
    if o.json:
        with open(o.json, "w") as f:
            json.dump({"date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "kernel": os.uname().release,
                       "adapters": {a.file: {"name": a.name, "version": a.version} for a in adapters},
                       "cases": [{"id": c.id, "slug": c.slug, "title": c.title, "threat": c.threat,
                                  "families": c.families, "observe": c.observe, "residual": c.residual, "na": c.na,
                                  "results": {a.file: results[c.slug, a.file] for a in adapters}}
                                 for c in cases]}, f, indent=1)
    if o.markdown:
        with open(o.markdown, "w") as f:
            f.write(markdown(cases, adapters, results))
    sys.exit(1 if failed else 0)


main()
