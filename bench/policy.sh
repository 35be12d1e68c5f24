#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Measures policies of a thousand to half a million rules and keeps the medians; prints them as a Markdown table.
#
#	bench/policy.sh PROGRAM [-n RUNS] [-o FILE] [RULES...]
#	bench/policy.sh -t FILE		the table of a result that was kept
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)

table() {
	jq -r '
	def show: if . >= 100 then round else (. * 1000 | round / 1000) end | tostring;
	. as $f
	| ([.results[].rules] | unique) as $sizes
	| ([.results[] | {row, unit}] | reduce .[] as $r ([]; if index($r) then . else . + [$r] end)) as $rows
	| "\($f.date), \($f.cpus) x \($f.cpu), Linux \($f.kernel), commit \($f.commit), `\($f.command)`", "",
	  "| rules | unit | " + ($sizes | map(tostring) | join(" | ")) + " |",
	  "| --- | --- |" + ([$sizes[] | " ---: |"] | add),
	  ($rows[] as $row | "| \($row.row) | \($row.unit) | "
	   + ([$sizes[] as $n | ($f.results[] | select(.row == $row.row and .rules == $n) | .value | show)] | join(" | ")) + " |")
	' "$1"
}

if [ "${1:-}" = -t ]; then
	table "$2"
	exit
fi
program=$1
shift
runs=3 out=$top/bench/results/policy-$(date -u +%FT%H%M%SZ).json
while getopts n:o: o; do
	case $o in
	n) runs=$OPTARG ;;
	o) out=$OPTARG ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || set -- 1000 10000 100000 500000
tmp=$(mktemp)
trap 'rm -f "$tmp"' EXIT
for i in $(seq "$runs"); do "$program" "$@" >>"$tmp"; done
jq -s --arg date "$(date -u +%F)" --arg kernel "$(uname -r)" --arg cpus "$(nproc)" \
	--arg cpu "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)" \
	--arg commit "$(git -C "$top" describe --always --dirty 2>/dev/null || echo unknown)" \
	--arg command "make bench-policy" --arg runs "$runs" '
	def median: sort | .[length / 2 | floor];
	{date: $date, kernel: $kernel, cpus: ($cpus|tonumber), cpu: $cpu, commit: $commit, command: $command,
	 runs: ($runs|tonumber),
	 results: (. as $all
		| [.[] | {rules, row, unit}]
		| reduce .[] as $k ([]; if index($k) then . else . + [$k] end)
		| [.[] | . as $k | . + {value: ([$all[] | select(.rules == $k.rules and .row == $k.row) | .value] | median)}])}
	' "$tmp" >"$out"
table "$out"
echo
echo "kept in $out"
