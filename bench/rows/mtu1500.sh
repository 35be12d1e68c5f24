# SPDX-License-Identifier: Apache-2.0
# Bulk with the sandbox's link at MTU 1500, which the kernel and Sluice have in any case.

mtu1500_rivals="kernel slirp4netns-1500 pasta-1500 $(one_sluice)"

mtu1500_rows() {
	note "$1" "bulk up, 1 stream, MTU 1500" Gb/s "$(iperf "c-$1" 198.51.100.10 1)"
	note "$1" "bulk down, 1 stream, MTU 1500" Gb/s "$(iperf "c-$1" 198.51.100.10 1 -R)"
}
