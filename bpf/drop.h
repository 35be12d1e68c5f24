/* SPDX-License-Identifier: Apache-2.0 */
/*
 * drop: the one numbered list of reasons why a frame or a flow went no further.
 *
 * Shared by the XDP program, the worker, egress, the event log, the packet log and sluice.1.
 * Numbers are never reused; a retired one stays as UNUSED_n. No includes, so that the
 * BPF compiler can read it as well.
 *
 *	X(number, NAME, "word-for-logs", "what a person reads")
 */
#ifndef BPF_DROP_H
#define BPF_DROP_H

#define DROP_REASONS(X)                                                                             \
	X(0, NONE, "none", "accepted")                                                              \
	/* gate: seen by the XDP program, before any process of ours */                             \
	X(1, GATE_SHORT, "gate-short", "frame shorter than its headers")                            \
	X(2, GATE_MAC, "gate-mac", "source MAC is not the sandbox's")                               \
	X(3, GATE_SOURCE, "gate-source", "source address is not the sandbox's")                     \
	X(4, GATE_TYPE, "gate-type", "not IPv4, IPv6 or ARP")                                       \
	X(5, GATE_BUDGET, "gate-budget", "over the packet budget")                                  \
	X(6, GATE_NO_SOCKET, "gate-no-socket", "no worker takes this frame")                        \
	/* ip: malformed or refused shapes */                                                       \
	X(20, ETH_SHORT, "eth-short", "Ethernet header cut short")                                  \
	X(21, ETH_TYPE, "eth-type", "EtherType not served")                                         \
	X(22, ETH_SOURCE, "eth-source", "source MAC is not the sandbox's")                          \
	X(23, ARP_BAD, "arp-bad", "malformed ARP")                                                  \
	X(24, IP_SHORT, "ip-short", "IP header or payload cut short")                               \
	X(25, IP_BAD_HEADER, "ip-bad-header", "bad IP version, header length or total length")      \
	X(26, IP_OPTIONS, "ip-options", "IP options or source routing")                             \
	X(27, IP_EXT_HEADER, "ip-ext-header", "IPv6 extension header not allowed")                  \
	X(28, IP_SOURCE, "ip-source", "source address is not the sandbox's")                        \
	X(29, IP_DEST, "ip-dest", "destination cannot be reached from a sandbox")                   \
	X(30, IP_TTL, "ip-ttl", "TTL or hop limit expired")                                         \
	X(31, IP_PROTO, "ip-proto", "IP protocol not served")                                       \
	X(32, BAD_ADDR, "bad-addr", "mapped, zero or otherwise meaningless address")                \
	X(33, FRAG_BAD, "frag-bad", "overlapping, empty or oversize fragment")                      \
	X(34, FRAG_FULL, "frag-full", "fragment table full")                                        \
	X(35, FRAG_TIMEOUT, "frag-timeout", "fragments never completed")                            \
	X(36, TCP_SHORT, "tcp-short", "TCP header cut short")                                       \
	X(37, TCP_FLAGS, "tcp-flags", "impossible TCP flags")                                       \
	X(38, TCP_NO_FLOW, "tcp-no-flow", "TCP segment of no known flow")                           \
	X(39, UDP_SHORT, "udp-short", "UDP header or payload cut short")                            \
	X(40, PORT_ZERO, "port-zero", "port 0")                                                     \
	X(41, ICMP_BAD, "icmp-bad", "malformed ICMP")                                               \
	X(42, ICMP_TYPE, "icmp-type", "ICMP type not served")                                       \
	X(43, ND_BAD, "nd-bad", "malformed neighbour discovery")                                    \
	X(44, DHCP_BAD, "dhcp-bad", "malformed DHCP")                                               \
	X(45, DNS_BAD, "dns-bad", "malformed DNS question")                                         \
	X(46, TCP_OPTIONS, "tcp-options", "malformed TCP options")                                  \
	X(47, MULTICAST, "multicast", "multicast and broadcast stay inside")                        \
	X(48, TCP_WINDOW, "tcp-window", "TCP data beyond the offered window")                       \
	/* policy: egress said no */                                                                \
	X(60, POLICY_DEFAULT, "policy-default", "no rule allows it")                                \
	X(61, POLICY_DENY, "policy-deny", "a rule denies it")                                       \
	X(62, POLICY_NAME, "policy-name", "the name is not allowed")                                \
	X(63, POLICY_PORT, "policy-port", "the name or address is allowed, this port is not")       \
	X(64, POLICY_PROTO, "policy-proto", "the name or address is allowed, this protocol is not") \
	X(65, POLICY_RANGE, "policy-range", "private, loopback, link-local or metadata range")      \
	X(66, POLICY_NO_LEASE, "policy-no-lease", "address was not given for an allowed name")      \
	X(67, POLICY_CUT, "policy-cut", "cut by a new policy")                                      \
	/* inspection: the worker read the first bytes of an allowed flow and they say something else */\
	X(68, TLS_NAME, "tls-name", "the TLS server name is not the name that was judged")          \
	X(69, TLS_NO_NAME, "tls-no-name", "TLS without a server name")                              \
	X(70, TLS_ECH, "tls-ech", "encrypted ClientHello hides the server name")                    \
	X(71, TLS_BAD, "tls-bad", "malformed or oversize ClientHello")                              \
	X(72, TLS_NOT, "tls-not", "not TLS, where the rule wants TLS")                              \
	X(73, HTTP_HOST, "http-host", "the request's host is not the name that was judged")         \
	X(74, HTTP_BAD, "http-bad", "malformed or ambiguous HTTP request")                          \
	X(75, HTTP_TUNNEL, "http-tunnel", "CONNECT or a switch to another protocol")                \
	X(76, QUIC_BAD, "quic-bad", "malformed QUIC, or a version that is not read")                \
	X(77, INSPECT_TIMEOUT, "inspect-timeout", "the first message did not arrive in time")       \
	/* limits */                                                                                \
	X(80, FLOW_FULL, "flow-full", "flow table full")                                            \
	X(81, FLOW_RATE, "flow-rate", "too many new flows per second")                              \
	X(82, LEASE_FULL, "lease-full", "address lease table full")                                 \
	X(83, NAME_RATE, "name-rate", "too many names or questions")                                \
	X(84, BYTES_UP, "bytes-up", "upload budget used up")                                        \
	X(85, BYTES_DOWN, "bytes-down", "download budget used up")                                  \
	X(86, NO_MEMORY, "no-memory", "out of buffers")                                             \
	X(87, RATE_ICMP, "rate-icmp", "too many ICMP errors")                                       \
	X(88, NAME_BUDGET, "name-budget", "too many names below wildcards")                         \
	X(89, FLOOD, "flood", "thrown away unread, among too many that lead nowhere")               \
	/* the far side */                                                                          \
	X(100, DIAL_REFUSED, "dial-refused", "the destination refused the connection")              \
	X(101, DIAL_UNREACH, "dial-unreach", "the destination is unreachable")                      \
	X(102, DIAL_TIMEOUT, "dial-timeout", "the destination did not answer")                      \
	X(103, DIAL_ERROR, "dial-error", "the host could not open the connection")                  \
	X(104, DIAL_NAME, "dial-name", "the name has no address")                                   \
	X(105, DIAL_RANGE, "dial-range", "the name resolves only to refused addresses")             \
	X(106, PING_FORBIDDEN, "ping-forbidden", "this host does not let us send echo requests")    \
	/* ends of flows that are no refusal */                                                     \
	X(120, END_CLOSED, "closed", "closed by both sides")                                        \
	X(121, END_RESET_SANDBOX, "reset-sandbox", "reset by the sandbox")                          \
	X(122, END_RESET_FAR, "reset-far", "reset by the far side")                                 \
	X(123, END_IDLE, "idle", "idle time-out")                                                   \
	X(124, END_SHUTDOWN, "shutdown", "the sandbox ended")                                       \
	X(125, EGRESS_GONE, "egress-gone", "the decider is gone")                                   \
	X(126, PORT_ERROR, "port-error", "the link failed")

enum drop_reason {
#define X(num, name, word, text) DROP_##name = num,
	DROP_REASONS(X)
#undef X
	DROP_REASON_MAX = 128,
};

#endif
