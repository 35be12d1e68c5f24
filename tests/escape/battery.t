#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The battery against the jail of sluice run, with its control. `make escape` has other jails beside it.
exec "$(dirname "$0")/battery" --tap --jail sluice --jail sluice-user
