// SPDX-License-Identifier: GPL-2.0
/*
 * save, diff and apply: mounts, containers and their settings as a text.
 *
 *	[mount jobs]			# a hierarchy, by its name or subsystems
 *	subsystems = bc,cpuacct		# or none
 *	dir = /run/container/jobs
 *	[jobs:/web]			# a container
 *	owner = 1000:100		# of the directory, tasks and procs
 *	mode = 0755			# of the directory
 *	bc.numfiles.limit = 400		# a control file
 *
 * A text, of one file or several, is read and looked at as a whole before anything is done.
 * What is as it is written is left alone, so that applying it again does nothing.
 */
#include <ctype.h>
#include <dirent.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "ctl.h"

struct setting {
	char *key, *value;
	int line;
	bool done;
};

struct section {
	char *title;			/* of a mount, without "mount " */
	bool is_mount;
	const char *file;
	int line;
	struct setting *v;
	size_t n;
};

static struct section *sections;
static size_t nsections;
/* What is applied at boot. */
static const char system_file[] = "/etc/containerctl.conf";
static const char system_dir[] = "/etc/containerctl.conf.d";
static bool dry_run, of_system;
static struct strings words;

/* They act, or count: no setting. */
static const char *const no_settings[] = { "tasks", "procs", "cpuacct.usage", "numtasks.stats" };
static const char *const core_settings[] = {
	"notify_on_release", "release_agent", "auto_delete", "kill_on_rmdir", "clone_children",
	"owner", "mode",
};

