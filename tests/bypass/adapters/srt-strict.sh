#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Adapter: sandbox-runtime with everything that it can do against these attacks: TLS interception with a
# certificate authority in the sandbox, host checks, no tunnels that it cannot see into.
exec env SRT_STRICT=1 "$(dirname "$0")/srt.sh" "$@"
