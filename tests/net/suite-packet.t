#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The network suite: PORT=packet AS=root.
set -eu
. "$(dirname "$0")/internet.sh"
. "$(dirname "$0")/suite.sh"
internet_enter "$0" "$@"
internet_up
PORT=packet AS=root
suite_all
done_testing
