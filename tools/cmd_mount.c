// SPDX-License-Identifier: GPL-2.0
/*
 * mount and umount. The new mount calls are used where there are some, since they tell
 * in words why the kernel refuses; the kernel's errno is explained in any case.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include "ctl.h"

#define DEFAULT_PLACE "/run/container"

static struct {
	const char *name, *dir, *agent;
	bool noprefix, clone_children, lazy;
	struct strings words;
} args;

enum { KEY_NOPREFIX = 0x100, KEY_CLONE };

static error_t parse(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 'n':
		args.name = arg;
		break;
	case 'a':
		args.agent = arg;
		break;
	case 'l':
		args.lazy = true;
		break;
	case KEY_NOPREFIX:
		args.noprefix = true;
		break;
	case KEY_CLONE:
		args.clone_children = true;
		break;
	case ARGP_KEY_ARG:
		strings_add(&args.words, arg);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	(void)state;
	return 0;
}

/* --- the calls -------------------------------------------------------------------- */

struct param {
	const char *key, *value;
};

/* The last error of the context's log, without its "e container: ". */
static char *said(int fs)
{
	char buf[512], *last = NULL;
	ssize_t n;

	while ((n = read(fs, buf, sizeof(buf) - 1)) > 0) {
		char *text = buf, *colon;

		buf[n] = '\0';
		buf[strcspn(buf, "\n")] = '\0';
		if (strncmp(buf, "e ", 2))
			continue;
		text += 2;
		colon = strstr(text, ": ");
		if (colon && !memchr(text, ' ', colon - text))
			text = colon + 2;
		last = shown(text);
	}
	return last;
}

static int mount_new(const char *source, const char *dir, const struct param *o, size_t n,
		     char **why)
{
	int fs = fsopen("container", FSOPEN_CLOEXEC), mnt = -1, err = 0;

	if (fs < 0)
		return errno;
	if (fsconfig(fs, FSCONFIG_SET_STRING, "source", source, 0))
		err = errno;
	for (size_t i = 0; i < n && !err; i++)
		if (fsconfig(fs, o[i].value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, o[i].key,
			     o[i].value, 0))
			err = errno;
	if (!err && fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		err = errno;
	if (!err) {
		mnt = fsmount(fs, FSMOUNT_CLOEXEC, 0);
		if (mnt < 0)
			err = errno;
	}
	if (!err && move_mount(mnt, "", AT_FDCWD, dir, MOVE_MOUNT_F_EMPTY_PATH))
		err = errno;
	if (err)
		*why = said(fs);
	if (mnt >= 0)
		close(mnt);
	close(fs);
	return err;
}

/* For a kernel or a sandbox without the new calls. */
static int mount_old(const char *source, const char *dir, const struct param *o, size_t n)
{
	char *data = xstrdup("");

	for (size_t i = 0; i < n; i++)
		data = xasprintf("%s%s%s%s%s", data, i ? "," : "", o[i].key, o[i].value ? "=" : "",
				 o[i].value ? o[i].value : "");
	return mount(source, dir, "container", 0, data) ? errno : 0;
}

/* Makes a directory and those above it; those made are to be removed if the mount fails. */
static int make_dirs(const char *dir, struct strings *made)
{
	for (const char *p = dir + 1; ; p++) {
		char *part;

		p += strcspn(p, "/");
		part = xstrndup(dir, p - dir);
		if (!mkdir(part, 0755))
			strings_add(made, part);
		else if (errno != EEXIST)
			return errno;
		if (!*p)
			return 0;
	}
}

static void add_words(struct strings *set, const char *word)
{
	for (const char *p = word; ; p++) {
		size_t len = strcspn(p, ",");
		char *one = xstrndup(p, len);

		if (!len) {
			struct failure f = { .what = "mount", .value = word, .err = EINVAL };

			explain_failure(&f);
			exit(EXIT_FAILURE);
		}
		strings_add(set, one);
		free(one);
		p += len;
		if (!*p)
			return;
	}
}

bool mount_hierarchy(const struct mount_request *r, const char **where)
{
	struct strings made = { };
	struct param *o = xrealloc_array(NULL, r->set.n + 4, sizeof(*o));
	struct failure f = { .what = "mount" };
	char *label = xstrdup(""), *why = NULL;
	const char *dir = r->dir;
	size_t n = 0;

	for (size_t i = 0; i < r->set.n; i++)
		label = xasprintf("%s%s%s", label, i ? "," : "", r->set.v[i]);
	if (r->name)
		label = xstrdup(r->name);
	else if (!r->set.n)
		label = xstrdup("all");
	if (strchr(label, '/')) {
		complain("mount: \"%s\" is no name", shown(label));
		return false;
	}
	for (size_t i = 0; i < r->set.n; i++)
		o[n++] = (struct param){ .key = r->set.v[i] };
	if (r->name)
		o[n++] = (struct param){ .key = "name", .value = r->name };
	if (r->noprefix)
		o[n++] = (struct param){ .key = "noprefix" };
	if (r->clone_children)
		o[n++] = (struct param){ .key = "clone_children" };
	if (r->agent)
		o[n++] = (struct param){ .key = "release_agent", .value = r->agent };

	if (!dir)
		dir = xasprintf(DEFAULT_PLACE "/%s", label);
	if (!r->dir || r->make_dir) {
		int err = make_dirs(dir, &made);

		if (err) {
			complain("cannot make %s: %s", shown(dir), strerror(err));
			return false;
		}
	} else if (access(dir, F_OK)) {
		complain("%s: %s", shown(dir), strerror(errno));
		return false;
	}
	f.err = mount_new(label, dir, o, n, &why);
	if (f.err == ENOSYS || (f.err == EPERM && !geteuid() && !why))
		f.err = mount_old(label, dir, o, n);
	*where = dir;
	if (!f.err)
		return true;
	f.kernel_says = why;
	while (made.n--)
		rmdir(made.v[made.n]);
	hiers_load();
	f.value = n ? label : NULL;
	explain_failure(&f);
	return false;
}

int cmd_mount(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "name", 'n', "NAME", 0, "name the hierarchy, or mount the one of that name", 0 },
		{ "release-agent", 'a', "PATH", 0, "what release_agent contains at first", 0 },
		{ "clone-children", KEY_CLONE, NULL, 0, "new containers begin with their parent's settings", 0 },
		{ "noprefix", KEY_NOPREFIX, NULL, 0, "cpuset's files are cpus, mems, ...", 0 },
		{ }
	};
	static const struct argp argp = {
		.options = options, .parser = parse, .args_doc = "[SUBSYSTEM...] [DIR]",
		.doc = "Mount a hierarchy with these subsystems (none: no subsystem; left out: all that are loaded, or those that --name has), and print where. DIR begins with / or a dot; if it is left out, it is " DEFAULT_PLACE "/ and the name or the subsystems, and is made.",
	};
	struct mount_request r = { };
	const char *where;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	for (size_t i = 0; i < args.words.n; i++) {
		const char *w = args.words.v[i];

		if (*w == '/' || *w == '.') {
			if (r.dir)
				die_as(64, "mount: %s and %s: one directory at a time", shown(r.dir),
				       shown(w));
			r.dir = w;
		} else {
			add_words(&r.set, w);
		}
	}
	r.name = args.name;
	r.agent = args.agent;
	r.noprefix = args.noprefix;
	r.clone_children = args.clone_children;
	if (!mount_hierarchy(&r, &where))
		return EXIT_FAILURE;
	puts(where);
	return 0;
}

