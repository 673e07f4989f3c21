// SPDX-License-Identifier: GPL-2.0
/*
 * save, diff and apply: mounts, containers and their settings as a text, of which config.h
 * shows a little. What is as it is written is left alone, so that applying it again does
 * nothing.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "config.h"

static bool dry_run, of_system;
static struct strings words;

static error_t parse(int key, char *arg, struct argp_state *state)
{
	(void)state;
	switch (key) {
	case 'n':
		dry_run = true;
		break;
	case 's':
		of_system = true;
		break;
	case ARGP_KEY_ARG:
		strings_add(&words, arg);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/* --- save -------------------------------------------------------------------------- */

static int save_container(struct cont *c, int depth, void *arg)
{
	struct strings files = cont_files(c);
	struct stat st;

	(void)arg;
	printf("\n[%s:%s]\n", c->h->label, c->path);
	if (depth && !stat(c->dir, &st))
		printf("owner = %u:%u\nmode = %04o\n", st.st_uid, st.st_gid, st.st_mode & 07777);
	for (size_t i = 0; i < files.n; i++) {
		const char *file = files.v[i];
		char *value;

		if (no_setting(file) || stat(cont_file(c, file), &st) ||
		    !(st.st_mode & 0222))
			continue;
		value = cont_line(c, file);
		if (!value || !*value || strchr(value, '\n'))
			continue;
		printf("%s = %s\n", file, value);
		free(value);
	}
	strings_free(&files);
	return 0;
}

int cmd_save(int argc, char **argv)
{
	static const struct argp argp = {
		.parser = parse, .args_doc = "[HIERARCHY...]",
		.doc = "Write mounts, containers and settings to the standard output, for apply. Members are no part of it.",
	};

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	hiers_need();
	for (size_t i = 0; i < words.n; i++)
		if (!hier_find(words.v[i]))
			die("%s: no such hierarchy", shown(words.v[i]));
	puts("# containerctl save");
	for (size_t i = 0; i < hiers.n; i++) {
		struct hierarchy *h = &hiers.v[i];
		bool wanted = !words.n;
		struct cont top;

		for (size_t j = 0; j < words.n; j++)
			wanted |= hier_find(words.v[j]) == h;
		if (!wanted)
			continue;
		if (!cont_at(h, "/", &top)) {
			complain("%s is not mounted here, so it is not saved", h->label);
			continue;
		}
		printf("\n[mount %s]\nsubsystems = ", h->label);
		for (size_t j = 0; j < h->subsys.n; j++)
			printf("%s%s", j ? "," : "", h->subsys.v[j]);
		printf("%s\ndir = %s\n", h->subsys.n ? "" : "none", top.dir);
		if (h->name)
			printf("name = %s\n", h->name);
		if (h->noprefix)
			puts("noprefix = 1");
		cont_walk(&top, save_container, NULL);
	}
	return 0;
}

/* --- what is to be done, and doing it ---------------------------------------------------- */

static size_t changes;

