/* SPDX-License-Identifier: Apache-2.0 */
/*
 * netns: namespace changes, sysctls and offload settings. Runs in netd.
 *
 * Offloads go through the ethtool ioctls, by feature name: bit numbers differ between kernels.
 */
#include "netd/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/log.h"

int netns_enter(int netns, int *ret_home)
{
	int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	if (home < 0)
		return -errno;
	if (setns(netns, CLONE_NEWNET) < 0) {
		int err = -errno;

		close(home);
		return err;
	}
	*ret_home = home;
	return 0;
}

void netns_leave(int home)
{
	if (setns(home, CLONE_NEWNET) < 0) {
		log_err("cannot return to the port namespace: %m");
		abort();
	}
	close(home);
}

static int sysctl_open(const char *path, int flags)
{
	char full[128];
	int fd;

	if (snprintf(full, sizeof(full), "/proc/sys/%s", path) >= (int)sizeof(full))
		return -ENAMETOOLONG;
	fd = open(full, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int netns_sysctl_set(const char *path, const char *value)
{
	size_t len = strlen(value);
	int fd = sysctl_open(path, O_WRONLY), err = 0;

	if (fd < 0)
		return fd;
	if (write(fd, value, len) != (ssize_t)len)
		err = -errno;
	close(fd);
	return err;
}

int netns_sysctl_get(const char *path, long *ret_value)
{
	char buf[32] = "", *end;
	int fd = sysctl_open(path, O_RDONLY);
	ssize_t n;
	long value;

	if (fd < 0)
		return fd;
	n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	if (n <= 0)
		return -EIO;
	value = strtol(buf, &end, 10);
	if (end == buf)
		return -EIO;
	*ret_value = value;
	return 0;
}

bool netns_has_ipv6(void)
{
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return false;
	close(fd);
	return access("/proc/sys/net/ipv6", F_OK) == 0;
}

/* ---- offloads --------------------------------------------------------------------------------- */

static const char *const features_off[] = {
	"tx-udp-segmentation",		/* datagrams of several would arrive as one */
	"tx-vlan-hw-insert",		/* the tag would be beside the frame, not in it */
	"tx-vlan-stag-hw-insert",
	"tx-checksum-sctp",		/* CRC32c, not a sum */
	"tx-checksum-fcoe-crc",
	"tx-sctp-segmentation",
	"tx-fcoe-segmentation",
	"tx-gre-segmentation",		/* tunnels: a header chain inside another */
	"tx-gre-csum-segmentation",
	"tx-ipxip4-segmentation",
	"tx-ipxip6-segmentation",
	"tx-udp_tnl-segmentation",
	"tx-udp_tnl-csum-segmentation",
	"tx-tunnel-remcsum-segmentation",
	"tx-gso-partial",
	"tx-gso-list",
	"tx-gso-robust",		/* sizes that nobody checked */
	"tx-esp-segmentation",
	"tx-macsec-hw-offload",
};

static const char *const features_tso[] = {
	"tx-tcp-segmentation",
	"tx-tcp-ecn-segmentation",
	"tx-tcp-accecn-segmentation",
	"tx-tcp-mangleid-segmentation",
	"tx-tcp6-segmentation",
};

static bool is_listed(const char *name, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(name, list[i]) == 0)
			return true;
	return false;
}

static int ethtool(int sock, const char *ifname, void *arg)
{
	struct ifreq ifr = { .ifr_data = arg };

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", ifname);
	return ioctl(sock, SIOCETHTOOL, &ifr) < 0 ? -errno : 0;
}

/* The kernel's names of its features, n of ETH_GSTRING_LEN bytes each. NULL on failure. */
static struct ethtool_gstrings *feature_names(int sock, const char *ifname)
{
	cleanup_free struct ethtool_sset_info *info = calloc(1, sizeof(*info) + sizeof(info->data[0]));
	struct ethtool_gstrings *names;

	if (!info)
		return NULL;
	info->cmd = ETHTOOL_GSSET_INFO;
	info->sset_mask = 1ull << ETH_SS_FEATURES;
	if (ethtool(sock, ifname, info) < 0 || info->sset_mask == 0 || info->data[0] > 1024)
		return NULL;
	names = calloc(1, sizeof(*names) + (size_t)info->data[0] * ETH_GSTRING_LEN);
	if (!names)
		return NULL;
	names->cmd = ETHTOOL_GSTRINGS;
	names->string_set = ETH_SS_FEATURES;
	names->len = info->data[0];
	if (ethtool(sock, ifname, names) < 0) {
		free(names);
		return NULL;
	}
	return names;
}

int netns_offloads_off(const char *ifname, bool keep_tso)
{
	cleanup_close int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	cleanup_free struct ethtool_gstrings *names = NULL;
	cleanup_free struct ethtool_sfeatures *set = NULL;
	uint32_t blocks;
	int err;

	if (sock < 0)
		return -errno;
	names = feature_names(sock, ifname);
	if (!names)
		return -EOPNOTSUPP;
	blocks = (names->len + 31) / 32;
	set = calloc(1, sizeof(*set) + blocks * sizeof(set->features[0]));
	if (!set)
		return -ENOMEM;
	set->cmd = ETHTOOL_SFEATURES;
	set->size = blocks;
	for (uint32_t i = 0; i < names->len; i++) {
		char name[ETH_GSTRING_LEN + 1] = "";

		memcpy(name, names->data + (size_t)i * ETH_GSTRING_LEN, ETH_GSTRING_LEN);
		if (is_listed(name, features_off, sizeof(features_off) / sizeof(features_off[0])) ||
		    (!keep_tso &&
		     is_listed(name, features_tso, sizeof(features_tso) / sizeof(features_tso[0]))))
			set->features[i / 32].valid |= 1u << (i % 32);
	}
	/* A positive result names bits that the device does not have or does not let go; of those that
	 * matter the second kind does not exist on veth and tap (tests/platform/test_ports.c). */
	err = ethtool(sock, ifname, set);
	return err < 0 ? err : 0;
}
