/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run: `sluice run`. Runs as the caller; starts the gateway and the jail, in this order:
 *
 *	door and logs opened with the caller's rights; user namespace if there is no root; netd; the jail's
 *	namespaces; then side by side the jail's inside, and link, policy and worker; when all of that stands
 *	and is in force, and only then, the program.
 *
 * At any failure everything already started is ended, one line is told, and the status is 125.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/device_log.h"
#include "cli/door.h"
#include "cli/gateway.h"
#include "cli/limits.h"
#include "cli/options.h"
#include "cli/status.h"
#include "cli/userns.h"
#include "cli/violations.h"
#include "lib/cleanup.h"
#include "lib/log.h"
#include "sandbox/jail.h"

static int usage(void)
{
	fputs("usage: sluice run [OPTION]... -- COMMAND [ARGUMENT]...\n"
	      "Runs COMMAND in a jail whose only network is a gateway that lets out what is allowed.\n"
	      "Without --policy or --allow nothing may leave.\n"
	      "\n", stdout);
	options_help(OPTIONS_RUN);
	fputs("\n"
	      "The exit status is COMMAND's own; 125 when sluice failed, 126 when COMMAND cannot be\n"
	      "executed, 127 when there is none, 128 + N when signal N ended it, 137 when a limit on time did.\n",
	      stdout);
	return 0;
}

enum { LANDLOCK_HAS_IOCTL = 5 };

struct run {
	struct options o;
	struct gateway g;
	struct door door;
	struct jail jail;
	struct proto_created created;
	struct violations violations;
	int device_log;		/* or -1 */
	const char *doing;	/* what a failure is one of: code of the record in --status-fd; NULL: the program ran */
};

static bool has_gateway(const struct run *r)
{
	return r->o.net == OPTIONS_NET_GATEWAY;
}

static void violation(void *arg, const struct jail_violation *v)
{
	struct run *r = arg;

	violations_take(&r->violations, v, r->o.status_fd, r->o.quiet);
}

static void watched(void *arg, const struct jail_violation *v)
{
	const struct run *r = arg;

	device_log_write(r->device_log, v);
}

static int start_jail(struct run *r)
{
	const struct jail_plan plan = {
		.argv = r->o.argv,
		.mounts = r->o.mounts.list,
		.n_mounts = r->o.mounts.n,
		.view = &r->o.view,
		.pty = r->o.pty,
		.chdir = r->o.chdir,
		.env = (const char *const *)r->o.env,
		.n_env = r->o.n_env,
		.keep_env = r->o.keep_env,
		.uid = r->o.uid,
		.gid = r->o.gid,
		.hostname = r->o.hostname,
		.dns4 = has_gateway(r) ? LINK_GW4 : NULL,
		.dns6 = has_gateway(r) ? LINK_GW6 : NULL,
		.userns = -1,
		.filter = r->o.filter.prog.len ? &r->o.filter : NULL,
		.seccomp_off = r->o.seccomp_off,
		.seccomp = r->o.seccomp,
		.on_violation = violation,
		.violation_arg = r,
		.watch = r->o.devices.watch.prog.len ? &r->o.devices.watch : NULL,
		.on_watched = watched,
		.landlock = r->o.landlock,
		.hide = r->door.hide,
		.n_hide = DOOR_HIDDEN_MAX,
		.limits = &r->o.limits,
	};
	char why[PROTO_TEXT_CAP] = "";
	int err = jail_start(&plan, &r->jail, why);

	if (err < 0)
		log_err("jail: %s", why[0] ? why : strerror(-err));
	return err;
}

static bool readable(void *arg)
{
	struct run *r = arg;

	if (door_input(&r->door))
		return true;
	status_gateway_died(r->o.status_fd, r->g.why);
	return false;
}

/* Jail and gateway, side by side, until both stand. 0, or -errno with the one line told. */
static int finish_start(struct run *r)
{
	char why[PROTO_TEXT_CAP] = "";
	int err;

	r->doing = "gateway";
	err = has_gateway(r) ? gateway_ask(&r->g, r->jail.netns, 0) : 0;
	if (err < 0)
		return err;
	r->doing = "jail";
	err = jail_built(&r->jail, why);
	if (err < 0) {
		log_err("jail: %s", why[0] ? why : strerror(-err));
		return err;
	}
	status_step(r->o.status_fd, "jail");
	if (!has_gateway(r))
		return 0;
	r->doing = "gateway";
	err = gateway_attached(&r->g, &r->created);
	if (err == 0)
		status_step(r->o.status_fd, "gateway");
	return err;
}

