// SPDX-License-Identifier: GPL-2.0
/* The configuration, read and looked at: see config.h. */
#include <ctype.h>
#include <dirent.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "config.h"

struct section *sections;
size_t nsections;
/* What is applied at boot. */
static const char system_file[] = "/etc/containerctl.conf";
static const char system_dir[] = "/etc/containerctl.conf.d";

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

bool no_setting(const char *file)
{
	static const char *const files[] = { "tasks", "procs", "cpuacct.usage", "numtasks.stats" };

	return among(file, files, ARRAY_SIZE(files));
}

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
		at(file, line, (int)strlen(text), "a section is one line, [mount NAME], [HIERARCHY:/path] or [rules]");
		return;
	}
	*end = '\0';
	text = trimmed(text + 1);
	sections = xrealloc_array(sections, nsections + 1, sizeof(*sections));
	s = &sections[nsections++];
	*s = (struct section){ .file = file, .line = line,
			       .kind = !strncmp(text, "mount ", 6) ? MOUNT :
				       !strcmp(text, "rules") ? RULES : CONTAINER };
	s->title = xstrdup(s->kind == MOUNT ? trimmed(text + 6) : text);
	if (s->kind == MOUNT ? !*s->title : s->kind == CONTAINER &&
	    (!strstr(s->title, ":/") || strstr(s->title, "/../")))
		at(file, line, 2, "\"%s\" is neither \"mount NAME\" nor HIERARCHY:/path nor \"rules\"", shown(text));
	/* of rules, each file may have some */
	for (size_t i = 0; i + 1 < nsections; i++)
		if (sections[i].kind == s->kind && !strcmp(sections[i].title, s->title) &&
		    (s->kind != RULES || sections[i].file == file))
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
	if (s->kind == MOUNT && !strcmp(key, "subsystems")) {
		struct strings set = strings_split(value, ", \t");

		value = strings_join(&set, ",");
	}
	s->v = xrealloc_array(s->v, s->n + 1, sizeof(*s->v));
	s->v[s->n++] = (struct setting){ .key = xstrdup(key), .value = xstrdup(value), .line = line };
}

const char *setting(const struct section *s, const char *key)
{
	for (size_t i = 0; s && i < s->n; i++)
		if (!strcmp(s->v[i].key, key))
			return s->v[i].value;
	return NULL;
}

struct section *mount_section(const char *label)
{
	for (size_t i = 0; i < nsections; i++)
		if (sections[i].kind == MOUNT && !strcmp(sections[i].title, label))
			return &sections[i];
	return NULL;
}

char *label_of(const char *title)
{
	return xstrndup(title, strstr(title, ":/") - title);
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

static bool is_number(const char *value)
{
	errno = 0;
	strtoll(value, NULL, 10);
	return *value && !value[strspn(value, "0123456789")] && !errno;
}

/*
 * What a setting has to be, where the value is not that; NULL: the kernel decides. Where it
 * refuses a value, part of the text has been applied, so what is plain is looked at first.
 */
static const char *wanted_value(const char *key, const char *value)
{
	static const char *const flags[] = {
		"notify_on_release", "auto_delete", "kill_on_rmdir", "clone_children",
		"cpuset.cpu_exclusive", "cpuset.mem_exclusive", "cpuset.memory_migrate",
		"cpuset.memory_spread_page", "cpuset.memory_spread_slab",
		"cpuset.memory_pressure_enabled",
	};
	struct idset ids;

	if (among(key, flags, ARRAY_SIZE(flags)))
		return strcmp(value, "0") && strcmp(value, "1") ? "0 or 1" : NULL;
	if (!strcmp(key, "cpuset.cpus") || !strcmp(key, "cpuset.mems"))
		return idset_parse(value, &ids) ? NULL : "a list such as 0-3,5";
	if (file_unit(key) != UNIT_NONE && !is_number(value))
		return "a decimal number without a unit, up to 9223372036854775807";
	return NULL;
}

static void check_container(const struct section *s)
{
	char *label = label_of(s->title);
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
		const char *dot = strchr(t->key, '.'), *wanted = wanted_value(t->key, t->value);
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
		if (wanted)
			at(s->file, t->line, 1, "%s is %s, not \"%s\"", shown(t->key), wanted, shown(t->value));
		if (among(t->key, core_settings, ARRAY_SIZE(core_settings)))
			continue;
		if (no_setting(t->key) || strchr(t->key, '/') ||
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

static void wrong_rule(const struct section *s, const struct setting *t, const char *why)
{
	at(s->file, t->line, 1, "%s", why);
}

struct strings system_paths(void)
{
	struct strings paths = { };

	if (!access(system_file, F_OK))
		strings_add(&paths, system_file);
	if (!access(system_dir, F_OK))
		strings_add(&paths, system_dir);
	return paths;
}

void config_read(const struct strings *paths)
{
	struct strings files = { };
	bool well_formed;

	for (size_t i = 0; i < paths->n; i++)
		add_files(&files, paths->v[i]);
	for (size_t i = 0; i < files.n; i++)
		read_file_of_config(files.v[i]);
	well_formed = !wrong;
	hiers_load();
	/* where the text is no text of this kind, its meaning does not matter */
	for (size_t i = 0; i < nsections && well_formed; i++)
		if (sections[i].kind == MOUNT)
			check_mount(&sections[i]);
		else if (sections[i].kind == CONTAINER)
			check_container(&sections[i]);
		else
			rules_check(&sections[i], wrong_rule);
	if (wrong)
		die("nothing was done");
}
