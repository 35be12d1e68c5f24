# SPDX-License-Identifier: Apache-2.0
"""A parent proxy that resolves the name once more."""
TITLE = "split horizon with a parent proxy"
THREAT = "20"
NA = "no gateway here is configured with a parent proxy; Sluice has none and dials the address that it judged"
