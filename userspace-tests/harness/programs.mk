# SPDX-License-Identifier: GPL-2.0
#
# The static guest programs, one of each t_*.c, built in the current directory from
# $(from): make -f .../harness/programs.mk from=.../userspace-tests [t_mount ...]
#
# A program is made of its source, of what else it needs of its directory, and of lib/.

CFLAGS = -O2 -g0 -Wall -Wextra
# for headers in quotes alone: a name of ours hides none of the system's
flags = -static -pthread -iquote $(from)/lib -iquote $(from)/.. -MMD -MP
sources := $(wildcard $(from)/*/t_*.c $(from)/subsys/*/t_*.c)
names := $(basename $(notdir $(sources)))

all: $(names)

# What the compiler says is kept beside what it makes. Nothing is left of what does not
# compile any more.
define room
programs := $(basename $(notdir $(wildcard $(1)/t_*.c)))
objects := $(patsubst $(1)/%.c,%.o,$(filter-out $(1)/t_%,$(wildcard $(1)/*.c)))

$$(objects): programs := $$(or $$(programs),$(names))
$$(objects): %.o: $(1)/%.c
	@rm -f $$(programs)
	$(CC) $(flags) $(CFLAGS) -c -o $$@ $$< 2>$$@.said

$(notdir $(1)).a: $$(objects)
	@rm -f $$@
	$(AR) rc $$@ $$^

$$(programs): %: $(1)/%.c $(notdir $(1)).a lib.a
	@rm -f $$@
	$(CC) $(flags) $(CFLAGS) -o $$@ $$< $(notdir $(1)).a lib.a 2>$$@.said
endef
$(foreach dir,$(from)/lib $(patsubst %/,%,$(sort $(dir $(sources)))),$(eval $(call room,$(dir))))

# Where a source used to lie is no reason to stop.
$(from)/%.c: ;

.PHONY: all
-include $(wildcard *.d)
