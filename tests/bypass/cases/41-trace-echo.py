# SPDX-License-Identifier: Apache-2.0
"""A request that comes back with the credential that the gateway put into it."""
TITLE = "TRACE and reflecting hosts echo an injected credential"
THREAT = "41, 42"
NA = "none of these gateways, as configured here, puts a credential into a request: there is nothing to echo"
