#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The network suite: PORT=tap AS=user.
set -eu
. "$(dirname "$0")/internet.sh"
. "$(dirname "$0")/suite.sh"
internet_enter "$0" "$@"
internet_up
PORT=tap AS=user
suite_all
done_testing
