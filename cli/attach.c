/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attach: `sluice attach`. Gives an existing network namespace (a container's, one of ip-netns(8)) the
 * gateway's link, and keeps it in the foreground until interrupted. Runs as the caller.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/door.h"
#include "cli/gateway.h"
#include "cli/options.h"
#include "cli/status.h"
#include "cli/userns.h"
#include "lib/cleanup.h"
#include "lib/log.h"

static int usage(void)
{
	fputs("usage: sluice attach --netns PATH [OPTION]...\n"
	      "Gives the network namespace PATH (/run/netns/NAME, /proc/PID/ns/net) the gateway as its only\n"
	      "link, until interrupted. The namespace must have no other link than lo.\n"
	      "\n", stdout);
	options_help(OPTIONS_ATTACH);
	return 0;
}

/* Blocked from before the link exists, so that no interrupt is lost; read from the descriptor. */
static int watch_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	return signalfd(-1, &set, SFD_CLOEXEC);
}

/* Until a signal (0) or the gateway's death (CLI_FAILED). */
static int stay(struct door *d, const struct options *o, int signals)
{
	struct pollfd p[2] = {
		{ .fd = signals, .events = POLLIN }, { .fd = d->poll_fd, .events = POLLIN },
	};

	for (;;) {
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return CLI_FAILED;
		if (p[0].revents)
			return 0;
		if (p[1].revents && !door_input(d)) {
			status_gateway_died(o->status_fd, d->g->why);
			return CLI_FAILED;
		}
	}
}

static int attach(struct gateway *g, struct door *d, const struct options *o, int netns)
{
	struct proto_created created;
	cleanup_close int signals = watch_signals();
	int status;

	if (signals < 0) {
		log_err("attach: cannot watch signals: %s; free some descriptors", strerror(errno));
		return CLI_FAILED;
	}
	if (gateway_start(g) < 0 || gateway_ask(g, netns, PROTO_ATTACH) < 0 ||
	    gateway_attached(g, &created) < 0)
		return CLI_FAILED;
	if (door_watch(d, g) < 0) {
		log_err("attach: cannot wait for the gateway: %s; free some descriptors", strerror(errno));
		return CLI_FAILED;
	}
	if (!o->quiet)
		log_info("%s%s", created.text, g->netd ? "" : ", through the listening netd");
	log_info("ready: %s is behind the gateway until this program is interrupted", o->netns);
	status_started(o->status_fd, "ready", o->name, 0, &created);
	status = stay(d, o, signals);
	status_exited(o->status_fd, status, NULL);
	return status;
}

int cmd_attach(int argc, char **argv)
{
	static struct options o;	/* large, as is the next */
	struct gateway g = GATEWAY_NONE;
	static struct door d;
	int status = CLI_FAILED;
	int netns = -1;

	status_clock();
	if (options_parse(&o, OPTIONS_ATTACH, argc, argv) < 0)
		goto out_options;
	if (o.help) {
		status = usage();
		goto out_options;
	}
	netns = open(o.netns, O_RDONLY | O_CLOEXEC);
	if (netns < 0) {
		log_err("attach: --netns %s: %s; give a namespace that exists and that you may enter",
			o.netns, strerror(errno));
		goto out_options;
	}
	if (door_open(&d, &o) == 0 && gateway_prepare(&g, &o) == 0) {
		if (!userns_needless())
			log_err("attach: only root may enter another network namespace; run it as root");
		else
			status = attach(&g, &d, &o, netns);
	}
	door_close(&d);
	gateway_end(&g);
out_options:
	fd_close(&netns);
	options_done(&o);
	return status;
}
