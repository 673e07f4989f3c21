// SPDX-License-Identifier: GPL-2.0
/*
 * What containerctl does as its configuration says: save, diff and apply, and the rules that say
 * where tasks belong.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include "ctl.h"

#define CONF "/tmp/ctl.conf"
#define CONF_D "/tmp/ctl.d"
#define SYSTEM "/etc/containerctl.conf"

static void test_config(void)
{
	ctl("mount cpuacct bc --name jobs && " CTL " create jobs:/web");
	ctl("mount cpuset");
	ctl("create --inherit-cpuset cpuset:/a cpuset:/a/b");
	ctl("create --owner %d jobs:/mine", USER);
	ctl("limit jobs:/mine files=300:400");
	check("save", ctl("save >" CONF " && cat " CONF), 0, "[mount jobs]", "[cpuset:/a/b]",
	      "bc.numfiles.barrier = 300", "owner = 1000:", NULL);
	check("nothing differs", ctl("diff " CONF), 0, NULL);
	streq(out, "", "and nothing is said");
	ctl("limit jobs:/mine files=5");
	check("one thing does", ctl("diff " CONF), 1, "jobs:/mine bc.numfiles.limit: 5 -> 400\n", NULL);
	check("dry run", ctl("apply --dry-run " CONF), 0, "bc.numfiles.limit: 5 -> 400", NULL);
	eq(getnum(RUN "/jobs/mine/bc.numfiles.limit"), 5, "does nothing");
	check("apply, in whichever order the kernel takes it", ctl("apply " CONF), 0, NULL);
	eq(getnum(RUN "/jobs/mine/bc.numfiles.barrier"), 300, "the barrier");
	eq(getnum(RUN "/jobs/mine/bc.numfiles.limit"), 400, "the limit");
	ctl("delete -r jobs:/mine cpuset:/a jobs:/web");
	check("umount", ctl("umount jobs cpuset"), 0, NULL);
	check("diff against nothing", ctl("diff " CONF), 1, "mount jobs", "create jobs:/mine", NULL);
	check("apply makes all of it", ctl("apply " CONF), 0, "mount cpuset", "create cpuset:/a/b", NULL);
	check("then nothing differs", ctl("diff " CONF), 0, NULL);
	check("apply from standard input", ctl("save jobs | " CTL " apply"), 0, NULL);
	streq(out, "", "does nothing twice");

	write_file(CONF, "[mount jobs]\nname = jobs\n\n[jobs:/new]\nbc.numfiles.limt = 3\nfoo\n[x]\n");
	check("what is wrong, and where", ctl("apply " CONF), 1, CONF ":6:1: \"foo\"", CONF ":7:2:",
	      "nothing was done", NULL);
	write_file(CONF, "[jobs:/new]\nbc.numfiles.limt = 3\n[nosuch:/x]\n");
	check("names are looked at", ctl("apply " CONF), 1, CONF ":2:1: ", "bc.numfiles.limt", CONF ":3:2: ",
	      NULL);
	write_file(CONF, "[jobs:/new]\nbc.numfiles.limit = 3o\nauto_delete = yes\n[cpuset:/a]\ncpuset.cpus = 0;1\n");
	check("so are values", ctl("apply " CONF), 1, CONF ":2:1: bc.numfiles.limit is a decimal number",
	      CONF ":3:1: auto_delete is 0 or 1, not \"yes\"", CONF ":5:1: cpuset.cpus is a list", NULL);
	write_file(CONF, "[cpuset:/a]\ncpuset.cpus = 0,77\n");
	check("what the kernel refuses", ctl("apply " CONF), 1, "77 is not there", NULL);
	ok(access(RUN "/jobs/new", F_OK), "nothing was made");
	unlink(CONF);

	/* several files are one text; of a directory, those that are meant */
	mkdir(CONF_D, 0755);
	write_file(CONF_D "/1.conf", "[jobs:/one]\nbc.numfiles.limit = 401\n");
	write_file(CONF_D "/2.conf", "[jobs:/one/two]\nbc.numfiles.limit = 301\n");
	write_file(CONF_D "/2.conf.old", "rubbish\n");
	check("apply a directory", ctl("apply " CONF_D), 0, "create jobs:/one\n", "create jobs:/one/two\n", NULL);
	eq(getnum(RUN "/jobs/one/two/bc.numfiles.limit"), 301, "the second file");
	write_file(CONF, "[jobs:/new]\n[jobs:/one]\n");
	check("a section in two files", ctl("apply " CONF " " CONF_D), 1, CONF_D "/1.conf:1:2: ",
	      "is in " CONF ":2 already", NULL);
	write_file(CONF_D "/2.conf", "bc.numfiles.limit = 5\n");
	check("no file goes on with the section of another", ctl("apply " CONF_D), 1,
	      CONF_D "/2.conf:1:1: a setting before", NULL);
	ok(access(RUN "/jobs/new", F_OK), "nothing was made");
	check("apply at boot, without anything", ctl("apply --system"), 0, NULL);
	streq(out, "", "is nothing");
	mkdir(SYSTEM ".d", 0755);
	write_file(SYSTEM ".d/a.conf", "[jobs:/one/two]\nbc.numfiles.limit = 302\n");
	check("with a directory alone", ctl("apply --system"), 0, "bc.numfiles.limit: 301 -> 302", NULL);
	write_file(SYSTEM, "[jobs:/one]\nbc.numfiles.limit = 402\n");
	check("with both", ctl("diff --system"), 1, "bc.numfiles.limit: 401 -> 402", NULL);
	check("and no others", ctl("apply --system " CONF), 64, "--system", NULL);
	unlink(SYSTEM);
	unlink(SYSTEM ".d/a.conf");
	rmdir(SYSTEM ".d");
	/* the example that is shipped is one */
	check("the example", ctl("diff /docs/containerctl.conf"), 1, "create jobs:/students\n", NULL);
	unlink(CONF_D "/1.conf");
	unlink(CONF_D "/2.conf");
	unlink(CONF_D "/2.conf.old");
	rmdir(CONF_D);
	unlink(CONF);
	ctl("delete -r jobs:/one");
	check("delete", ctl("delete -r jobs:/mine jobs:/web cpuset:/a"), 0, NULL);
	check("umount", ctl("umount jobs cpuset"), 0, NULL);
}

