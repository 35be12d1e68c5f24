/* SPDX-License-Identifier: Apache-2.0 */
/* See ports_world.h. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "netd/netns.h"
#include "netd/psock.h"
#include "tests/platform/ports_world.h"

enum { NOBODY = 65534, WAIT_MS = 5000 };

bool is_rootless;

static void put_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text)) {
		perror(path);
		exit(1);
	}
	close(fd);
}

void world_become_rootless(void)
{
	/* Where only root may open /dev/net/tun: a node that everybody may open, in our own mounts. */
	if (unshare(CLONE_NEWNS) < 0 || mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", "/dev/net", "tmpfs", 0, "mode=755") < 0 ||
	    mknod("/dev/net/tun", S_IFCHR | 0666, makedev(10, 200)) < 0 || chmod("/dev/net/tun", 0666) < 0)
		printf("# no TAP device for ordinary users: %s\n", strerror(errno));
	if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
	    setresuid(NOBODY, NOBODY, NOBODY) < 0 || prctl(PR_SET_DUMPABLE, 1) < 0 ||
	    unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0) {
		perror("becoming an ordinary user");
		exit(1);
	}
	put_file("/proc/self/setgroups", "deny");
	put_file("/proc/self/uid_map", "0 65534 1");
	put_file("/proc/self/gid_map", "0 65534 1");
	is_rootless = true;
}

static int own_netns(void)
{
	int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

void world_init(struct world *w)
{
	*w = (struct world){ 0 };
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	w->sb = own_netns();
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	w->home = own_netns();
}

bool world_link(struct world *w, const struct kind *k)
{
	const struct link_spec spec = { .sandbox = 7, .netns = w->sb, .want = k->port, .mtu = k->mtu,
					.xdp_mode = k->xdp_mode };
	char why[PROTO_TEXT_CAP] = "";
	int r = link_open(&spec, &w->l, why);

	if (r == 0) {
		printf("# %s\n", why);
		w->p = world_port(&w->l);
		return true;
	}
	/* An ordinary user gets no AF_XDP; everything else must work here. */
	assert_string_not_equal(why, "");
	if (!is_rootless || k->port != PROTO_PORT_XDP)
		fail_msg("%s", why);
	assert_int_equal(r, -EPERM);
	assert_non_null(strstr(why, "--port auto"));
	return false;
}

struct port *world_port(const struct link *l)
{
	const struct proto_stack_config cfg = {
		.port = (uint8_t)l->kind, .mtu = l->mtu, .xdp_native = l->xdp_native,
		.xdp_multibuf = l->xdp_multibuf, .umem_frames = l->umem_frames,
		.umem_frame_size = l->umem_frame_size, .ring_size = l->ring_size,
		.port_ifindex = (uint32_t)l->ifindex,
	};
	struct port *p = NULL;
	int r;

	if (l->kind == PROTO_PORT_XDP)
		r = port_xdp_open(&cfg, l->port_fd, l->umem_fd, l->tx_fd, &p);
	else if (l->kind == PROTO_PORT_PACKET)
		r = port_packet_open(&cfg, l->port_fd, &p);
	else
		r = port_tap_open(&cfg, l->port_fd, &p);
	assert_int_equal(r, 0);
	return p;
}

void world_done(struct world *w)
{
	port_free(w->p);
	if (w->l.kind)
		link_close(&w->l);
	close(w->home);
	close(w->sb);
}

const char *world_sh(int netns, const char *command)
{
	static char out[32768];
	int home;
	FILE *f;
	size_t n;

	assert_int_equal(netns_enter(netns, &home), 0);
	f = popen(command, "re");
	assert_non_null(f);
	n = fread(out, 1, sizeof(out) - 1, f);
	out[n] = '\0';
	pclose(f);
	netns_leave(home);
	return out;
}

int world_raw(const struct world *w)
{
	int home, fd;

	assert_int_equal(netns_enter(w->sb, &home), 0);
	fd = psock_open((int)if_nametoindex("eth0"), true);
	netns_leave(home);
	assert_true(fd >= 0);
	return fd;
}

int world_udp(const struct world *w, int family)
{
	struct sockaddr_storage sa;
	struct addr any, gw;
	socklen_t len;
	int home, fd;

	assert_int_equal(addr_parse(family == AF_INET ? LINK_SB4 : LINK_SB6, &any), 0);
	assert_int_equal(addr_parse(family == AF_INET ? LINK_GW4 : LINK_GW6, &gw), 0);
	assert_int_equal(netns_enter(w->sb, &home), 0);
	fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	len = addr_to_sockaddr(&any, 7, &sa);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, len), 0);
	len = addr_to_sockaddr(&gw, 7, &sa);
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, len), 0);
	netns_leave(home);
	return fd;
}

