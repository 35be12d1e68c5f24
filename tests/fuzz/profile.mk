FUZZ_TARGETS += profile
FUZZ_profile = $(OPTIONS_SRC)
FUZZ_profile_LIBS = $(OPTIONS_LIBS)