/* Values that mean the same, and those that mean nothing. */
static void test_config_values(void)
{
	static const char mount[] = "[mount jobs]\nsubsystems = cpuacct , bc,\tnumtasks\n[jobs:/web]\n";
	static const char top[] = RUN "/cpuacct,bc,numtasks";

	write_file(CONF, "[mount cpuset]\nsubsystems = cpuset\nnoprefix = yes\nclone_children = 10\n");
	check("a flag of a mount is 0 or 1", ctl("apply " CONF), 1,
	      CONF ":3:1: noprefix is 0 or 1, not \"yes\"\n", CONF ":4:1: clone_children is 0 or 1",
	      "nothing was done", NULL);
	write_file(CONF, "[mount cpuset]\nsubsystems = cpuset\nnoprefix = 0\nclone_children = 1\n");
	check("either of them", ctl("apply " CONF), 0, "mount cpuset: cpuset\n", NULL);
	ok(!access(RUN "/cpuset/cpuset.cpus", F_OK), "with the prefix");
	eq(getnum(RUN "/cpuset/clone_children"), 1, "and the parent's settings");
	check("umount", ctl("umount cpuset"), 0, NULL);

	write_file(CONF, P("%sbc.numfiles.limit = 400\n", mount));
	check("blanks around commas", ctl("apply " CONF), 0, "mount jobs: cpuacct,bc,numtasks\n",
	      "create jobs:/web\n", NULL);
	check("an active hierarchy is found so, too", ctl("diff " CONF), 0, NULL);
	streq(out, "", "nothing differs");

	write_file(CONF, P("%snumtasks.shares = max_shares=5\n", mount));
	check("one share", ctl("apply " CONF), 0, ",max_shares=-3,", " -> max_shares=5\n", NULL);
	check("is compared alone", ctl("diff " CONF), 0, NULL);
	streq(out, "", "nothing differs");
	write_file(CONF, P("%snumtasks.shares = child_shares_divisor=50,min_shares=-1,max_shares=5\n", mount));
	check("several, in any order, one unchanged", ctl("apply " CONF), 0, " -> child_shares_divisor=50", NULL);
	check("then", ctl("apply " CONF), 0, NULL);
	streq(out, "", "nothing differs");
	write_file(CONF, P("%snumtasks.shares = max_shares=55\n", mount));
	check("another value", ctl("diff " CONF), 1, " -> max_shares=55\n", NULL);
	write_file(CONF, P("%snumtasks.shares = max_shares=5,\n", mount));
	check("what is no share", ctl("apply " CONF), 1, "EINVAL", NULL);

	err(put(P("%s/release_agent", top), "/tmp/a\nb"), 0, "a newline in the agent's path");
	streq(get(P("%s/release_agent", top)), "/tmp/a\nb\n", "is taken");
	check("so no rule forbids it", ctl("errors release_agent EINVAL"), 0, "zero byte", NULL);
	ok(!strstr(out, "newline"), "and none is named");
	unlink(CONF);
	check("delete", ctl("delete bc:/web && " CTL " umount bc"), 0, NULL);
}

