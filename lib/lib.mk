LIB_SRC := lib/addr.c lib/hash.c lib/json.c lib/log.c lib/msg.c lib/proto.c lib/reason.c
LIB_SRC += lib/sibling.c
include lib/policy/policy.mk
# Confinement is for the two programs that meet hostile bytes: they add this to their sources.
CONFINE_SRC := lib/confine.c
