#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The corpus of attacks against sluice run and sluice attach, with its control. `make bypass` has more.
exec "$(dirname "$0")/run" --tap --adapter sluice --adapter sluice-attach
