#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Measures what the jail's system call filters cost per call: hot, with arguments looked at, and refused.
#
#	bench/seccomp.sh [-n RUNS] [-p "PROFILE..."] [-o DIR]
#
# Each run is `sluice seccomp bench`, itself the median of 25 turns with and without the filter. The rival `none` is the
# call without a filter; each other is a profile, a built-in one or a file.
set -eu

runs=5 out= profiles="default strict compute"
args=("$@")
while getopts n:p:o: o; do
	case $o in
	n) runs=$OPTARG ;;
	p) profiles=$OPTARG ;;
	o) out=$OPTARG ;;
	*) sed -n '5p' "$0"; exit 2 ;;
	esac
done
top=$(cd "$(dirname "$0")/.." && pwd)
: "${SLUICE_BUILD:=$top/build}"
out=${out:-$top/bench/results}
. "$top/bench/lab.sh"
lab_enter "$0" "${args[@]}"
lab_needs "jq"

for ((run = 1; run <= runs; run++)); do
	for p in $profiles; do
		"$SLUICE_BUILD/sluice" seccomp bench "$p" --json >"$T/lines"
		jq -c --argjson run $run --arg first "${profiles%% *}" 'select(.call | test("^(getppid|read|ioctl|socket|keyctl|call 1000)")) |
			(if .profile == $first then {rival: "none", row: .call, unit: "ns", run: $run, value: (.plain_ps / 1000)} else empty end),
			{rival: .profile, row: .call, unit: "ns", run: $run, value: (.filtered_ps / 1000)}' "$T/lines" >>"$T/raw"
	done
done
lab_write "$out/seccomp-$(date -u +%Y-%m-%dT%H%M%SZ).json" "bench/seccomp.sh -n $runs -p '$profiles'"
