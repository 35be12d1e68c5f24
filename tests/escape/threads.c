/* SPDX-License-Identifier: Apache-2.0 */
/* threads: makes 50 threads one after the other and prints how many ran; for C libraries other than the system's. */
#include <pthread.h>
#include <stdio.h>

static void *thread(void *arg)
{
	*(int *)arg += 1;
	return NULL;
}

int main(void)
{
	int n = 0;

	for (int i = 0; i < 50; i++) {
		pthread_t t;

		if (pthread_create(&t, NULL, thread, &n) || pthread_join(t, NULL))
			return 1;
	}
	printf("%d\n", n);
	return 0;
}
