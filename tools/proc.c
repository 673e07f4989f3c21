// SPDX-License-Identifier: GPL-2.0
/* Processes, from /proc/PID/stat. Any may be gone before it is looked at. */
#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "ctl.h"

#define PF_KTHREAD 0x00200000

bool process_get(pid_t pid, struct process *p)
{
	char *file = xasprintf("/proc/%d/stat", pid), *text = read_file(file), *open, *close;
	unsigned int flags;
	struct stat st;
	char state;
	int ppid;

	free(file);
	if (!text)
		return false;
	/* the name may have anything in it, also blanks and parentheses */
	open = strchr(text, '(');
	close = strrchr(text, ')');
	if (!open || !close ||
	    sscanf(close + 1, " %c %d %*d %*d %*d %*d %u", &state, &ppid, &flags) != 3) {
		free(text);
		return false;
	}
	file = xasprintf("/proc/%d", pid);
	*p = (struct process){ .pid = pid, .ppid = ppid, .uid = stat(file, &st) ? 0 : st.st_uid };
	free(file);
	*close = '\0';
	p->comm = shown(open + 1);
	p->kernel = flags & PF_KTHREAD;
	p->zombie = state == 'Z' || state == 'X';
	free(text);
	return true;
}

static int by_pid(const void *a, const void *b)
{
	const struct process *x = a, *y = b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

size_t processes(struct process **list)
{
	DIR *d = opendir("/proc");
	struct process *v = NULL;
	struct dirent *e;
	size_t n = 0, room = 0;

	if (!d)
		die("/proc: %s", strerror(errno));
	while ((e = readdir(d))) {
		if (!isdigit((unsigned char)*e->d_name))
			continue;
		if (n == room)
			v = xrealloc_array(v, room = room ? 2 * room : 256, sizeof(*v));
		if (process_get(atoi(e->d_name), &v[n]))
			n++;
	}
	closedir(d);
	if (n)
		qsort(v, n, sizeof(*v), by_pid);
	*list = v;
	return n;
}

pid_t *children_of(pid_t pid, size_t *n)
{
	struct process *all;
	size_t total = processes(&all), found = 0;
	pid_t *ids = xrealloc_array(NULL, total + 1, sizeof(*ids));
	bool more = true;

	/* a parent may have a larger pid than its child, so once is not enough */
	ids[found++] = pid;
	while (more) {
		more = false;
		for (size_t i = 0; i < total; i++) {
			if (!all[i].pid || all[i].zombie)
				continue;
			for (size_t j = 0; j < found; j++)
				if (ids[j] == all[i].ppid && all[i].pid != pid) {
					ids[found++] = all[i].pid;
					all[i].pid = 0;
					more = true;
					break;
				}
		}
	}
	for (size_t i = 0; i < total; i++)
		free(all[i].comm);
	free(all);
	*n = found - 1;
	memmove(ids, ids + 1, *n * sizeof(*ids));
	return ids;
}
