#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Measures what open() and close() of a file eleven directories deep cost under five ways to keep a program from
# other files: none, nosymfollow, Landlock, a broker behind seccomp's notifications, ptrace. bench/open.c says how.
#
#	bench/open.sh [-n RUNS] [-o DIR]
set -eu

runs=5 out=
args=("$@")
while getopts n:o: o; do
	case $o in
	n) runs=$OPTARG ;;
	o) out=$OPTARG ;;
	*) sed -n '6p' "$0"; exit 2 ;;
	esac
done
top=$(cd "$(dirname "$0")/.." && pwd)
: "${SLUICE_BUILD:=$top/build}"
out=${out:-$top/bench/results}
. "$top/bench/lab.sh"
lab_enter "$0" "${args[@]}"
lab_needs "jq"

deep=a/b/c/d/e/f/g/h/i/j
mkdir -p "$T/tree/$deep"
echo x >"$T/tree/$deep/file"
for ((run = 1; run <= runs; run++)); do
	for way in plain nosymfollow landlock broker ptrace; do
		n=200000
		case $way in broker | ptrace) n=20000 ;; esac
		note "$way" "open and close, 11 deep" ns "$("$SLUICE_BUILD/bench/open" $way "$T/tree" $deep/file $n)"
	done
done
lab_write "$out/open-$(date -u +%Y-%m-%dT%H%M%SZ).json" "bench/open.sh -n $runs"
