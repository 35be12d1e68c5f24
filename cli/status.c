/* SPDX-License-Identifier: Apache-2.0 */
/* status: one JSON object per line on the descriptor of --status-fd. Runs as the caller. */
#include "cli/status.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/limits.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/log.h"

const char *const cli_port_names[] = {
	[PROTO_PORT_AUTO] = "auto", [PROTO_PORT_XDP] = "xdp", [PROTO_PORT_PACKET] = "packet",
	[PROTO_PORT_TAP] = "tap",   [PROTO_PORT_MEM] = "mem",
};

static uint64_t start_ns;

void status_clock(void)
{
	start_ns = clock_mono_ns();
}

static void put_line(int fd, struct json *j)
{
	ssize_t len;
	void (*old)(int);

	json_object_end(j);
	len = json_finish(j);
	if (len < 0)
		return;
	j->buf[len++] = '\n';
	/* Only here: the program must not inherit an ignored SIGPIPE. */
	old = signal(SIGPIPE, SIG_IGN);
	if (write(fd, j->buf, (size_t)len) < 0)
		log_debug("status: nobody reads the descriptor any more");
	signal(SIGPIPE, old);
}

static void begin(struct json *j, char *buf, size_t cap, const char *event)
{
	/* One byte is kept for the newline. */
	json_init(j, buf, cap - 1);
	json_object_start(j, NULL);
	json_str(j, "event", event);
	json_u64(j, "at_us", (clock_mono_ns() - start_ns) / 1000);
}

void status_step(int fd, const char *step)
{
	char buf[256];
	struct json j;

	if (fd < 0)
		return;
	begin(&j, buf, sizeof(buf), "step");
	json_str(&j, "step", step);
	put_line(fd, &j);
}

void status_error(int fd, const char *code)
{
	static char buf[4096];
	struct json j;

	if (fd < 0)
		return;
	begin(&j, buf, sizeof(buf), "error");
	json_str(&j, "code", code);
	json_str(&j, "text", log_last_error());
	put_line(fd, &j);
}

void status_started(int fd, const char *event, const char *name, pid_t pid,
		    const struct proto_created *c)
{
	char buf[1536], addr[ADDR_STRLEN];
	struct json j;

	if (fd < 0)
		return;
	begin(&j, buf, sizeof(buf), event);
	json_str(&j, "name", name);
	if (pid > 0)
		json_i64(&j, "pid", pid);
	json_str(&j, "port", c ? cli_port_names[c->port] : "none");
	if (c) {
		json_u64(&j, "mtu", c->mtu);
		json_str(&j, "address4", addr_format(&c->sb4, addr));
		json_str(&j, "address6", addr_format(&c->sb6, addr));
		json_str(&j, "gateway4", addr_format(&c->gw4, addr));
		json_str(&j, "gateway6", addr_format(&c->gw6, addr));
	}
	put_line(fd, &j);
}

void status_gateway_died(int fd, const char *why)
{
	char buf[1536];
	struct json j;

	if (fd < 0)
		return;
	begin(&j, buf, sizeof(buf), "gateway_died");
	json_str(&j, "why", why);
	put_line(fd, &j);
}

void status_violation(int fd, const struct status_violation *v)
{
	char buf[1024], arg[24];
	struct json j;

	if (fd < 0)
		return;
	begin(&j, buf, sizeof(buf), "seccomp");
	json_str(&j, "call", v->name);
	json_u64(&j, "number", v->number);
	json_str(&j, "abi", v->abi);
	json_array_start(&j, "args");
	for (size_t i = 0; i < sizeof(v->of->call.args) / sizeof(v->of->call.args[0]); i++) {
		snprintf(arg, sizeof(arg), "0x%llx", (unsigned long long)v->of->call.args[i]);
		json_str(&j, NULL, arg);
	}
	json_array_end(&j);
	json_str(&j, "answer", v->answer);
	json_bool(&j, "let_through", v->of->let_through);
	json_i64(&j, "pid", v->of->pid);
	json_str(&j, "comm", v->of->comm);
	put_line(fd, &j);
}

static void put_result(struct json *j, const struct jail_result *res)
{
	if (res->signal)
		json_i64(j, "signal", res->signal);
	if (res->struck)
		json_str(j, "limit", limits_word(res->struck));
	json_u64(j, "wall_us", res->wall_ns / 1000);
	json_u64(j, "user_us", res->user_us);
	json_u64(j, "system_us", res->system_us);
	json_u64(j, "rss_peak", res->rss_peak);
	if (res->has_memory) {
		json_u64(j, "memory_peak", res->memory_peak);
		json_u64(j, "oom_kills", res->oom_kills);
	}
	if (res->violations)
		json_u64(j, "seccomp_violations", res->violations);
	if (res->has_pids)
		json_u64(j, "pids_refused", res->pids_refused);
}

void status_exited(int fd, int status, const struct jail_result *res)
{
	char buf[512];
	struct json j;

	if (fd < 0)
		return;
	begin(&j, buf, sizeof(buf), "exited");
	json_i64(&j, "status", status);
	if (res && res->wall_ns)
		put_result(&j, res);
	put_line(fd, &j);
}