/* What keeps the program from other devices, and from other commands. */
static void tell_devices(const struct run *r)
{
	bool landlock = r->o.landlock != JAIL_LANDLOCK_OFF && jail_landlock_abi() >= LANDLOCK_HAS_IOCTL;
	char list[64] = "no list of commands";
	size_t n = 0;

	for (size_t i = 0; i < r->o.mounts.n; i++)
		n += r->o.mounts.list[i].kind == JAIL_DEVICE;
	if (r->o.devices.listed)
		snprintf(list, sizeof(list), "a list of %zu commands", r->o.devices.list.n_commands);
	if (n && !r->o.quiet)
		log_info("%zu device%s, held by mounts, %sLandlock, %sdevice cgroup, %s", n, n > 1 ? "s" : "",
			 landlock ? "" : "no ", r->jail.devices ? "" : "no ", list);
}

static void tell_start(const struct run *r)
{
	tell_devices(r);
	if (!r->o.quiet)
		log_info("%s%s", has_gateway(r) ? r->created.text : "no network",
			 has_gateway(r) && !r->g.netd ? ", through the listening netd" : "");
	if (r->jail.cpu_per_process)
		log_warn("no cgroup to be had here: --cpu-time holds for each process alone, in whole seconds, "
			 "going on; for all together run as root or under systemd-run --user --scope");
}

/* The program's own status, 126 or 127, or CLI_FAILED. The jail has ended then. */
static int run_program(struct run *r)
{
	char why[PROTO_TEXT_CAP] = "";
	int err, watched;

	if (finish_start(r) < 0) {
		jail_kill(&r->jail);
		return CLI_FAILED;
	}
	tell_start(r);
	r->doing = "command";
	watched = door_watch(&r->door, &r->g);
	err = watched < 0 ? watched : jail_go(&r->jail, why);
	if (err != 0) {
		jail_kill(&r->jail);
		log_err("%s", why[0] ? why : strerror(-err));
		return err > 0 ? err : CLI_FAILED;
	}
	r->doing = NULL;
	status_started(r->o.status_fd, "started", r->o.name, r->jail.pid,
		       has_gateway(r) ? &r->created : NULL);
	err = jail_wait(&r->jail, watched, readable, r);
	limits_tell(&r->jail);
	violations_end(&r->violations, r->o.quiet);
	return err;
}

static int run_all(struct run *r)
{
	char why[PROTO_TEXT_CAP] = "";

	if (!userns_needless()) {
		r->doing = "userns";
		if (userns_enter(&r->o.view, why) < 0) {
			log_err("run: %s", why);
			return CLI_FAILED;
		}
	}
	r->doing = "gateway";
	if (has_gateway(r) && gateway_start(&r->g) < 0)
		return CLI_FAILED;
	r->doing = "jail";
	if (start_jail(r) < 0)
		return CLI_FAILED;
	status_step(r->o.status_fd, "namespaces");
	return run_program(r);
}

static void tell_end(const struct run *r, int status)
{
	if (r->doing)
		status_error(r->o.status_fd, r->doing);
	status_exited(r->o.status_fd, status, &r->jail.result);
}

int cmd_run(int argc, char **argv)
{
	static struct run r = { .doing = "options" };
	int status = CLI_FAILED;

	status_clock();
	r.g = GATEWAY_NONE;
	r.device_log = -1;
	if (options_parse(&r.o, OPTIONS_RUN, argc, argv) < 0) {
		tell_end(&r, status);
		options_done(&r.o);
		return CLI_FAILED;
	}
	if (r.o.help) {
		options_done(&r.o);
		return usage();
	}
	if (gateway_open_log("--device-log", r.o.device_log, &r.device_log) == 0 && door_open(&r.door, &r.o) == 0 &&
	    gateway_prepare(&r.g, &r.o) == 0)
		status = run_all(&r);
	tell_end(&r, status);
	door_close(&r.door);
	gateway_end(&r.g);
	fd_close(&r.device_log);
	options_done(&r.o);
	return status;
}
