/* SPDX-License-Identifier: Apache-2.0 */
/* file: a policy from a file or standard input, bounded. Runs as the user who named the file. */
#include "lib/policy/policy_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lib/cleanup.h"

int file_read(int fd, size_t max, char **ret_text, size_t *ret_len)
{
	size_t cap = 64 << 10, len = 0;
	cleanup_free char *text = malloc(cap);

	while (text) {
		ssize_t n = read(fd, text + len, cap - len);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		len += (size_t)n;
		if (n == 0 || len > max) {
			*ret_text = text;
			*ret_len = len;
			text = NULL;
			return 0;
		}
		if (len == cap) {
			char *more = realloc(text, cap * 2);

			if (!more)
				return -ENOMEM;
			text = more;
			cap *= 2;
		}
	}
	return -ENOMEM;
}

int policy_add_file(struct policy *p, const char *path, struct policy_error *ret_err)
{
	bool is_stdin = strcmp(path, "-") == 0;
	cleanup_close int opened = -1;
	cleanup_free char *text = NULL;
	size_t len = 0;
	int r;

	memset(ret_err, 0, sizeof(*ret_err));
	if (!is_stdin) {
		opened = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		if (opened < 0) {
			r = -errno;
			policy_fail(ret_err, "cannot open the policy: %s; check the path", strerror(-r));
			return r == -EINVAL ? -EIO : r;
		}
	}
	r = file_read(is_stdin ? STDIN_FILENO : opened, POLICY_TEXT_MAX, &text, &len);
	if (r < 0) {
		policy_fail(ret_err, "cannot read the policy: %s; check the path", strerror(-r));
		return r == -EINVAL ? -EIO : r;
	}
	return policy_add_yaml(p, text, len, is_stdin ? "standard input" : path, ret_err);
}