int world_open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

void wait_for(int fd, short events)
{
	struct pollfd pfd = { .fd = fd, .events = events };

	assert_int_equal(poll(&pfd, 1, WAIT_MS), 1);
}

/* Multicast that a kernel sends when an interface comes up is none of ours. */
static bool is_ours(const struct frame *f)
{
	const uint8_t *b = f->seg[0].iov_base;

	return f->len >= 14 && !(b[12] == 0x86 && b[0] == 0x33);
}

struct frame *world_rx(struct port *p)
{
	int rx_fd, tx_fd;

	p->ops->fds(p, &rx_fd, &tx_fd);
	for (;;) {
		struct frame *f;
		int n = port_rx(p, &f, 1);

		assert_true(n >= 0);
		if (n == 0) {
			wait_for(rx_fd, POLLIN);
			continue;
		}
		if (is_ours(f))
			return f;
		frame_put(f);
	}
}

void world_gather(const struct frame *f, uint8_t *ret_bytes)
{
	assert_true(f->seg[0].iov_len >= (f->len < 256 ? f->len : 256));
	for (int i = 0; i < f->n_segs; i++) {
		memcpy(ret_bytes, f->seg[i].iov_base, f->seg[i].iov_len);
		ret_bytes += f->seg[i].iov_len;
	}
}

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint32_t sum(const uint8_t *p, size_t len, uint32_t s)
{
	for (size_t i = 0; i < len; i += 2)
		s += (uint32_t)(p[i] << 8 | p[i + 1]);
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return s;
}

void make_frame(uint8_t *f, uint32_t len, uint8_t proto, bool from_sandbox)
{
	static const uint8_t gw[6] = LINK_GW_MAC, sb[6] = LINK_SB_MAC;
	uint32_t a4 = inet_addr(LINK_SB4), b4 = inet_addr(LINK_GW4);
	uint8_t *ip = f + 14, *l4 = ip + 20;

	for (uint32_t i = 0; i < len; i++)
		f[i] = (uint8_t)(i * 31 + i / 251);
	memset(f, 0, proto == IPPROTO_TCP ? 54 : 42);
	memcpy(f, from_sandbox ? gw : sb, 6);
	memcpy(f + 6, from_sandbox ? sb : gw, 6);
	put16(f + 12, 0x0800);
	ip[0] = 0x45;
	put16(ip + 2, len - 14);
	ip[8] = 64;
	ip[9] = proto;
	memcpy(ip + 12, from_sandbox ? &a4 : &b4, 4);
	memcpy(ip + 16, from_sandbox ? &b4 : &a4, 4);
	put16(ip + 10, ~sum(ip, 20, 0) & 0xffff);
	put16(l4, 7);
	put16(l4 + 2, 7);
	if (proto == IPPROTO_TCP) {
		l4[12] = 5 << 4;
		l4[13] = 0x10;
	} else {
		put16(l4 + 4, len - 34);
	}
	put16(l4 + (proto == IPPROTO_TCP ? 16 : 6), sum(ip + 12, 8, proto + len - 34));
}

struct tx_frame tx_of(const struct iovec *iov, uint8_t proto, uint32_t mtu)
{
	struct tx_frame f = { .iov = iov, .n_iov = 1, .len = (uint32_t)iov->iov_len, .csum_start = 34,
			      .csum_offset = proto == IPPROTO_TCP ? 16 : 6 };

	if (f.len > mtu + 14) {
		f.gso = FRAME_GSO_TCP4;
		f.gso_size = (uint16_t)(mtu - 40);
		f.hdr_len = 54;
	}
	return f;
}

ssize_t try_send_raw(int fd, const void *frame, size_t len, uint32_t mtu)
{
	struct virtio_net_hdr h = { 0 };
	struct iovec iov[2] = { { &h, VNET_LEN }, { (void *)(uintptr_t)frame, len } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };

	if (len > 60) {
		const struct tx_frame f = tx_of(&iov[1], ((const uint8_t *)frame)[23], mtu);

		vnet_fill(&f, &h);
	}
	return sendmsg(fd, &m, 0);
}

void send_raw(int fd, const void *frame, size_t len, uint32_t mtu)
{
	assert_int_equal(try_send_raw(fd, frame, len, mtu), VNET_LEN + (ssize_t)len);
}
