/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proto: every message that crosses a process boundary.
 *
 * All sockets are SOCK_SEQPACKET pairs (lib/msg.h). Every message starts with struct proto_head, is
 * fixed in size, zeroed before it is filled, and carries descriptors only where the comment says so,
 * in that order. The receiver checks size, type and every field (proto_check()); a malformed message
 * from a worker ends that worker, a malformed message on the control socket ends that client.
 *
 *	sluice (cli)  <-control->  netd  <-supervise->  stack   (one per sandbox)
 *	                           netd  <-command--->  egress
 *	                           stack <-ask------->  egress
 *	                           egress --report--->  sluice (cli)
 *	sluice policy set  <-door->  sluice (cli)       (cli/door.h)
 *	sluice-netd --listen --pool--->  sluice-netd --pooled
 *
 * An integer is in host order unless its comment says otherwise; all processes share one machine.
 */
#ifndef LIB_PROTO_H
#define LIB_PROTO_H

#include <assert.h>
#include <stdint.h>

#include "lib/addr.h"

enum {
	PROTO_VERSION = 1,
	PROTO_NAME_CAP = 256,		/* a domain name in text form, 253 bytes, and its NUL */
	PROTO_ADDRS_MAX = 16,		/* addresses in one answer, per family */
	PROTO_TEXT_CAP = 512,		/* a line for a person */
	PROTO_LABEL_CAP = 64,		/* the name of a sandbox */
	PROTO_RESOLVERS_MAX = 3,	/* name servers of a sandbox; MAXNS of the C library */
	PROTO_NOTE_CAP = 208,		/* a rule's own reason, UTF-8 without control characters, and its NUL */
	PROTO_DETAIL_CAP = 192,		/* what was read of a request, printable ASCII, and its NUL */
	PROTO_DROP_COUNTS = 48,		/* reasons in one proto_stats; a worker that drops for more is not known */
	PROTO_MSG_MAX = 1024,		/* no message is larger */
};

/* Well-known descriptor numbers of the two unprivileged processes; netd fills each before exec, with /dev/null at least. */
enum proto_fd {
	PROTO_FD_UP = 3,		/* stack: ask socket to egress; egress: command socket to netd */
	PROTO_FD_SUPERVISE = 4,		/* stack: supervise socket to netd; the others come with the configuration */
	PROTO_FD_PORT = 5,		/* stack: AF_XDP, AF_PACKET or TAP descriptor */
	PROTO_FD_PORT_TX = 6,		/* stack: AF_PACKET descriptor for super-frames (xdp port), or /dev/null */
	PROTO_FD_UMEM = 7,		/* stack: memfd of the UMEM (xdp port), or /dev/null */
	PROTO_FD_PCAP = 8,		/* stack: packet log, or /dev/null */
	PROTO_FD_EPOLL = 9,		/* stack: epoll instance, made by the worker before it confines itself */
	PROTO_FD_TIMER = 10,		/* stack: timerfd, likewise */
	PROTO_FD_FIRST_FREE = 16,	/* stack: descriptors below this are never closed and never replaced */
};

struct proto_head {
	uint16_t type;			/* enum proto_type */
	uint16_t size;			/* of the whole message */
	uint32_t zero;
};

