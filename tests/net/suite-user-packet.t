#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The network suite: PORT=packet AS=user.
set -eu
. "$(dirname "$0")/internet.sh"
. "$(dirname "$0")/suite.sh"
internet_enter "$0" "$@"
internet_up
PORT=packet AS=user
suite_all
done_testing
