#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The links of test_ports.c, made by an ordinary user in a user namespace.
exec "${SLUICE_SAN:-build/san}/tests/platform/test_ports" rootless
