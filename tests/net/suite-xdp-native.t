#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The network suite: PORT=xdp AS=root XDP_MODE=native.
set -eu
. "$(dirname "$0")/internet.sh"
. "$(dirname "$0")/suite.sh"
internet_enter "$0" "$@"
internet_up
PORT=xdp AS=root XDP_MODE=native
suite_all
done_testing