enum proto_type {
	/* stack -> egress */
	PROTO_ASK_FLOW = 1,
	PROTO_ASK_NAME,
	PROTO_FLOW_END,
	PROTO_DROPS,
	PROTO_INSPECTED,
	/* egress -> stack */
	PROTO_VERDICT = 32,
	PROTO_ANSWER,
	PROTO_CUT,
	/* netd -> egress */
	PROTO_SANDBOX_ADD = 64,
	PROTO_SANDBOX_END,
	/* egress -> netd */
	PROTO_SANDBOX_STATE = 80,
	/* cli -> netd -> egress, and the answer back the same way */
	PROTO_POLICY_SET = 88,
	PROTO_POLICY_STATE,
	/* netd -> stack */
	PROTO_STACK_CONFIG = 96,
	PROTO_STACK_STOP,
	/* stack -> netd */
	PROTO_STACK_STATE = 112,
	/* cli -> netd -> stack, and the answer back the same way */
	PROTO_STATS_GET = 120,
	PROTO_STATS,
	/* cli -> netd */
	PROTO_CREATE = 128,
	PROTO_END,
	/* netd -> cli */
	PROTO_CREATED = 144,
	PROTO_ENDED,
	PROTO_ERROR,
	/* egress -> cli, on the report socket */
	PROTO_REPORT_DENIED = 160,
	PROTO_REPORT_END,
	/* the listening netd -> one of its pool */
	PROTO_ADOPT = 176,
};

/* ---- stack <-> egress --------------------------------------------------------------------- */

/* "May this flow leave?" One answer (PROTO_VERDICT) follows for every id, in any order. */
struct proto_ask_flow {
	struct proto_head head;
	uint64_t id;			/* the worker's flow id; unique among its live flows */
	struct addr src, dst;		/* src: the sandbox's */
	uint16_t sport, dport;		/* ICMP echo: sport = identifier, dport = 0 */
	uint8_t proto;			/* IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP (both families' echo) */
	uint8_t zero[3];
};

enum proto_verdict {
	PROTO_ALLOW = 1,		/* one descriptor follows: a connected, non-blocking socket */
	PROTO_DENY,			/* policy or limit: reason says which */
	PROTO_FAIL,			/* allowed, but the host connection failed: err says how */
};

/*
 * What the worker must read of an allowed flow before a byte of it leaves; with PROTO_DENY, in which
 * language to refuse: an alert, a page, or (NONE) RST and ICMP.
 */
enum proto_inspect {
	PROTO_INSPECT_NONE = 0,
	PROTO_INSPECT_TLS,		/* a ClientHello for `name`, in clear */
	PROTO_INSPECT_TLS_OPAQUE,	/* a ClientHello; its server name may be hidden or missing */
	PROTO_INSPECT_TLS_IF,		/* as TLS when the first bytes are a TLS record, else nothing */
	PROTO_INSPECT_HTTP,		/* HTTP/1 requests for `name`, each one */
	PROTO_INSPECT_QUIC,		/* QUIC Initial packets whose ClientHello is for `name` */
	PROTO_INSPECT_QUIC_OPAQUE,	/* QUIC of a known version */
};

struct proto_verdict_msg {
	struct proto_head head;
	uint64_t id;
	uint8_t verdict;		/* enum proto_verdict */
	uint8_t inspect;		/* enum proto_inspect */
	uint16_t reason;		/* enum drop_reason; DROP_NONE with PROTO_ALLOW */
	int32_t err;			/* PROTO_FAIL: positive errno of the dial; else 0 */
	uint32_t rule;			/* line of the rule in the canonical policy, 0 = no rule */
	struct addr peer;		/* what was dialled; all zero when nothing was */
	char name[PROTO_NAME_CAP];	/* the name the flow is bound to; "" when it has none */
	char note[PROTO_NOTE_CAP];	/* the deciding rule's own reason; "" when it has none */
};

/* "What does this name mean?" name: lower case, no trailing dot, printable ASCII, 1..253 bytes. */
struct proto_ask_name {
	struct proto_head head;
	uint64_t id;			/* the worker's question id */
	uint16_t qtype;			/* RFC 1035 TYPE, any */
	uint8_t zero[6];
	char name[PROTO_NAME_CAP];
};

