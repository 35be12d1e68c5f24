UNIT += audit
UNIT_audit = cli/audit/judge.c $(OPTIONS_SRC)
UNIT_audit_LIBS = $(OPTIONS_LIBS)
