#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Prints the medians of a result file as a Markdown table, with ratios: to the kernel and the best peer, or
# of a pair. The ratio of a pair is the median of each run's own, with the middle half of them.
#
#	bench/table.sh FILE.json
set -eu
jq -r '
def median: sort | if length == 0 then null elif length % 2 == 1 then .[length / 2 | floor] else (.[length / 2 - 1] + .[length / 2]) / 2 end;
def quarter($n): sort | if length == 0 then null else .[(length - 1) * $n / 4 | round] end;
def show: if . == null then "-" elif . >= 1000 then (round | tostring) else (. * 10 | round / 10 | tostring) end;
def ratio: if . == null then "-" else (. * 100 | round / 100 | tostring) end;
def base: . == "kernel" or . == "exec";
. as $f
| ([.results[].rival] | reduce .[] as $r ([]; if index($r) then . else . + [$r] end)) as $rivals
| ([.results[] | {row, unit}] | reduce .[] as $r ([]; if index($r) then . else . + [$r] end)) as $rows
| "\($f.date), \($f.cpus) x \($f.cpu), Linux \($f.kernel), commit \($f.commit), `\($f.command)`", "",
  "| row | unit | " + ($rivals | join(" | ")) + " | "
  + (if $f.pair then "\($f.pair[1]) / \($f.pair[0]) | middle half" else "best sluice / \(if any($rivals[]; . == "exec") then "exec" else "kernel" end) | best sluice / best peer" end) + " |",
  "| --- | --- |" + ([$rivals[] | " ---: |"] | add) + " ---: | ---: |",
  ($rows[] as $row
   | [$f.results[] | select(.row == $row.row and .value != null)] as $mine
   | [$rivals[] as $r | {r: $r, v: ([$mine[] | select(.rival == $r) | .value] | median)}] as $m
   | (if $f.pair then
        [$mine[] | select(.rival == $f.pair[1]) as $b | [$mine[] | select(.rival == $f.pair[0] and .run == $b.run)] | .[] | $b.value / .value] as $q
        | ($q | median | ratio) + " | " + (if $q == [] then "-" else ($q | quarter(1) | ratio) + " to " + ($q | quarter(3) | ratio) end)
      else
        (["us", "KiB", "1/s", "times"] | index($row.unit) != null) as $less
        | ([$m[] | select(.v != null and ($row.unit | IN("of", "times") | not))]) as $have
        | ([$have[] | select(.r | startswith("sluice")) | .v] | if $less then min else max end) as $us
        | ([$have[] | select(.r | base) | .v] | first) as $k
        | ([$have[] | select((.r | startswith("sluice") | not) and (.r | base | not)) | .v] | if $less then min else max end) as $p
        | ((if $us and $k then $us / $k else null end) | ratio) + " | " + ((if $us and $p then $us / $p else null end) | ratio)
      end) as $ratios
   | "| \($row.row) | \($row.unit) | " + ([$m[].v | show] | join(" | ")) + " | " + $ratios + " |"),
  (select($f.versions) | "", ($f.versions | to_entries | map("\(.key): \(.value)") | join("; "))),
  ($f.left_out // [] | select(. != []) | "", (.[] | "left out: \(.rival), \(.row): \(.left_out)"))
' "$1"
