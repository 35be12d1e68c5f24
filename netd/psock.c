/* SPDX-License-Identifier: Apache-2.0 */
/*
 * psock: makes the AF_PACKET sockets that a worker is given. Runs in netd, inside the port namespace.
 * Safe when the worker lies: whatever it writes, the socket reaches this namespace's interfaces only,
 * and no other sandbox's link is among them (netd/link.c).
 */
#include "netd/psock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	/*
	 * Room for what the sandbox sends while the worker is busy: 230 super-frames. The kernel
	 * doubles the figure. An ordinary user gets no more than net.core.rmem_max, on most systems
	 * 208 KiB, and then one upload overruns it all the time: 1 instead of 9 Gb/s.
	 */
	PSOCK_RCVBUF = 8 << 20,
	/*
	 * Bounds the frames under way to the sandbox. Its end takes them from a per-CPU backlog of
	 * 1000 (net.core.netdev_max_backlog), beyond which the kernel drops without telling; one small
	 * frame is charged 768 bytes, so twice this figure is at most 550 frames or five super-frames.
	 * More brings no throughput: a send runs the receiver's half before it returns.
	 */
	PSOCK_SNDBUF = 208 << 10,
};

static int set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

static int set_room(int fd)
{
	if (set(fd, SOL_SOCKET, SO_RCVBUFFORCE, PSOCK_RCVBUF) == 0)
		return 0;
	return set(fd, SOL_SOCKET, SO_RCVBUF, PSOCK_RCVBUF);
}

static int prepare(int fd, bool rx)
{
	int err = set(fd, SOL_PACKET, PACKET_VNET_HDR, 1);

	if (!err)
		err = set(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
	if (!err)
		err = set(fd, SOL_PACKET, PACKET_QDISC_BYPASS, 1);
	if (!err)
		err = set(fd, SOL_SOCKET, SO_SNDBUF, PSOCK_SNDBUF);
	if (err || !rx)
		return err;
	err = set_room(fd);
	return err ? err : set(fd, SOL_SOCKET, SO_RXQ_OVFL, 1);
}

int psock_open(int ifindex, bool rx)
{
	/* Protocol 0: nothing is received before bind() names the interface, and never without rx. */
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = ifindex,
				  .sll_protocol = rx ? htons(ETH_P_ALL) : 0 };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int err;

	if (fd < 0)
		return -errno;
	err = prepare(fd, rx);
	if (!err && bind(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		err = -errno;
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}

int psock_room(void)
{
	/* Any socket will do: the limit is the same for all. */
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), room = 0;
	socklen_t len = sizeof(room);

	if (fd < 0)
		return 0;
	if (set_room(fd) || getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, &len) < 0)
		room = 0;
	close(fd);
	return room;
}