static bool among(const char *word, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(list[i], word))
			return true;
	return false;
}

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

		if (among(file, no_settings, ARRAY_SIZE(no_settings)) || stat(cont_file(c, file), &st) ||
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

/* --- reading ------------------------------------------------------------------------- */

static bool wrong;

static void at(const char *file, int line, int column, const char *fmt, ...) __printf(4, 5);
static void at(const char *file, int line, int column, const char *fmt, ...)
{
	va_list ap;

	wrong = true;
	fprintf(stderr, "%s:%d:%d: ", shown(file), line, column);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

static char *trimmed(char *s)
{
	size_t n;

	s += strspn(s, " \t");
	n = strlen(s);
	while (n && isspace((unsigned char)s[n - 1]))
		s[--n] = '\0';
	return s;
}

static void read_section(char *text, const char *file, int line)
{
	char *end = strchr(text, ']');
	struct section *s;

	if (!end || *trimmed(end + 1)) {
		at(file, line, (int)strlen(text), "a section is one line, [mount NAME] or [HIERARCHY:/path]");
		return;
	}
	*end = '\0';
	text = trimmed(text + 1);
	sections = xrealloc_array(sections, nsections + 1, sizeof(*sections));
	s = &sections[nsections++];
	*s = (struct section){ .file = file, .line = line,
			       .is_mount = !strncmp(text, "mount ", 6) };
	s->title = xstrdup(s->is_mount ? trimmed(text + 6) : text);
	if (s->is_mount ? !*s->title : !strstr(s->title, ":/") || strstr(s->title, "/../"))
		at(file, line, 2, "\"%s\" is neither \"mount NAME\" nor HIERARCHY:/path", shown(text));
	for (size_t i = 0; i + 1 < nsections; i++)
		if (sections[i].is_mount == s->is_mount && !strcmp(sections[i].title, s->title))
			at(file, line, 2, "[%s] is in %s:%d already", shown(text), shown(sections[i].file),
			   sections[i].line);
}

static void read_setting(char *text, const char *file, int line)
{
	char *eq = strchr(text, '='), *key, *value;
	struct section *s;

	if (!eq) {
		at(file, line, 1, "\"%s\" is not KEY = VALUE", shown(text));
		return;
	}
	/* that of another file is none of this one's */
	if (!nsections || sections[nsections - 1].file != file) {
		at(file, line, 1, "a setting before the first [section]");
		return;
	}
	s = &sections[nsections - 1];
	*eq = '\0';
	key = trimmed(text);
	value = trimmed(eq + 1);
	if (!*key) {
		at(file, line, 1, "a setting without a key");
		return;
	}
	for (size_t i = 0; i < s->n; i++)
		if (!strcmp(s->v[i].key, key))
			at(file, line, 1, "%s is in line %d already", shown(key), s->v[i].line);
	if (s->is_mount && !strcmp(key, "subsystems")) {
		struct strings set = strings_split(value, ", \t");

		value = strings_join(&set, ",");
	}
	s->v = xrealloc_array(s->v, s->n + 1, sizeof(*s->v));
	s->v[s->n++] = (struct setting){ .key = xstrdup(key), .value = xstrdup(value), .line = line };
}

static const char *setting(const struct section *s, const char *key)
{
	for (size_t i = 0; s && i < s->n; i++)
		if (!strcmp(s->v[i].key, key))
			return s->v[i].value;
	return NULL;
}

static bool is_set(const struct section *s, const char *flag)
{
	const char *value = setting(s, flag);

	return value && !strcmp(value, "1");
}

static struct section *mount_section(const char *label)
{
	for (size_t i = 0; i < nsections; i++)
		if (sections[i].is_mount && !strcmp(sections[i].title, label))
			return &sections[i];
	return NULL;
}

static char *label_of(const struct section *s)
{
	return xstrndup(s->title, strstr(s->title, ":/") - s->title);
}

static void check_mount(const struct section *s)
{
	static const char *const keys[] = {
		"subsystems", "dir", "name", "noprefix", "clone_children", "release_agent",
	};
	static const char *const flags[] = { "noprefix", "clone_children" };
	const char *dir = setting(s, "dir");

	for (size_t i = 0; i < s->n; i++) {
		const struct setting *t = &s->v[i];

		if (!among(t->key, keys, ARRAY_SIZE(keys)))
			at(s->file, t->line, 1, "a mount has no \"%s\"", shown(t->key));
		if (among(t->key, flags, ARRAY_SIZE(flags)) && strcmp(t->value, "0") &&
		    strcmp(t->value, "1"))
			at(s->file, t->line, 1, "%s is 0 or 1, not \"%s\"", t->key, shown(t->value));
	}
	if (!setting(s, "subsystems") && !setting(s, "name"))
		at(s->file, s->line, 1, "a mount needs subsystems, or the name of an active hierarchy");
	if (dir && *dir != '/')
		at(s->file, s->line, 1, "dir is no absolute path: %s", shown(dir));
}

static void check_container(const struct section *s)
{
	char *label = label_of(s);
	const struct section *m = mount_section(label);
	struct hierarchy *h = hier_find(label);
	struct strings files = { }, set = { };
	struct cont top;

	if (!m && !h) {
		at(s->file, s->line, 2, "there is no hierarchy %s, and no [mount %s]", shown(label), shown(label));
		return;
	}
	if (h && cont_at(h, "/", &top))
		files = cont_files(&top);
	else if (m && setting(m, "subsystems"))
		set = strings_split(setting(m, "subsystems"), ",");
	for (size_t i = 0; i < s->n; i++) {
		const struct setting *t = &s->v[i];
		const char *dot = strchr(t->key, '.');
		unsigned long mode;
		uid_t uid;
		gid_t gid;
		char *end;

		if (!strcmp(t->key, "owner") && !parse_owner(t->value, &uid, &gid))
			at(s->file, t->line, 1, "no such user or group: %s", shown(t->value));
		if (!strcmp(t->key, "mode")) {
			mode = strtoul(t->value, &end, 8);
			if (!*t->value || *end || mode > 07777)
				at(s->file, t->line, 1, "no octal mode: %s", shown(t->value));
		}
		if (among(t->key, core_settings, ARRAY_SIZE(core_settings)))
			continue;
		if (among(t->key, no_settings, ARRAY_SIZE(no_settings)) || strchr(t->key, '/') ||
		    (files.n ? !strings_has(&files, t->key) :
		     set.n ? !dot || !strings_has(&set, xstrndup(t->key, dot - t->key)) : false))
			at(s->file, t->line, 1, "a container of %s has no setting \"%s\"", shown(label),
			   shown(t->key));
	}
}

static int is_conf(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return *d->d_name != '.' && n > 5 && !strcmp(d->d_name + n - 5, ".conf");
}

/* The files to read, of a directory its *.conf in the order of their names. */
static void add_files(struct strings *files, const char *path)
{
	struct dirent **names;
	struct stat st;
	int n;

	if (stat(path, &st) || !S_ISDIR(st.st_mode)) {
		strings_add(files, path);
		return;
	}
	n = scandir(path, &names, is_conf, alphasort);
	if (n < 0)
		die("%s: %s", shown(path), strerror(errno));
	for (int i = 0; i < n; i++)
		strings_add(files, xasprintf("%s/%s", path, names[i]->d_name));
}

static void read_file_of_config(const char *file)
{
	char *text = strcmp(file, "-") ? read_file(file) : read_fd(0), *line, *rest;
	int nr = 0;

	if (!text)
		die("%s: %s", shown(file), strerror(errno));
	for (rest = text; rest; ) {
		char *t;

		line = strsep(&rest, "\n");
		nr++;
		t = trimmed(line);
		if (!*t || *t == '#')
			continue;
		if (*t == '[')
			read_section(t, file, nr);
		else
			read_setting(t, file, nr);
	}
}

static void read_config(void)
{
	struct strings files = { };
	bool well_formed;

	if (of_system && words.n)
		die_as(64, "--system takes no files");
	for (size_t i = 0; i < words.n; i++)
		add_files(&files, words.v[i]);
	if (of_system && !access(system_file, F_OK))
		add_files(&files, system_file);
	if (of_system && !access(system_dir, F_OK))
		add_files(&files, system_dir);
	if (!of_system && !words.n)
		strings_add(&files, "-");
	for (size_t i = 0; i < files.n; i++)
		read_file_of_config(files.v[i]);
	well_formed = !wrong;
	hiers_load();
	/* where the text is no text of this kind, its meaning does not matter */
	for (size_t i = 0; i < nsections && well_formed; i++)
		if (sections[i].is_mount)
			check_mount(&sections[i]);
		else
			check_container(&sections[i]);
	if (wrong)
		die("nothing was done");
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

		if (!s->is_mount)
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
	char *label = label_of(s);
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

			if (s->is_mount)
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

		if (s->is_mount)
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

		if (s->is_mount)
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

int cmd_apply(int argc, char **argv)
{
	static const struct argp argp = {
		.options = apply_options, .parser = parse, .args_doc = "[FILE|DIR...]",
		.doc = "Mount, make and set what the files (of a directory, its *.conf; without any, the standard input) say, and say what was changed. They are one text, which is looked at as a whole first. What is not in it is left alone; so is what is as it says.",
	};

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	read_config();
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
	read_config();
	do_all(false);
	return changes ? EXIT_FAILURE : 0;
}
