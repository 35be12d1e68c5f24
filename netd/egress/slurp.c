/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slurp: reads /etc/hosts and /etc/resolv.conf before confinement, and policies from the descriptors that
 * netd passes after it. With pread(2), never mmap(2): the other side could shorten the file meanwhile.
 */
#include "netd/egress/slurp.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"

int slurp_fd(int fd, size_t max, char **ret_text, size_t *ret_len)
{
	cleanup_free char *text = NULL;
	size_t len = 0, cap = 0;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	for (;;) {
		ssize_t n;

		if (cap - len < 2) {
			char *more;

			cap = cap ? cap * 2 : 4096;
			more = realloc(text, cap);
			if (!more)
				return -ENOMEM;
			text = more;
		}
		n = pread(fd, text + len, cap - len - 1, (off_t)len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
		if (len > max)
			return -EFBIG;
	}
	text[len] = '\0';
	*ret_text = text;
	*ret_len = len;
	text = NULL;
	return 0;
}

int slurp_path(const char *path, size_t max, char **ret_text, size_t *ret_len)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return -errno;
	return slurp_fd(fd, max, ret_text, ret_len);
}