struct proto_answer {
	struct proto_head head;
	uint64_t id;
	uint8_t rcode;			/* RFC 1035: 0, 2 SERVFAIL, 3 NXDOMAIN, 4 NOTIMP, 5 REFUSED */
	uint8_t denied;			/* 1: addrs are of the denied pool */
	uint16_t ede;			/* RFC 8914 info code, or 0xffff for none */
	uint32_t ttl;			/* seconds */
	uint16_t reason;		/* enum drop_reason when denied or failed */
	uint8_t n_addrs;		/* all of the family that qtype asked; 0 with rcode 0 is NODATA */
	uint8_t zero[5];
	struct addr addrs[PROTO_ADDRS_MAX];
};

/* A flow that had a verdict is over. Counts are the worker's word: for logs, never for decisions. */
struct proto_flow_end {
	struct proto_head head;
	uint64_t id;
	uint64_t up_bytes, down_bytes;	/* payload */
	uint64_t up_pkts, down_pkts;
	uint16_t reason;		/* enum drop_reason, DROP_END_* in normal running */
	uint8_t zero[6];
};

/*
 * What inspection read: once per TLS or QUIC flow and per HTTP request when there is an event log, and
 * always when it refuses. The worker's word: for logs, never for decisions.
 */
struct proto_inspected {
	struct proto_head head;
	uint64_t id;
	uint16_t reason;		/* enum drop_reason; DROP_NONE when it may go on */
	uint8_t inspect;		/* enum proto_inspect: what it turned out to be; NONE: neither */
	uint8_t zero[5];
	char host[PROTO_NAME_CAP];	/* server name or Host, printable ASCII; "" when there was none */
	char detail[PROTO_DETAIL_CAP];	/* HTTP: "METHOD target", cut to fit; TLS: "version alpn,alpn" */
};

/* Frames dropped before they were a flow; at most one message per reason and second. */
struct proto_drops {
	struct proto_head head;
	uint64_t count;			/* since the last message of this reason */
	uint16_t reason;
	uint8_t proto;			/* of the newest one; 0 when unknown */
	uint8_t zero;
	uint16_t dport;
	uint16_t zero2;
	struct addr dst;		/* of the newest one; all zero when unknown */
};

/* A live flow is no longer allowed: reset it towards both sides. */
struct proto_cut {
	struct proto_head head;
	uint64_t id;
	uint16_t reason;
	uint8_t zero[6];
};

/* ---- netd <-> egress ---------------------------------------------------------------------- */

/* A name server. In an array those in use come first; the others are all zero. */
struct proto_resolver {
	struct addr addr;
	uint16_t port;
	uint8_t zero[6];
};

enum proto_sandbox_flags {
	PROTO_HAS_EVENTS = 1,		/* an events descriptor is among the descriptors */
	PROTO_HAS_PCAP = 2,		/* a packet log descriptor is among the descriptors */
	PROTO_QUIET = 4,
	PROTO_ATTACH = 8,		/* an existing namespace, not one that sluice made */
};

/* Descriptors: ask socket, policy memfd (canonical YAML), report socket, [events]. */
struct proto_sandbox_add {
	struct proto_head head;
	uint32_t sandbox;		/* netd's number, unique in its life, never 0 */
	uint32_t flags;
	char label[PROTO_LABEL_CAP];
	struct addr gw4, gw6;		/* the gateway's addresses inside the sandbox */
	uint32_t flows_max;		/* size of the worker's flow table; 0 = the policy's limit */
	uint32_t zero;
	struct proto_resolver resolvers[PROTO_RESOLVERS_MAX];	/* none: the host's resolv.conf */
};

/* Ends the sandbox: egress closes its flows, writes the last events and the report, then answers. */
struct proto_sandbox_end {
	struct proto_head head;
	uint32_t sandbox;
	uint32_t zero;
};

enum proto_state {
	PROTO_READY = 1,
	PROTO_GONE,
	PROTO_FAILED,			/* text says what, why, what to do */
};

struct proto_sandbox_state {
	struct proto_head head;
	uint32_t sandbox;
	uint8_t state;			/* enum proto_state */
	uint8_t zero[3];
	char text[PROTO_TEXT_CAP];
};

