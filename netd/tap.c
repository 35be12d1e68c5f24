/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tap: makes a sandbox's TAP device. Runs in netd, inside the sandbox's namespace: a device appears in
 * the namespace in which /dev/net/tun was opened. Safe when the worker lies: the descriptor is that
 * one device, and the worker's system call filter has no ioctl.
 */
#include "netd/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

int tap_open(const char *name)
{
	/* What we take: the sandbox's kernel then leaves sums and cutting up to us. No UDP: a worker must
	 * see datagrams as they were sent. */
	const unsigned long offloads = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
	struct ifreq ifr = { .ifr_flags = (short)(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_TUN_EXCL) };
	int hdr_len = sizeof(struct virtio_net_hdr), err;
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return -errno;
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (ioctl(fd, TUNSETIFF, &ifr) < 0 || ioctl(fd, TUNSETVNETHDRSZ, &hdr_len) < 0 ||
	    ioctl(fd, TUNSETOFFLOAD, offloads) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}
