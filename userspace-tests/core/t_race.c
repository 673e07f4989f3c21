// SPDX-License-Identifier: GPL-2.0
/*
 * A data race in a module is reported on the kernel that looks for them (run --kcsan), so that
 * silence of the other tests there means something. The harness overlooks this report alone.
 */
#define _GNU_SOURCE
#include <string.h>
#include <unistd.h>
#include "lib.h"

int main(void)
{
	char *text = NULL;
	const char *module;
	int log;

	setup();
	module = modfile("racetest");
	if (access("/sys/kernel/debug/kcsan", F_OK)) {
		skip("this kernel does not look for data races");
		finish();
	}
	log = kmsg_open();
	err(modinsert(module, ""), 0, "two threads count in one variable");
	kmsg_lines(log, &text);
	ok(strstr(text, "BUG: KCSAN: data-race in race"), "the kernel reports a race of theirs");
	err(rmmod("racetest"), 0, "the module unloads");
	close(log);
	finish();
}
