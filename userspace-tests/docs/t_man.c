// SPDX-License-Identifier: GPL-2.0
/*
 * The manual against what there is: each control file and module parameter is in the FILES
 * of its page, and each name there exists; each resource of bc, each errno that containerctl
 * knows of, each of its commands and their options is described.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fnmatch.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "lib.h"

#define DOCS "/docs"
#define TOP "/run/container/all"
#define CHILD TOP "/child"

/* A name in the FILES of a page, what varies in it as "*". */
struct name {
	char page[64];
	char pattern[256];
};

static struct name names[256];
static int nnames;

static char *page_text(const char *page)
{
	char *text = get(P(DOCS "/%s", page));

	if (!text)
		bail("%s: %s", page, strerror(errno));
	return strdup(text);
}

/* ".It Pa /proc/ Ns Ar pid Ns Pa /container" */
static void read_name(const char *page, char *line)
{
	struct name *name = &names[nnames++];
	bool varies = false;
	char *word;

	if (nnames > (int)ARRAY_SIZE(names))
		bail("too many names");
	strcpy(name->page, page);
	while ((word = strsep(&line, " "))) {
		if (!strcmp(word, "Pa") || !strcmp(word, "Ar")) {
			varies = *word == 'A';
		} else if (strcmp(word, ".It") && strcmp(word, "Ns")) {
			/* no period at the end of a word, for roff */
			if (strstr(word, "\\&"))
				*strstr(word, "\\&") = '\0';
			strcat(name->pattern, varies ? "*" : word);
		}
	}
}

static void read_names(const char *page)
{
	char *text = page_text(page), *files = strstr(text, "\n.Sh FILES\n"), *line;

	for (strsep(&files, "\n"), strsep(&files, "\n"); (line = strsep(&files, "\n")); ) {
		if (!strncmp(line, ".Sh ", 4))
			break;
		if (!strncmp(line, ".It Pa ", 7))
			read_name(page, line);
	}
	free(text);
}

/* Is it among the FILES of a page, or of any? */
static bool named(const char *page, const char *file)
{
	for (int i = 0; i < nnames; i++)
		if ((!page || !strcmp(names[i].page, page)) && !fnmatch(names[i].pattern, file, 0))
			return true;
	return false;
}

static bool exists(const char *pattern)
{
	glob_t found;
	bool any = !glob(pattern, 0, NULL, &found);

	if (any)
		globfree(&found);
	return any;
}

static void test_control_files(const char *dir)
{
	struct dirent **files;
	int n = scandir(dir, &files, NULL, alphasort);
	const char *page;
	char *file;

	ok(n > 10, "%s has files", dir);
	for (int i = 0; i < n; i++) {
		file = files[i]->d_name;
		if (files[i]->d_type == DT_DIR)
			continue;
		page = strchr(file, '.') ? P("container_%.*s.7", (int)strcspn(file, "."), file) :
					   "container.7";
		ok(named(page, file), "%s is in %s", file, page);
	}
}

static void test_parameters(void)
{
	glob_t found;
	int n = 0;

	if (!glob("/sys/module/container_*/parameters/*", 0, NULL, &found)) {
		for (size_t i = 0; i < found.gl_pathc; i++, n++)
			ok(named(NULL, found.gl_pathv[i]), "%s is in the manual",
			   found.gl_pathv[i]);
		globfree(&found);
	}
	ok(n > 3, "modules have parameters (%d)", n);
}

static void test_names(void)
{
	for (int i = 0; i < nnames; i++) {
		const char *pattern = names[i].pattern;

		/* the pages say that they may be absent */
		if (!strncmp(pattern, "cpuset.memory_spread_", 21) || !strncmp(pattern, "/etc/", 5))
			continue;
		ok(*pattern == '/' ? exists(pattern) : exists(P(TOP "/%s", pattern)),
		   "%s: %s exists", names[i].page, pattern);
	}
}

/* What is applied at boot. */
static void test_system(void)
{
	const char *page = "containerctl.conf.5";
	char *text = page_text(page);

	ok(named(page, "/etc/containerctl.conf"), "%s names the file", page);
	ok(named(page, "/etc/containerctl.conf.d/web.conf"), "and the directory");
	ok(strstr(text, ".Fl -system"), "the option");
	ok(strstr(text, "containerctl.service"), "and the service");
	free(text);
}

static void test_resources(void)
{
	char *text = page_text("container_bc.7"), *stat = get(TOP "/bc.stat"), *line;

	while ((line = strsep(&stat, "\n")) && *line) {
		line[strcspn(line, " ")] = '\0';
		ok(strstr(text, P("\n.It Cm %s\n", line)), "container_bc.7 describes %s", line);
	}
	free(text);
}

/* --- containerctl -------------------------------------------------------------------- */

static char *output_of(const char *command)
{
	FILE *p = popen(command, "r");
	char *text = calloc(1, 65536);

	if (!p || !fread(text, 1, 65535, p) || pclose(p))
		bail("%s: it fails, or says nothing", command);
	return text;
}

