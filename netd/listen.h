/* SPDX-License-Identifier: Apache-2.0 */
/* listen: sluice-netd --listen, the daemon that hands each client a netd of its own. */
#ifndef NETD_LISTEN_H
#define NETD_LISTEN_H

/* argv[0] is --listen; the exit status. */
int listen_main(int argc, char **argv);

#endif
