# SPDX-License-Identifier: Apache-2.0
# DNS: one name again and again, 16 sockets. Sluice answers it from what it knows; slirp4netns and pasta hand every
# question to the far side's server, through their own forwarders; the kernel's client asks that server itself.

dns_up() {
	printf 'version: 1\nlimits: {queries_per_s: 1000000}\n' >"$T/dns.yaml"
	sluice_options=(--policy "$T/dns.yaml")
	ip netns exec inet "$SLUICE_BUILD/bench/udp" dns-serve 198.51.100.10 53 198.51.100.11 &
	dns_server=$!
}
dns_rows() {
	local server v
	case $1 in
	kernel) server=198.51.100.10 ;;
	slirp4netns) server=10.0.2.3 ;;
	pasta) server=192.0.2.53 ;;
	*) server=100.96.0.1 ;;
	esac
	read -ra v <<<"$(ip netns exec "c-$1" "$SLUICE_BUILD/bench/udp" dns $server 53 16 "$secs" example.test)"
	note "$1" "DNS, one name, 16 sockets" req/s "${v[0]:-null}"
	note "$1" "DNS, one name, 16 sockets, p99" us "${v[2]:-null}"
}
dns_down() {
	kill $dns_server
	sluice_options=()
}
