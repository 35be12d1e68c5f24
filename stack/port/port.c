/* SPDX-License-Identifier: Apache-2.0 */
/* port: picks the implementation that netd's configuration names. Runs in the worker, before it confines itself. */
#include "stack/port/port.h"

#include <errno.h>

int port_open(const struct proto_stack_config *cfg, struct port **ret_port)
{
	switch ((enum proto_port)cfg->port) {
	case PROTO_PORT_XDP:
		return port_xdp_open(cfg, PROTO_FD_PORT, PROTO_FD_UMEM, PROTO_FD_PORT_TX, ret_port);
	case PROTO_PORT_PACKET:
		return port_packet_open(cfg, PROTO_FD_PORT, ret_port);
	case PROTO_PORT_TAP:
		return port_tap_open(cfg, PROTO_FD_PORT, ret_port);
	case PROTO_PORT_AUTO:
	case PROTO_PORT_MEM:
		break;
	}
	return -EINVAL;
}