/*
 * A new policy for a live sandbox, whole or not at all. Descriptor: policy memfd (canonical YAML).
 * Flows that it denies are cut (PROTO_CUT). Exactly one PROTO_POLICY_STATE answers; from netd and at the door
 * it may be PROTO_ERROR instead. At the door: sandbox 0, and two more descriptors (cli/door.h).
 */
struct proto_policy_set {
	struct proto_head head;
	uint32_t sandbox;
	uint32_t zero;
};

struct proto_policy_state {
	struct proto_head head;
	uint32_t sandbox;
	uint32_t cut;			/* live flows that were cut */
	uint8_t state;			/* PROTO_READY: in force; PROTO_FAILED: the old one stays, text says why */
	uint8_t zero[7];
	char text[PROTO_TEXT_CAP];
};

/* ---- netd <-> stack ----------------------------------------------------------------------- */

enum proto_port {
	PROTO_PORT_AUTO = 0,
	PROTO_PORT_XDP,			/* AF_XDP in, AF_XDP or AF_PACKET out, on a veth */
	PROTO_PORT_PACKET,		/* AF_PACKET with a virtio-net header, on a veth */
	PROTO_PORT_TAP,			/* a TAP device inside the sandbox, virtio-net header */
	PROTO_PORT_MEM,			/* tests only; never sent */
};

/* The first message on the supervise socket. Descriptors: ask socket, port, [xdp port: port_tx, umem], [pcap]. */
struct proto_stack_config {
	struct proto_head head;
	uint32_t sandbox;
	uint32_t flags;			/* enum proto_sandbox_flags */
	uint8_t port;			/* enum proto_port, not AUTO */
	uint8_t xdp_native;		/* xdp port: 1 native mode, 0 generic */
	uint8_t xdp_multibuf;		/* xdp port: frames may span descriptors */
	uint8_t zero;
	uint32_t mtu;			/* of the sandbox's link, 1280..65535 */
	uint32_t umem_frames;		/* xdp port */
	uint32_t umem_frame_size;	/* xdp port, bytes, power of two */
	uint32_t ring_size;		/* xdp port, descriptors per ring */
	uint32_t flows_max;		/* flow table size */
	uint32_t flows_per_s;		/* new flows per second, 0 = no limit */
	uint32_t port_ifindex;		/* of the host end, for AF_PACKET addresses; 0 for TAP */
	uint8_t gw_mac[6], sb_mac[6];
	uint32_t zero2;
	uint64_t pcap_bytes_max;	/* packet log ends there; 0 = 1 GiB */
	struct addr gw4, sb4, gw6, sb6;
	char label[PROTO_LABEL_CAP];
};

struct proto_stack_stop {
	struct proto_head head;
};

struct proto_stack_state {
	struct proto_head head;
	uint8_t state;			/* enum proto_state */
	uint8_t zero[7];
	char text[PROTO_TEXT_CAP];
};

/* What has its worker counted? PROTO_STATS answers, if the worker does. At the door: sandbox 0, two descriptors. */
struct proto_stats_get {
	struct proto_head head;
	uint32_t sandbox;
	uint32_t zero;
};

/* Since the worker began, but for PROTO_GAUGE(): those are of now. Order is that of the output. */
#define PROTO_COUNTERS(COUNTER, GAUGE)                                                                       \
	GAUGE(flows, "flows open")                                                                         \
	COUNTER(flows_asked, "flows asked about")                                                           \
	COUNTER(asked_us, "microseconds those waited for a verdict, together")                              \
	COUNTER(names_asked, "names asked about")                                                           \
	COUNTER(up_bytes, "payload to the far side, bytes")                                                 \
	COUNTER(down_bytes, "payload from the far side, bytes")                                             \
	COUNTER(rx_frames, "frames from the sandbox")                                                       \
	COUNTER(rx_bytes, "bytes of them")                                                                  \
	COUNTER(tx_frames, "frames to the sandbox")                                                         \
	COUNTER(tx_bytes, "bytes of them")                                                                  \
	COUNTER(rx_lost, "frames that the kernel dropped for want of room")                                 \
	COUNTER(tx_errors, "frames that the link refused")                                                  \
	COUNTER(tx_stalls, "times the link had no room for a frame")                                        \
	COUNTER(up_stalls, "times a far side took no more")                                                 \
	COUNTER(down_stalls, "times a window of the sandbox was closed")                                    \
	COUNTER(retransmits, "segments sent to the sandbox again")                                          \
	COUNTER(copied_bytes, "payload kept by copy, bytes")                                                \
	COUNTER(floods, "pauses because of a flood")                                                        \
	COUNTER(wakeups, "wake-ups")                                                                        \
	COUNTER(events, "events handled in them")

