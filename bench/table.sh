#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Prints the medians of a result file as a Markdown table, with ratios to the kernel and the best peer.
#
#	bench/table.sh FILE.json
set -eu
jq -r '
def median: sort | if length == 0 then null elif length % 2 == 1 then .[length / 2 | floor] else (.[length / 2 - 1] + .[length / 2]) / 2 end;
def show: if . == null then "-" elif . >= 1000 then (round | tostring) else (. * 10 | round / 10 | tostring) end;
def ratio: if . == null then "-" else (. * 100 | round / 100 | tostring) end;
. as $f
| ([.results[].rival] | reduce .[] as $r ([]; if index($r) then . else . + [$r] end)) as $rivals
| ([.results[] | {row, unit}] | reduce .[] as $r ([]; if index($r) then . else . + [$r] end)) as $rows
| "\($f.date), \($f.cpus) x \($f.cpu), Linux \($f.kernel), commit \($f.commit), `\($f.command)`", "",
  "| row | unit | " + ($rivals | join(" | ")) + " | best sluice / kernel | best sluice / best peer |",
  "| --- | --- |" + ([$rivals[] | " --- |"] | add) + " --- | --- |",
  ($rows[] as $row
   | [$rivals[] as $r | {r: $r, v: ([$f.results[] | select(.row == $row.row and .rival == $r and .value != null) | .value] | median)}] as $m
   | ($row.unit == "us") as $less
   | ([$m[] | select(.v != null)]) as $have
   | ([$have[] | select(.r | startswith("sluice")) | .v] | if $less then min else max end) as $us
   | ([$have[] | select(.r == "kernel") | .v] | first) as $k
   | ([$have[] | select((.r | startswith("sluice") | not) and .r != "kernel") | .v] | if $less then min else max end) as $p
   | "| \($row.row) | \($row.unit) | " + ([$m[].v | show] | join(" | "))
     + " | " + ((if $us and $k then $us / $k else null end) | ratio) + " | " + ((if $us and $p then $us / $p else null end) | ratio) + " |")
' "$1"
