UNIT += tcp_check
UNIT_tcp_check := stack/ip/tcp_check.c
UNIT += flow
UNIT_flow := stack/flow.c $(LIB_SRC)
