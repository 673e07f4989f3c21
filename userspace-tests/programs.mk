# SPDX-License-Identifier: GPL-2.0
#
# The static guest programs, built in the current directory from $(from):
# make -f .../programs.mk from=.../userspace-tests [t_mount ...]

CFLAGS = -O2 -g0 -Wall -Wextra
flags = -static -pthread -I$(from) -MMD -MP
names := $(patsubst $(from)/%.c,%,$(wildcard $(from)/[tg]_*.c))

all: $(names)

# What the compiler says is kept beside what it makes.
lib.o: $(from)/lib.c
	$(CC) $(flags) $(CFLAGS) -c -o $@ $< 2>$@.said

# Nothing is left of what does not compile any more.
$(names): %: $(from)/%.c lib.o
	@rm -f $@
	$(CC) $(flags) $(CFLAGS) -o $@ $< lib.o 2>$@.said

.PHONY: all
-include $(wildcard *.d)
