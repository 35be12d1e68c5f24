/* SPDX-License-Identifier: Apache-2.0 */
/* A port namespace, a sandbox's namespace, and one real link between them, for test_ports.c. */
#ifndef TESTS_PLATFORM_PORTS_WORLD_H
#define TESTS_PLATFORM_PORTS_WORLD_H

#include <stdbool.h>

#include "netd/link.h"
#include "stack/port/port.h"
#include "stack/port/vnet.h"

struct kind {
	const char *name;
	enum proto_port port;
	uint8_t xdp_mode;
	uint32_t mtu;
};

struct world {
	int home;			/* the namespace that plays netd's */
	int sb;				/* the sandbox's */
	struct link l;
	struct port *p;
};

extern bool is_rootless;

/* Becomes an ordinary user who is root in a user namespace of his own, with a TAP device he may open. */
void world_become_rootless(void);
/* A fresh pair of namespaces, no link yet; we are in the first. */
void world_init(struct world *w);
/* False: this kind cannot be made here, which was expected (and said). */
bool world_link(struct world *w, const struct kind *k);
/* The worker's side of a link. */
struct port *world_port(const struct link *l);
void world_done(struct world *w);

/* Runs a shell command inside a namespace; returns what it printed (a static buffer). */
const char *world_sh(int netns, const char *command);
/* A raw socket with virtio-net headers on the sandbox's eth0, or a UDP socket bound to port 7 of it. */
int world_raw(const struct world *w);
int world_udp(const struct world *w, int family);
int world_open_fds(void);

/* Waits up to five seconds, then fails the test. */
void wait_for(int fd, short events);
/* The next frame from the sandbox that carries our EtherType or our UDP port; others are put back. */
struct frame *world_rx(struct port *p);
void world_gather(const struct frame *f, uint8_t *ret_bytes);

/* An Ethernet + IPv4 + (UDP or TCP) frame of len bytes with the pseudo-header sum in place. */
void make_frame(uint8_t *f, uint32_t len, uint8_t proto, bool from_sandbox);
struct tx_frame tx_of(const struct iovec *iov, uint8_t proto, uint32_t mtu);
/* Sends it as the sandbox's kernel would hand it over, through a raw socket. */
void send_raw(int fd, const void *frame, size_t len, uint32_t mtu);
ssize_t try_send_raw(int fd, const void *frame, size_t len, uint32_t mtu);

#define assert_has(text, part)                                                                     \
	do {                                                                                       \
		if (!strstr(text, part))                                                           \
			fail_msg("no \"%s\" in:\n%s", part, text);                                \
	} while (0)
#define assert_lacks(text, part)                                                                   \
	do {                                                                                       \
		if (strstr(text, part))                                                            \
			fail_msg("\"%s\" in:\n%s", part, text);                                   \
	} while (0)

#endif
