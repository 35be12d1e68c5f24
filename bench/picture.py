#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draws the medians of a result file as an SVG: each rival's speed against the kernel's, which is 1.

    bench/picture.py FILE.json [RIVAL...] >FILE.svg

Times are turned over, so that longer is better in every bar. Without rivals: slirp4netns, pasta and sluice-packet. A row
needs the kernel and a rival's figure. Colours suit light and dark pages.
"""
import json
import statistics
import sys
from xml.sax.saxutils import escape

LEFT, WIDTH, BAR, GAP, TOP, RIGHT = 240, 400, 9, 9, 62, 60
COLOURS = {"slirp4netns": "#9a6fd0", "pasta": "#c9822b", "sluice": "#1a8fe3"}
LESS_IS_BETTER = {"us", "ms", "s", "KiB", "1/s"}


def medians(results):
    """{row: {rival: median}} and {row: unit}, in the order of the file; rivals at MTU 1500 are themselves."""
    values, units = {}, {}
    for r in results:
        if r.get("value") is None:
            continue
        rival = r["rival"].removesuffix("-1500")
        values.setdefault(r["row"], {}).setdefault(rival, []).append(r["value"])
        units[r["row"]] = r["unit"]
    return {row: {k: statistics.median(v) for k, v in rivals.items()} for row, rivals in values.items()}, units


def colour(rival):
    return COLOURS.get(rival.split("-")[0], "#7d8590")


def text(x, y, words, how=""):
    return f'<text x="{x:.0f}" y="{y:.0f}" {how}>{escape(words)}</text>'


def draw(data, rivals):
    table, units = medians(data["results"])
    rows = [(row, {r: v[r] / v["kernel"] if units[row] not in LESS_IS_BETTER else v["kernel"] / v[r]
                   for r in rivals if v.get(r)})
            for row, v in table.items() if v.get("kernel")]
    rows = [(row, bars) for row, bars in rows if bars]
    if not rows:
        raise SystemExit("picture: no row has the kernel's figure and a rival's")
    top_ratio = max(1.2, min(2.0, max(max(b.values()) for _, b in rows)))
    scale = WIDTH / top_ratio
    height = TOP + sum(len(b) * BAR + GAP for _, b in rows) + 24
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + RIGHT}" height="{height}" '
           f'viewBox="0 0 {LEFT + WIDTH + RIGHT} {height}" role="img" '
           'aria-label="Speed of user-mode gateways against the kernel">',
           "<style>text{font:12px system-ui,sans-serif;fill:#1f2328}.s{font-size:9px}.e{text-anchor:end}"
           ".m{text-anchor:middle}line{stroke:#7d8590}@media(prefers-color-scheme:dark){text{fill:#e6edf3}}</style>",
           text(4, 14, f"Speed against the kernel's veth and masquerade (= 1), {data['date']}"),
           text(4, 29, f"{data['cpus']} x {data['cpu']}, Linux {data['kernel']}, commit {data['commit']}; "
                "of times the inverse; longer is better", 'class="s"')]
    x = LEFT
    for r in rivals:
        out.append(f'<rect x="{x}" y="38" width="10" height="10" fill="{colour(r)}"/>' + text(x + 14, 47, r))
        x += 28 + 7 * len(r)
    y = TOP
    for row, bars in rows:
        out.append(text(LEFT - 8, y + len(bars) * BAR / 2 + 4, row, 'class="e"'))
        for r, ratio in bars.items():
            long = min(ratio, top_ratio) * scale
            out.append(f'<rect x="{LEFT}" y="{y}" width="{long:.1f}" height="{BAR - 1}" fill="{colour(r)}"/>' +
                       text(LEFT + long + 3, y + BAR - 1, f"{ratio:.2f}", 'class="s"'))
            y += BAR
        y += GAP
    out.append(f'<line x1="{LEFT + scale:.1f}" y1="{TOP - 6}" x2="{LEFT + scale:.1f}" y2="{y}" stroke-dasharray="3 3"/>')
    out.append(text(LEFT + scale, y + 14, "kernel", 'class="m s"'))
    out.append("</svg>")
    return "\n".join(out) + "\n"


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    with open(sys.argv[1], encoding="utf-8") as f:
        sys.stdout.write(draw(json.load(f), sys.argv[2:] or ["slirp4netns", "pasta", "sluice-packet"]))
