# Linked by sluice and sluice-egress only: the worker and the supervisor judge nothing.
POLICY_SRC := \
	lib/policy/file.c \
	lib/policy/inspect.c \
	lib/policy/name.c \
	lib/policy/policy.c \
	lib/policy/preset.c \
	lib/policy/print.c \
	lib/policy/reader.c \
	lib/policy/rule.c \
	lib/policy/span.c \
	lib/policy/spec.c \
	lib/policy/table.c \
	lib/policy/yaml.c
POLICY_LIBS := -lyaml -lidn2
# What is only for people, and linked by sluice alone.
POLICY_CLI_SRC := \
	lib/policy/explain.c \
	lib/policy/reach.c \
	lib/policy/warn.c
POLICY_CLI_LIBS := -lpsl