/* The item of a list that begins so, with lists in it; NULL: there is none. */
static char *item(const char *text, const char *begin)
{
	const char *start = strstr(text, begin), *end, *section;

	if (!start)
		return NULL;
	start++;
	end = strstr(start, "\n.It Cm ");
	section = strstr(start, "\n.Ss ");
	if (!end || (section && section < end))
		end = section;
	return end ? strndup(start, end - start) : strdup(start);
}

static bool has_option(const char *text, const char *option)
{
	const char *flag = P("Fl -%s", option);

	for (const char *p = text; (p = strstr(p, flag)); p++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz-", p[strlen(flag)]) || !p[strlen(flag)])
			return true;
	return false;
}

static void test_options(const char *command, const char *described, const char *tables)
{
	char *help = output_of(P("containerctl %s --help", command)), *p, option[32];

	/* in the summary they are in a column, after a short one or blanks */
	for (p = help; (p = strstr(p, " --")); p++) {
		if (sscanf(p, " --%31[a-z-]", option) != 1 || !strcmp(option, "help") ||
		    !strcmp(option, "usage") || !strcmp(option, "version"))
			continue;
		ok(has_option(described, option) ||
		   (strstr(described, " Bq table\n") && has_option(tables, option)),
		   "%s --%s is described", command, option);
	}
	free(help);
}

/* Is an errno of a control file in its page or the core's, and one of a call in any? */
static bool errno_described(const char *file, const char *name)
{
	const char *dot = strchr(file, '.');
	const char *own = dot ? P(DOCS "/container_%.*s.7", (int)(dot - file), file) :
				DOCS "/container_*.7";
	bool found = false;
	glob_t pages;

	if (glob(own, 0, NULL, &pages) || glob(DOCS "/container.7", GLOB_APPEND, NULL, &pages))
		bail("no page for %s", file);
	for (size_t i = 0; i < pages.gl_pathc; i++)
		found |= !!strstr(get(pages.gl_pathv[i]), P("Er %s", name));
	globfree(&pages);
	return found;
}

static void test_errors(void)
{
	char *text = output_of("containerctl errors --raw --noheadings -o errno,file");
	char *rest = text, *line, name[32], files[256];
	int n = 0;

	while ((line = strsep(&rest, "\n")) && *line) {
		if (sscanf(line, "%31s %255s", name, files) != 2)
			bail("an error: %s", line);
		/* of any filesystem */
		if (!strcmp(name, "EROFS"))
			continue;
		/* the first of several */
		files[strcspn(files, "\\")] = '\0';
		ok(errno_described(files, name), "%s of %s is described", name, files);
		n++;
	}
	ok(n > 50, "there are errors (%d)", n);
	free(text);
}

static void test_commands(void)
{
	char *text = page_text("containerctl.1"), *help = output_of("containerctl --help");
	char *rest = strstr(help, "\nCommands:\n"), *line, *described, command[32];
	char *tables = strstr(text, "\n.Ss Tables\n");
	int n = 0;

	if (!rest || !tables)
		bail("containerctl --help names no commands, or the page has no Tables");
	for (strsep(&rest, "\n"), strsep(&rest, "\n"); (line = strsep(&rest, "\n")) && *line; n++) {
		if (sscanf(line, " %31[a-z]", command) != 1)
			bail("a command: %s", line);
		described = item(text, P("\n.It Cm %s\n", command)) ?:
			    item(text, P("\n.It Cm %s ", command));
		if (ok(described, "containerctl.1 describes %s", command))
			test_options(command, described, tables);
		free(described);
	}
	ok(n > 20, "there are commands (%d)", n);
	free(help);
	free(text);
}

int main(void)
{
	static const char *const modules[] = { "cpuset", "cpuacct", "numtasks", "bc", "ns" };
	struct dirent **pages;
	char set[128] = "";
	int n;

	setup();
	for (size_t i = 0; i < ARRAY_SIZE(modules); i++)
		if (modfile(P("container_%s", modules[i])))
			sprintf(set + strlen(set), "%s%s", *set ? "," : "", modules[i]);
	n = scandir(DOCS, &pages, NULL, alphasort);
	for (int i = 0; i < n; i++)
		if (!fnmatch("*.[1-9]", pages[i]->d_name, 0) &&
		    (strcmp(pages[i]->d_name, "container_cpuset.7") || strstr(set, "cpuset")))
			read_names(pages[i]->d_name);
	ok(nnames > 20, "the manual names files (%d)", nnames);

	mkdir("/run/container", 0755);
	err(cmount(TOP, set), 0, "mount all");
	err(E(mkdir(CHILD, 0755)), 0, "mkdir");
	test_control_files(TOP);
	test_control_files(CHILD);
	test_parameters();
	test_names();
	test_system();
	test_resources();
	test_errors();
	test_commands();
	err(E(rmdir(CHILD)), 0, "rmdir");
	err(cumount(TOP), 0, "umount");
	rmdir("/run/container");
	finish();
}
