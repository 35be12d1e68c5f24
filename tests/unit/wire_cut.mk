UNIT += wire_cut
UNIT_wire_cut := bench/wire_cut.c
