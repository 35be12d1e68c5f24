/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tenants: hosts that strangers share, beyond what the Public Suffix List has.
 *
 * X(name, kind): WIDE, a registrable domain below which customers have names of their own, so *.NAME and what
 * lies between name and customer is a stranger's too; STORE, one host at which anyone can leave data.
 * Short on purpose: what is here is warned about, what is not is not thereby safe.
 *
 * Sources, November 2026: the services' own documentation of their host names; the exfiltration sections of
 * lots-project.com (Living Off Trusted Sites); the egress allowlist of Dependabot's proxy and its comments.
 */
#ifndef LIB_POLICY_TENANTS_H
#define LIB_POLICY_TENANTS_H

#define TENANT_HOSTS(X)                                                                             \
	X("amazonaws.com", WIDE)                                                                    \
	X("atlassian.net", WIDE)                                                                    \
	X("azure.com", WIDE)                                                                        \
	X("azure.net", WIDE)                                                                        \
	X("azureedge.net", WIDE)                                                                    \
	X("azurefd.net", WIDE)                                                                      \
	X("backblazeb2.com", WIDE)                                                                  \
	X("cloudflarestorage.com", WIDE)                                                            \
	X("cloudfront.net", WIDE)                                                                   \
	X("dropboxusercontent.com", WIDE)                                                           \
	X("github.com", WIDE)                                                                       \
	X("githubusercontent.com", WIDE)                                                            \
	X("gitlab.io", WIDE)                                                                        \
	X("google.com", WIDE)                                                                       \
	X("hf.space", WIDE)                                                                         \
	X("jfrog.io", WIDE)                                                                         \
	X("ngrok.app", WIDE)                                                                        \
	X("ngrok-free.app", WIDE)                                                                   \
	X("office.com", WIDE)                                                                       \
	X("sharepoint.com", WIDE)                                                                   \
	X("slack.com", WIDE)                                                                        \
	X("trycloudflare.com", WIDE)                                                                \
	X("vsassets.io", WIDE)                                                                      \
	X("wasabisys.com", WIDE)                                                                    \
	X("windows.net", WIDE)                                                                      \
	X("0x0.st", STORE)                                                                          \
	X("api.github.com", STORE)                                                                  \
	X("api.telegram.org", STORE)                                                                \
	X("bitbucket.org", STORE)                                                                   \
	X("cdn.jsdelivr.net", STORE)                                                                \
	X("content.dropboxapi.com", STORE)                                                          \
	X("discord.com", STORE)                                                                     \
	X("docs.google.com", STORE)                                                                 \
	X("drive.google.com", STORE)                                                                \
	X("gist.github.com", STORE)                                                                 \
	X("gist.githubusercontent.com", STORE)                                                      \
	X("github.com", STORE)                                                                      \
	X("gitlab.com", STORE)                                                                      \
	X("hooks.slack.com", STORE)                                                                 \
	X("huggingface.co", STORE)                                                                  \
	X("pastebin.com", STORE)                                                                    \
	X("raw.githubusercontent.com", STORE)                                                       \
	X("script.google.com", STORE)                                                               \
	X("sites.google.com", STORE)                                                                \
	X("storage.googleapis.com", STORE)                                                          \
	X("unpkg.com", STORE)                                                                       \
	X("webhook.site", STORE)                                                                    \
	X("www.googleapis.com", STORE)

#endif