#define NOBODY 65534

static void test_rules(void)
{
	pid_t p;

	check("mount", ctl("mount bc --name jobs && " CTL " mount none --name other"), 0, NULL);
	write_file(CONF, "[rules]\nroot:top* = jobs:/a\n@nogroup = jobs:/users/%u, other:/x\n* = jobs:/\n");
	check("rules test: by the command", ctl("rules test root /usr/bin/topper -f " CONF), 0, "jobs:/a",
	      CONF ":2: root:top*", NULL);
	check("by the group, in each hierarchy", ctl("rules test nobody make -f " CONF " --json"), 0,
	      "\"jobs:/users/nobody\"", "\"other:/x\"", CONF ":3: @nogroup", NULL);
	check("anybody", ctl("rules test root make -f " CONF " --raw --noheadings -o container"), 0, NULL);
	streq(out, "jobs:/\n", "is the last one");
	check("nobody of that name", ctl("rules test nosuch make -f " CONF), 1, "no user nosuch", NULL);
	check("a text that has rules is applied as any", ctl("apply " CONF), 0, NULL);
	streq(out, "", "and does nothing");

	p = fork();
	if (!p) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		drop_to(NOBODY);
		pause();
	}
	ok(wait_for(strstr(get(P("/proc/%d/status", p)) ?: "", "Uid:\t65534")), "a process of another user's");
	check("rules apply --dry-run", ctl("rules apply -n -f " CONF " %d", p), 0,
	      P("%d (t_ctlconfig) of nobody: jobs:/users/nobody\n", p), NULL);
	ok(access(RUN "/jobs/users", F_OK), "does nothing");
	check("rules apply", ctl("rules apply -f " CONF " %d", p), 0, NULL);
	eq(nids(RUN "/jobs/users/nobody/procs") + nids(RUN "/other/x/procs"), 2, "he is where he belongs");
	mkdir(RUN "/jobs/else", 0755);
	movepid(RUN "/jobs/else", p);
	check("rules apply, to all", ctl("rules apply -f " CONF), 0, NULL);
	eq(nids(RUN "/jobs/else/procs"), 1, "who was placed by somebody stays");
	reap(p);

	write_file(CONF, "[rules]\nnosuch = jobs:/a\nroot:/bin/x = jobs\n* = gone:/x\n");
	check("wrong rules are told, with their lines", ctl("rules test root x -f " CONF), 1,
	      CONF ":2:1: there is no user \"nosuch\"", CONF ":3:1: a command is a name",
	      CONF ":3:1: \"jobs\" is not HIERARCHY:/path", CONF ":4:1: there is no hierarchy gone", NULL);
	unlink(CONF);
	check("rules at boot, of which there are none", ctl("rules test root x"), 1, "no rule is about", NULL);
	check("delete", ctl("delete -r jobs:/users jobs:/else other:/x"), 0, NULL);
	check("umount", ctl("umount jobs other"), 0, NULL);
}

int main(void)
{
	setup_bare();
	CASE(test_config());
	CASE(test_config_values());
	CASE(test_rules());
	finish();
}
