UNIT += port
UNIT_port := stack/port/mem.c stack/port/pool.c
