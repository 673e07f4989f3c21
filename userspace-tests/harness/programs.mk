# SPDX-License-Identifier: GPL-2.0
#
# The static guest programs, one of each t_*.c, built in the current directory from
# $(from): make -f .../harness/programs.mk from=.../userspace-tests [t_mount ...]

CFLAGS = -O2 -g0 -Wall -Wextra
# for headers in quotes alone: a name of ours hides none of the system's
flags = -static -pthread -iquote $(from)/lib -iquote $(from)/.. -MMD -MP
sources := $(wildcard $(from)/*/t_*.c $(from)/subsys/*/t_*.c)
names := $(basename $(notdir $(sources)))
library := $(patsubst $(from)/lib/%.c,lib_%.o,$(wildcard $(from)/lib/*.c))
vpath t_%.c $(sort $(dir $(sources)))

all: $(names)

# What the compiler says is kept beside what it makes. Nothing is left of what does not
# compile any more.
$(library): lib_%.o: $(from)/lib/%.c
	@rm -f $(names)
	$(CC) $(flags) $(CFLAGS) -c -o $@ $< 2>$@.said

lib.a: $(library)
	@rm -f $@
	$(AR) rc $@ $(library)

$(names): %: %.c lib.a
	@rm -f $@
	$(CC) $(flags) $(CFLAGS) -o $@ $< lib.a 2>$@.said

# Where a source used to lie is no reason to stop.
$(from)/%.c: ;

.PHONY: all
-include $(wildcard *.d)