/* --- umount -------------------------------------------------------------------------- */

static void umount_one(const struct mountpoint *m, int *status)
{
	if (umount2(m->target, args.lazy ? MNT_DETACH : UMOUNT_NOFOLLOW)) {
		struct failure f = { .what = "umount", .value = m->target, .err = errno };

		explain_failure(&f);
		*status = EXIT_FAILURE;
		return;
	}
	if (!strncmp(m->target, DEFAULT_PLACE "/", strlen(DEFAULT_PLACE "/"))) {
		rmdir(m->target);
		rmdir(DEFAULT_PLACE);	/* if that was the last */
	}
}

int cmd_umount(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "lazy", 'l', NULL, 0, "now, for good when nobody uses it any more", 0 },
		{ }
	};
	static const struct argp argp = {
		.options = options, .parser = parse, .args_doc = "HIERARCHY|DIR...",
		.doc = "Unmount a hierarchy, wherever it is mounted, or one mount of it.",
	};
	int status = 0;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	if (!args.words.n)
		die_as(64, "umount: which hierarchy, or directory?");
	hiers_need();
	for (size_t i = 0; i < args.words.n; i++) {
		const char *w = args.words.v[i];
		struct hierarchy *h = NULL;
		bool found = false;
		char *real;
		int containers;

		if (*w == '/' || *w == '.') {
			real = realpath(w, NULL);
			/* the topmost of several */
			for (size_t j = hiers.nmounts; j-- && !found; )
				if (real && !strcmp(hiers.mounts[j].target, real)) {
					h = hiers.mounts[j].h;
					umount_one(&hiers.mounts[j], &status);
					found = true;
				}
		} else {
			h = hier_find(w);
			for (size_t j = hiers.nmounts; h && j--; )
				if (hiers.mounts[j].h == h) {
					umount_one(&hiers.mounts[j], &status);
					found = true;
				}
		}
		if (!found) {
			struct failure f = { .what = "umount", .value = w, .err = EINVAL };

			explain_failure(&f);
			status = EXIT_FAILURE;
			continue;
		}
		containers = h->containers;
		if (containers > 1)
			complain("%s has %d container%s below its root, so it stays active and holds its modules once it is mounted nowhere; containerctl mount %s%s shows it again",
				 h->label, containers - 1, containers > 2 ? "s" : "",
				 h->name ? "--name " : "", h->label);
	}
	return status;
}
