/* SPDX-License-Identifier: Apache-2.0 */
/* egress_internet: the far side of test_egress, in a process and a network namespace of its own. */
#ifndef TESTS_NET_EGRESS_INTERNET_H
#define TESTS_NET_EGRESS_INTERNET_H

void internet_run(void) __attribute__((noreturn));

#endif
