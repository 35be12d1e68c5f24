#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs fuzz targets one after the other; one line each; stops at the first that fails.
#
#	run.sh FOLDER SECONDS NAME...
set -eu
dir=$1 secs=$2
shift 2
seeds=$(dirname "$0")/corpus
for name; do
	mkdir -p "$dir/corpus/$name"
	set -- "$dir/corpus/$name"
	[ ! -d "$seeds/$name" ] || set -- "$@" "$seeds/$name"
	log=$dir/$name.log
	if ! "$dir/fuzz_$name" -max_total_time="$secs" -timeout=5 -rss_limit_mb=1024 \
		-print_final_stats=1 -artifact_prefix="$dir/$name-" "$@" >"$log" 2>&1; then
		tail -n 40 "$log" >&2
		echo "fuzz: $name failed; the input is beside $log" >&2
		exit 1
	fi
	printf '  %-5s %s: %s runs, %s\n' FUZZ "$name" \
		"$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")" \
		"$(sed -n 's/.*DONE *\(cov: [0-9]*\).*/\1/p' "$log")"
done