struct proto_counters {
#define PROTO_COUNTER(name, text) uint64_t name;
	PROTO_COUNTERS(PROTO_COUNTER, PROTO_COUNTER)
#undef PROTO_COUNTER
};

struct proto_drop_count {
	uint64_t count;
	uint16_t reason;		/* enum drop_reason; DROP_NONE: no more entries follow */
	uint8_t zero[6];
};

/* The worker's word, and netd's for what its gate dropped: for people, never for decisions. */
struct proto_stats {
	struct proto_head head;
	uint32_t sandbox;
	uint32_t zero;
	struct proto_counters counters;
	struct proto_drop_count drops[PROTO_DROP_COUNTS];	/* by number, those that are not 0 */
};

/* ---- cli <-> netd ------------------------------------------------------------------------- */

/* Descriptors: network namespace, policy memfd, report socket, [events], [pcap]. */
struct proto_create {
	struct proto_head head;
	uint32_t version;		/* PROTO_VERSION */
	uint32_t flags;
	uint8_t port;			/* enum proto_port */
	uint8_t xdp_mode;		/* 0 best, 1 generic, 2 native */
	uint8_t zero[2];
	uint32_t mtu;			/* 0 = the port's default */
	uint32_t flows_max;		/* 0 = 4096 */
	uint32_t flows_per_s;		/* 0 = no limit */
	char label[PROTO_LABEL_CAP];
	struct proto_resolver resolvers[PROTO_RESOLVERS_MAX];	/* none: the host's */
};

/* The link is up, policy is in force, the worker is confined: the program may start. */
struct proto_created {
	struct proto_head head;
	uint32_t sandbox;
	uint8_t port;			/* what was taken */
	uint8_t zero[3];
	struct addr gw4, sb4, gw6, sb6;
	uint32_t mtu;
	uint32_t zero2;
	char text[PROTO_TEXT_CAP];	/* which port and why, for --port auto */
};

/* cli: tear this sandbox down. EOF on the control socket means the same for all of its sandboxes. */
struct proto_end {
	struct proto_head head;
	uint32_t sandbox;
	uint32_t zero;
};

/* netd: it is gone, nothing is left of it. Also unasked, when worker or egress died (text says so). */
struct proto_ended {
	struct proto_head head;
	uint32_t sandbox;
	uint32_t zero;
	char text[PROTO_TEXT_CAP];	/* "" after an orderly end */
};

struct proto_error {
	struct proto_head head;
	uint32_t sandbox;		/* 0: the request itself */
	uint32_t zero;
	char text[PROTO_TEXT_CAP];	/* what, why, what to do */
};

/* ---- egress -> cli (report socket) ---------------------------------------------------------- */

/* One per distinct denied destination, at the end; host is a name or an address. */
struct proto_report_denied {
	struct proto_head head;
	uint64_t count;
	uint16_t reason;
	uint16_t dport;			/* 0: any, or ICMP, or only looked up */
	uint8_t proto;			/* IPPROTO_*; 0: only looked up */
	uint8_t zero[3];
	char host[PROTO_NAME_CAP];
	char seen[PROTO_NAME_CAP];	/* refused by inspection: the server name or Host that was read; or "" */
	char spec[PROTO_NAME_CAP + 32];	/* the --allow value that would permit it; "" when none can */
};

