#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Two Sluices, measured in turn on the same work: what inspection costs, or what a change brings.
#
#	bench/pair.sh [-n RUNS] [-t SECONDS] [-m MEBIBYTES] [-p PORT] [-w REGEX] [-o DIR] [A B]
#
# A and B are LABEL=BUILD:POLICY, with POLICY one of "any" (tls: any, http: any: nothing is read) and
# "checked" (the default). Without them: any=BUILD:any checked=BUILD:checked, where both are to one
# another as the checks cost. -w picks rows. Every run measures both, one row after the other, and begins
# with the other one each time; the table's ratio is the median of the runs' own ratios.
#
# Processor time is that of worker and decider together, which other load on the machine hardly moves.
set -eu

runs=7 secs=2 mib=2048 port=packet pick=. out=
top=$(cd "$(dirname "$0")/.." && pwd)
: "${SLUICE_BUILD:=$top/build}"
export SLUICE_BUILD
args=("$@")
while getopts n:t:m:p:w:o: o; do
	case $o in
	n) runs=$OPTARG ;;
	t) secs=$OPTARG ;;
	m) mib=$OPTARG ;;
	p) port=$OPTARG ;;
	w) pick=$OPTARG ;;
	o) out=$OPTARG ;;
	*) sed -n '5p' "$0"; exit 2 ;;
	esac
done
shift $((OPTIND - 1))
[ $# = 2 ] || set -- "any=$SLUICE_BUILD:any" "checked=$SLUICE_BUILD:checked"
out=${out:-$top/bench/results}
. "$top/bench/lab.sh"
lab_enter "$0" "${args[@]}"

(
	cd "$T"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=bench \
		-addext subjectAltName=DNS:web.test,DNS:bulk.test -keyout key.pem -out cert.pem
) >"$T/openssl.log" 2>&1
printf '127.0.0.1 localhost\n198.51.100.10 web.test\n198.51.100.11 bulk.test\n' >"$T/hosts"
mount --bind "$T/hosts" /etc/hosts
lab_up "listen 198.51.100.10:443 ssl backlog=4096; ssl_certificate $T/cert.pem; ssl_certificate_key $T/key.pem;"
ip netns exec inet "$top/bench/load.py" serve 198.51.100.11 "$T/cert.pem" "$T/key.pem" &

policy() {	# policy any|checked
	local keys=
	[ "$1" = checked ] || keys=', tls: any, http: any'
	printf 'version: 1\negress:\n'
	printf '  - {allow: %s, ports: [80, 443]%s}\n' web.test "$keys" bulk.test "$keys"
	printf '  - {allow: 198.51.100.12, ports: [5201]}\n'
}
declare -A gateway
start() {	# start LABEL BUILD POLICY
	lab_client "c-$1"
	policy "$3" >"$T/$1.yaml"
	"$2/sluice" attach --netns "/run/netns/c-$1" --port "$port" --events "$T/$1.events" \
		--policy "$T/$1.yaml" >"$T/$1.log" 2>&1 &
	gateway[$1]=$!
	wait_for ask "$1" || no_start "$1" "names are not answered"
	wait_for fetch "$1" http || no_start "$1" "no HTTP"
	wait_for fetch "$1" https || no_start "$1" "no TLS"
}
no_start() {
	echo "bench: $1: $2: $(tail -n 1 "$T/$1.log"), $(tail -n 1 "$T/$1.events")" >&2
	exit 1
}
fetch() {	# fetch LABEL SCHEME
	ip netns exec "c-$1" curl -fs -o /dev/null --max-time 2 --cacert "$T/cert.pem" "$2://web.test/small"
}
ask() {	# so that the addresses stand for the names, as after every program's own question
	local n
	for n in web bulk; do
		ip netns exec "c-$1" dig +short +time=2 @100.96.0.1 $n.test A | grep -q . || return 1
	done
}
cpu_ns() {	# cpu_ns LABEL: of all processes of this gateway
	local pid sum=0 ns _
	for pid in $(family "${gateway[$1]}"); do
		read -r ns _ <"/proc/$pid/schedstat" && sum=$((sum + ns))
	done
	echo $sum
}
bulk() {	# bulk LABEL ROW "what"
	local before v
	[[ $3 =~ $pick ]] || return 0
	before=$(cpu_ns "$1")
	v=$(ip netns exec "c-$1" timeout 60 "$top/bench/load.py" "$2" bulk.test "$T/cert.pem" "$mib" || echo null)
	note "$1" "$3" Gb/s "$v"
	note "$1" "$3, processor" ms/GiB "$(jq -n "($(cpu_ns "$1") - $before) / 1e6 / $mib * 1024")"
}
streams() {	# streams LABEL STREAMS "what" [-R]
	local before v
	[[ $3 =~ $pick ]] || return 0
	before=$(cpu_ns "$1")
	v=$(iperf "c-$1" 198.51.100.12 "$2" ${4:-})
	note "$1" "$3" Gb/s "$v"
	note "$1" "$3, processor" ms/GiB "$(jq -n "($(cpu_ns "$1") - $before) / 1e6 / ($v * $secs * 1e9 / 8 / 1073741824)")"
}
requests() {	# requests LABEL "what" URL CONNECTIONS [header]
	local before v
	[[ $2 =~ $pick ]] || return 0
	before=$(cpu_ns "$1")
	read -ra v <<<"$(wrk_ "c-$1" "$3" "$4" ${5:+"$5"})"
	note "$1" "$2" req/s "${v[0]:-null}"
	note "$1" "$2, p99" us "${v[2]:-null}"
	[ -z "${v[0]:-}" ] ||
		note "$1" "$2, processor" us/req "$(jq -n "($(cpu_ns "$1") - $before) / 1e3 / (${v[0]} * $secs)")"
}
rows() {	# rows LABELS...: each row for all of them, one after the other
	local r
	for r; do ask "$r"; done
	for r; do bulk "$r" tls-up "TLS, bulk up"; done
	for r; do bulk "$r" tls-down "TLS, bulk down"; done
	for r; do bulk "$r" http-up "HTTP, bulk up"; done
	for r; do bulk "$r" http-up-chunked "HTTP, bulk up in chunks"; done
	for r; do bulk "$r" http-down "HTTP, bulk down"; done
	for r; do streams "$r" 8 "no name, bulk down, 8 streams" -R; done
	for r; do requests "$r" "TLS, connection per request, 16" https://web.test/small 16 "Connection: close"; done
	for r; do requests "$r" "HTTP, connection per request, 16" http://web.test/small 16 "Connection: close"; done
	for r; do requests "$r" "HTTP, keep-alive, 16 conns" http://web.test/small 16; done
}

labels=()
for which; do
	what=${which#*=}
	labels+=("${which%%=*}")
	start "${which%%=*}" "${what%:*}" "${what##*:}"
done
for run in $(seq 1 "$runs"); do
	echo "bench: run $run of $runs" >&2
	if [ $((run % 2)) = 1 ]; then rows "${labels[@]}"; else rows "${labels[1]}" "${labels[0]}"; fi
done
for r in "${labels[@]}"; do kill "${gateway[$r]}" 2>/dev/null || :; done
lab_write "$out/pair-$(date -u +%Y-%m-%dT%H%M%SZ).json" "bench/pair.sh -n $runs -t $secs -m $mib -p $port" \
	"{pair: [\"${labels[0]}\", \"${labels[1]}\"]}"
