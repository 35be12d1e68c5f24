# SPDX-License-Identifier: Apache-2.0
# TCP as a user gets it by default: bulk, requests on kept connections, a connection per request.

tcp_rows() {
	local c=c-$1 v url=http://198.51.100.10/small
	note "$1" "bulk up, 1 stream" Gb/s "$(iperf "$c" 198.51.100.10 1)"
	note "$1" "bulk down, 1 stream" Gb/s "$(iperf "$c" 198.51.100.10 1 -R)"
	note "$1" "bulk up, 8 streams" Gb/s "$(iperf "$c" 198.51.100.10 8)"
	note "$1" "bulk down, 8 streams" Gb/s "$(iperf "$c" 198.51.100.10 8 -R)"
	read -ra v <<<"$(wrk_ "$c" "$url" 16)"
	note "$1" "keep-alive, 16 conns" req/s "${v[0]:-null}"
	note "$1" "keep-alive, 16 conns, p99" us "${v[2]:-null}"
	read -ra v <<<"$(wrk_ "$c" "$url" 16 'Connection: close')"
	note "$1" "connection per request, 16" req/s "${v[0]:-null}"
	note "$1" "connection per request, 16, p99" us "${v[2]:-null}"
	read -ra v <<<"$(wrk_ "$c" "$url" 1)"
	note "$1" "keep-alive, 1 conn, p50" us "${v[1]:-null}"
	note "$1" "keep-alive, 1 conn, p99" us "${v[2]:-null}"
}