struct proto_report_end {
	struct proto_head head;
	uint64_t flows, flows_denied, names, names_denied, up_bytes, down_bytes, dropped;
	uint64_t unlisted;		/* denied destinations beyond the report's bound */
};

/* ---- netd --listen -> netd --pooled ----------------------------------------------------------------- */

/* Serve this client and end with it. Descriptor: its connection, from now on the control socket. */
struct proto_adopt {
	struct proto_head head;
	uint32_t uid;			/* the client's, as the kernel says */
	uint32_t zero;
};

static_assert(sizeof(struct proto_head) == 8, "head");
static_assert(sizeof(struct proto_resolver) == 24, "resolver");
static_assert(sizeof(struct proto_ask_flow) == 56, "ask_flow");
static_assert(sizeof(struct proto_verdict_msg) == 512, "verdict");
static_assert(sizeof(struct proto_inspected) == 472, "inspected");
static_assert(sizeof(struct proto_ask_name) == 280, "ask_name");
static_assert(sizeof(struct proto_answer) == 288, "answer");
static_assert(sizeof(struct proto_flow_end) == 56, "flow_end");
static_assert(sizeof(struct proto_drops) == 40, "drops");
static_assert(sizeof(struct proto_stack_config) == 200, "stack_config");
static_assert(sizeof(struct proto_created) == 600, "created");
static_assert(sizeof(struct proto_stats) <= PROTO_MSG_MAX, "stats");
static_assert(sizeof(struct proto_report_denied) <= PROTO_MSG_MAX, "report_denied");

/* Zeroes *m and fills its head. */
#define PROTO_INIT(m, t)                                                                           \
	do {                                                                                       \
		__builtin_memset((m), 0, sizeof(*(m)));                                            \
		(m)->head.type = (t);                                                              \
		(m)->head.size = sizeof(*(m));                                                     \
	} while (0)

/*
 * Is this a whole message of a known type: size right for the type, head zeroes zero, every text
 * field NUL-terminated, every enum in range? 0 or -EBADMSG. buf must be 8-byte aligned.
 */
int proto_check(const void *buf, size_t len);
/* Puts a reason before the others, in place of what is said of it already; without room the last one goes. */
void proto_stats_drop(struct proto_stats *m, uint16_t reason, uint64_t count);

/* The type of a message that passed proto_check(). */
static inline enum proto_type proto_type(const void *buf)
{
	return (enum proto_type)((const struct proto_head *)buf)->type;
}

/* Where netd listens, if it does; the directory is shown in no jail. */
#define PROTO_NETD_DIR "/run/sluice-netd"
#define PROTO_NETD_SOCKET PROTO_NETD_DIR "/netd.sock"

/* How the link of every sandbox is addressed (one sandbox per namespace, so they may all be alike). */
#define LINK_SB4 "100.96.0.2"
#define LINK_GW4 "100.96.0.1"
#define LINK_SB6 "fd73:6c75:6963:6500::2"
#define LINK_GW6 "fd73:6c75:6963:6500::1"
#define LINK_SB_MAC { 0x02, 0x73, 0x6c, 0x00, 0x00, 0x02 }
/* Deliberately not the MAC of the host end: the kernel of the port namespace then ignores the frames. */
#define LINK_GW_MAC { 0x02, 0x73, 0x6c, 0x00, 0x00, 0x01 }
/* Lease pools (netd/egress/lease): synthetic addresses for shared ones, and for denied names. */
#define LEASE_SHARED4 "198.18.0.0/16"
#define LEASE_DENIED4 "198.19.0.0/16"
#define LEASE_SHARED6 "fd73:6c75:6963:6501::/64"
#define LEASE_DENIED6 "fd73:6c75:6963:6502::/64"

#endif