static void change(const char *fmt, ...) __printf(1, 2);
static void change(const char *fmt, ...)
{
	va_list ap;

	changes++;
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

static bool is_set(const struct section *s, const char *flag)
{
	const char *value = setting(s, flag);

	return value && !strcmp(value, "1");
}

static struct hierarchy *hier_of_mount(const struct section *s)
{
	const char *name = setting(s, "name"), *set = setting(s, "subsystems");

	return name ? hier_find(name) : hier_find(set);
}

static bool do_mounts(bool act)
{
	for (size_t i = 0; i < nsections; i++) {
		struct section *s = &sections[i];
		struct mount_request r = { .make_dir = true };
		struct hierarchy *h;
		const char *set, *where;

		if (s->kind != MOUNT)
			continue;
		h = hier_of_mount(s);
		if (h && h->mounted)
			continue;
		set = setting(s, "subsystems");
		r.dir = setting(s, "dir");
		change("mount %s%s%s%s%s", s->title, set ? ": " : "", set ? set : "", r.dir ? " at " : "",
		       r.dir ? r.dir : "");
		if (!act)
			continue;
		if (set)
			r.set = strings_split(set, ",");
		r.name = setting(s, "name");
		r.agent = setting(s, "release_agent");
		r.noprefix = is_set(s, "noprefix");
		r.clone_children = is_set(s, "clone_children");
		if (!mount_hierarchy(&r, &where))
			return false;
		hiers_load();
	}
	return true;
}

/* False: its hierarchy is not mounted (yet). */
static bool container_of(const struct section *s, struct cont *c)
{
	char *label = label_of(s->title);
	const struct section *m = mount_section(label);
	struct hierarchy *h = m ? hier_of_mount(m) : hier_find(label);

	return h && cont_at(h, strstr(s->title, ":/") + 1, c);
}

/*
 * Is the file as it should be? Some shares of several may be given, and -1 leaves one
 * as it is.
 */
static bool holds(const char *file, const char *old, const char *wanted)
{
	const char *dot = strrchr(file, '.');
	struct strings has;
	char *rest, *word;

	if (!dot || strcmp(dot, ".shares"))
		return !strcmp(old, wanted);
	has = strings_split(old, ",");
	for (rest = xstrdup(wanted); (word = strsep(&rest, ",")); ) {
		size_t key = strcspn(word, "=") + 1;
		bool found = false;

		for (size_t i = 0; i < has.n; i++)
			found |= !strncmp(has.v[i], word, key) &&
				 (!strcmp(has.v[i] + key, word + key) || !strcmp(word + key, "-1"));
		if (!found)
			return false;
	}
	return true;
}

/* The settings of all containers that are not as they should be. */
static bool do_settings(bool act)
{
	bool more = true, tell = !act;

	/*
	 * In which order they can be written (a parent's CPUs before the child's, a limit
	 * before the barrier, or the other way round) the kernel knows. So those that it
	 * refuses come again, for as long as others succeed.
	 */
	for (bool last = false; more || !last; ) {
		last = !more;
		more = false;
		for (size_t i = 0; i < nsections; i++) {
			struct section *s = &sections[i];
			struct cont c;
			bool there;

			if (s->kind != CONTAINER)
				continue;
			there = container_of(s, &c) && cont_exists(&c);
			if (act && !there) {
				complain("%s is gone", s->title);
				return false;
			}
			for (size_t j = 0; j < s->n; j++) {
				struct setting *t = &s->v[j];
				char *old;

				if (t->done || !strcmp(t->key, "owner") || !strcmp(t->key, "mode"))
					continue;
				old = there ? cont_line(&c, t->key) : NULL;
				if (old && holds(t->key, old, t->value)) {
					t->done = true;
					continue;
				}
				if (tell) {
					change("%s %s: %s -> %s", s->title, t->key, old ? shown(old) : "(new)",
					       shown(t->value));
					t->done = true;
				} else if (last) {
					cont_set(&c, t->key, t->value);
					return false;
				} else if (!cont_write(&c, t->key, t->value, NULL)) {
					change("%s %s: %s -> %s", s->title, t->key, old ? shown(old) : "?",
					       shown(t->value));
					t->done = more = true;
				}
			}
		}
	}
	return true;
}

static bool do_containers(bool act)
{
	for (size_t i = 0; i < nsections; i++) {
		struct section *s = &sections[i];
		struct cont c;
		bool there, made;

		if (s->kind != CONTAINER)
			continue;
		there = container_of(s, &c) && cont_exists(&c);
		if (there)
			continue;
		change("create %s", s->title);
		if (act && !container_make(&c, true, &made))
			return false;
	}
	return true;
}

/* Last, so that whoever gets it finds all as it should be. */
static bool do_owners(bool act)
{
	static const char *const files[] = { "", "tasks", "procs" };

	for (size_t i = 0; i < nsections; i++) {
		struct section *s = &sections[i];
		const char *owner = setting(s, "owner"), *mode = setting(s, "mode");
		struct cont c;
		struct stat st;
		bool there;
		uid_t uid;
		gid_t gid;

		if (s->kind != CONTAINER)
			continue;
		there = container_of(s, &c) && !stat(c.dir, &st);
		if (act && !there) {
			complain("%s is gone", s->title);
			return false;
		}
		if (owner && parse_owner(owner, &uid, &gid) &&
		    (!there || (uid != (uid_t)-1 && st.st_uid != uid) ||
		     (gid != (gid_t)-1 && st.st_gid != gid))) {
			change("%s owner: %s -> %s", s->title, there ?
			       xasprintf("%u:%u", st.st_uid, st.st_gid) : "(new)", owner);
			for (size_t j = 0; act && j < ARRAY_SIZE(files); j++)
				if (chown(cont_file(&c, files[j]), uid, gid)) {
					struct failure f = { .what = "chown", .c = &c, .err = errno };

					explain_failure(&f);
					return false;
				}
		}
		if (mode && (!there || (st.st_mode & 07777) != strtoul(mode, NULL, 8))) {
			change("%s mode: %s -> %s", s->title, there ?
			       xasprintf("%04o", st.st_mode & 07777) : "(new)", mode);
			if (act && chmod(c.dir, strtoul(mode, NULL, 8))) {
				struct failure f = { .what = "chmod", .c = &c, .err = errno };

				explain_failure(&f);
				return false;
			}
		}
	}
	return true;
}

static bool do_all(bool act)
{
	return do_mounts(act) && do_containers(act) && do_settings(act) && do_owners(act);
}

static const struct argp_option apply_options[] = {
	{ "dry-run", 'n', NULL, 0, "say what would be done, and do nothing", 0 },
	{ "system", 's', NULL, 0, "what is applied at boot: /etc/containerctl.conf, and *.conf in /etc/containerctl.conf.d", 0 },
	{ }
};

static void read_words(void)
{
	if (of_system && words.n)
		die_as(64, "--system takes no files");
	if (of_system)
		words = system_paths();
	else if (!words.n)
		strings_add(&words, "-");
	config_read(&words);
}

int cmd_apply(int argc, char **argv)
{
	static const struct argp argp = {
		.options = apply_options, .parser = parse, .args_doc = "[FILE|DIR...]",
		.doc = "Mount, make and set what the files (of a directory, its *.conf; without any, the standard input) say, and say what was changed. They are one text, which is looked at as a whole first. What is not in it is left alone; so is what is as it says.",
	};

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	read_words();
	return do_all(!dry_run) ? 0 : EXIT_FAILURE;
}

int cmd_diff(int argc, char **argv)
{
	static const struct argp argp = {
		/* without --dry-run, which it is */
		.options = &apply_options[1], .parser = parse, .args_doc = "[FILE|DIR...]",
		.doc = "What apply would change. The status is 1 if there is anything.",
	};

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	read_words();
	do_all(false);
	return changes ? EXIT_FAILURE : 0;
}
