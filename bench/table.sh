#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Prints the medians of a result file as a Markdown table, with ratios: to the kernel and the best peer, or
# of a pair. The ratio of a pair is the median of each run's own, with the middle half of them.
#
#	bench/table.sh [-g] FILE.json
#
# What a row is to reach is in goals.json: a list of "WHAT OP NUMBER" of the best sluice, WHAT being a ratio to the
# kernel, the best peer or one rival, or "itself", or a difference "RIVAL - RIVAL". With -g the goals alone, as JSON.
set -eu
goals=false
[ "$1" != -g ] || { goals=true; shift; }
jq -r --slurpfile goals "$(dirname "$0")/goals.json" --argjson only "$goals" '
def median: sort | if length == 0 then null elif length % 2 == 1 then .[length / 2 | floor] else (.[length / 2 - 1] + .[length / 2]) / 2 end;
def quarter($n): sort | if length == 0 then null else .[(length - 1) * $n / 4 | round] end;
def show: if . == null then "-" elif . >= 1000 then (round | tostring) else (. * 10 | round / 10 | tostring) end;
def ratio: if . == null then "-" else (. * 100 | round / 100 | tostring) end;
def base: . == "kernel" or . == "exec";
def is_sluice: startswith("sluice");
def less: IN("us", "ms", "KiB", "1/s", "times");
def holds($op; $n): if $op == ">=" then . >= $n elif $op == ">" then . > $n elif $op == "<=" then . <= $n
	elif $op == "<" then . < $n else error("goals.json: " + $op) end;
# Of one row: its medians [{r, v}].
def best($unit): map(select(.v != null) | .v) | if $unit | less then min else max end;
def of($r): map(select(.r == $r) | .v) | first;
def goal($unit; $text):
	. as $m
	| ($text | capture("^(?<what>.*) (?<op>[<>]=?) (?<n>[0-9.]+)$") | .n |= tonumber) as $g
	| (map(select(.r | is_sluice)) | best($unit)) as $us
	| (if $g.what == "itself" then $us
	   elif $g.what | contains(" - ") then ($g.what | split(" - ")) as [$a, $b]
		| [of($a), of($b)] | if all then .[0] - .[1] else null end
	   else (if $g.what == "peer" then (map(select(.r | (is_sluice or base) | not)) | best($unit)) else of($g.what) end) as $other
		| if $us and $other then $us / $other else null end end) as $is
	| {goal: $text, is: $is, met: (if $is == null then null else ($is | holds($g.op; $g.n)) end)};
. as $f
| ([.results[].rival] | reduce .[] as $r ([]; if index($r) then . else . + [$r] end)) as $rivals
| ([$f.results[] | {row, unit}] | reduce .[] as $r ([]; if index($r) then . else . + [$r] end)) as $rows
| ([$rows[] as $row
    | [$rivals[] as $r | {r: $r, v: ([$f.results[] | select(.row == $row.row and .rival == $r and .value != null) | .value] | median)}] as $m
    | {key: $row.row, value: [$goals[0][$row.row] // [] | .[] as $text | $m | goal($row.unit; $text)]}
    | select(.value != [])] | if $f.pair then {} else from_entries end) as $goals
| if $only then $goals else
  "\($f.date), \($f.cpus) x \($f.cpu), Linux \($f.kernel), commit \($f.commit), `\($f.command)`", "",
  "| row | unit | " + ($rivals | join(" | ")) + " | "
  + (if $f.pair then "\($f.pair[1]) / \($f.pair[0]) | middle half" else "best sluice / \(if any($rivals[]; . == "exec") then "exec" else "kernel" end) | best sluice / best peer" end) + (if $goals != {} then " | goal" else "" end) + " |",
  "| --- | --- |" + ([$rivals[] | " ---: |"] | add) + " ---: | ---: |" + (if $goals != {} then " --- |" else "" end),
  ($rows[] as $row
   | [$f.results[] | select(.row == $row.row and .value != null)] as $mine
   | [$rivals[] as $r | {r: $r, v: ([$mine[] | select(.rival == $r) | .value] | median)}] as $m
   | (if $f.pair then
        [$mine[] | select(.rival == $f.pair[1]) as $b | [$mine[] | select(.rival == $f.pair[0] and .run == $b.run)] | .[] | $b.value / .value] as $q
        | ($q | median | ratio) + " | " + (if $q == [] then "-" else ($q | quarter(1) | ratio) + " to " + ($q | quarter(3) | ratio) end)
      else
        ($row.unit | less) as $less
        | ([$m[] | select(.v != null and ($row.unit | IN("of", "times") | not))]) as $have
        | ([$have[] | select(.r | is_sluice) | .v] | if $less then min else max end) as $us
        | ([$have[] | select(.r | base) | .v] | first) as $k
        | ([$have[] | select(.r | (is_sluice or base) | not) | .v] | if $less then min else max end) as $p
        | ((if $us and $k then $us / $k else null end) | ratio) + " | " + ((if $us and $p then $us / $p else null end) | ratio)
      end) as $ratios
   | "| \($row.row) | \($row.unit) | " + ([$m[].v | show] | join(" | ")) + " | " + $ratios
     + (if $goals != {} then " | " + ([$goals[$row.row] // [] | .[] | .goal + (if .met == null then " not measured" elif .met then " met" else " missed" end)] | join(", ")) else "" end) + " |"),
  (select($f.versions) | "", ($f.versions | to_entries | map("\(.key): \(.value)") | join("; "))),
  ($f.left_out // [] | select(. != []) | "", (.[] | "left out: \(.rival), \(.row): \(.left_out)"))
  end
' "$1"
