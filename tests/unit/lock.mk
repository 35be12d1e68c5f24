UNIT += lock
UNIT_lock := lib/lock/lock.c
