/* SPDX-License-Identifier: Apache-2.0 */
/* view: the options about clocks, ids and /proc, text to struct jail_view. As the caller. */
#ifndef CLI_VIEW_H
#define CLI_VIEW_H

#include "sandbox/jail.h"

enum { VIEW_WHY_CAP = 256 };

/* name is the option with its dashes. 0, or -EINVAL with why (VIEW_WHY_CAP): what is wrong; what to give. */
int view_set(struct jail_view *v, const char *name, const char *value, char *why);
bool view_is_option(const char *name);
/* Of ranges of users and groups given alone, the other is the default id. */
void view_complete(struct jail_view *v);

#endif
