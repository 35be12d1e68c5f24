/* SPDX-License-Identifier: Apache-2.0 */
/*
 * door: the socket by which the policy of a running sandbox is replaced and its counters are read, and who lives
 * behind the others.
 *
 * `sluice run` and `sluice attach` open one, `sluice policy set` and `sluice ps` knock. A request is
 * PROTO_POLICY_SET with sandbox 0 and three descriptors: the policy (a sealed memfd), and the sender's user
 * and pid namespaces. The answer is PROTO_POLICY_STATE or PROTO_ERROR. PROTO_STATS_GET comes with the namespaces
 * alone; its answer is PROTO_STATS or PROTO_ERROR, and none when the worker gives none.
 */
#ifndef CLI_DOOR_H
#define CLI_DOOR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/un.h>

struct gateway;
struct options;

enum {
	DOOR_CLIENTS_MAX = 8,
	DOOR_HIDDEN_MAX = 4,
	DOOR_PATH_CAP = sizeof(((struct sockaddr_un *)0)->sun_path),
	DOOR_WHY_CAP = 512,
};

struct door {
	int listener;			/* -1: there is no door */
	int poll_fd;			/* epoll; -1 before door_watch() */
	int clients[DOOR_CLIENTS_MAX];	/* -1: free */
	unsigned int next_client;
	bool busy;			/* the gateway owes an answer */
	bool counting[DOOR_CLIENTS_MAX];	/* clients that wait for PROTO_STATS */
	int asker;			/* client that it is for, -1: it has left */
	struct gateway *g;		/* borrowed */
	char path[DOOR_PATH_CAP];
	struct stat file;		/* what was made at path */
	struct stat user_ns, pid_ns;	/* of this process, as it was started */
	char hidden[DOOR_HIDDEN_MAX][DOOR_PATH_CAP];
	const char *hide[DOOR_HIDDEN_MAX];	/* directories of doors, for jail_plan.hide */
};

/*
 * Makes the socket; must be called before the process changes its user namespace. Without --name a door
 * that cannot be is done without. d->hide is filled. 0, or -errno with the one line told. door_close() in any case.
 */
int door_open(struct door *d, const struct options *o);
/* The sandbox runs: serve. The descriptor to poll, readable when door_input() is to be called, or -errno. */
int door_watch(struct door *d, struct gateway *g);
/* Serves the door and the gateway. False, with the line told, when the gateway has died. */
bool door_input(void *d);
/* Removes the socket; who waits at it sees the end. */
void door_close(struct door *d);

/* The caller's directory of doors in buf (DOOR_PATH_CAP bytes). 0, or -errno with why. */
int door_dir(char *buf, char *why);
/* Connects to the door of this name. The descriptor, or -errno with why (DOOR_WHY_CAP bytes). */
int door_connect(const char *name, char *why);

#endif
