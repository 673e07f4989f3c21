// SPDX-License-Identifier: GPL-2.0
/*
 * Who may do what: each actor tries each operation of one table, and what he is told stands
 * there. What he is refused has changed nothing. docs/security.md shows the same table.
 *
 * The tree, of all subsystems but ns, is made anew whenever somebody was allowed to change it:
 *
 *	a	root's; MEMBER is in it
 *	d	delegated to the owner as docs/core.md says: directory, tasks and procs
 *	d/sub	made by the owner, who has made procs executable for all
 *	d/kill	made by the owner, with kill_on_rmdir; root has moved somebody's process into it
 *	e	delegated like d, and empty
 *	full	no more tasks, here and below
 *	poor	every open file is beyond its barrier
 *
 * release_agent at the top was given to the owner by mistake. Beside the tree is the hierarchy of
 * ns, with the containers x and x/y.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include "lib.h"

#define M "/tmp/m"		/* the tree */
#define AGAIN "/tmp/again"	/* the same hierarchy, mounted once more */
#define BIND "/tmp/bind"	/* a bind mount of d */
#define N "/tmp/n"		/* the hierarchy of ns */
#define T "/tmp/t"		/* for new mounts */
#define HIDING "/tmp/proc"	/* procfs with hidepid=2 */
#define PAGE "/docs/security.md"

#define OWNER_UID 2000
#define USER_UID 1000
#define SOMEBODY_UID 4000

/* --- the actors ------------------------------------------------------------ */

enum { ROOT, BARE, OWNER, OWNER_NS, USER, USER_NS, USER_MOUNTS, MEMBER, ACTORS };

static const struct actor {
	const char *name;	/* in the page */
	uid_t uid;
	int spaces;		/* he is root of a new user namespace, and of these */
	const char *in;		/* his container, if the operation asks for no other */
} actors[ACTORS] = {
	[ROOT] = { "root", 0, 0, "" },
	[BARE] = { "root without capabilities", 0, 0, "" },
	[OWNER] = { "owner", OWNER_UID, 0, "d" },
	[OWNER_NS] = { "owner, as root of namespaces", OWNER_UID, CLONE_NEWUSER | CLONE_NEWNS,
		       "d" },
	[USER] = { "user", USER_UID, 0, "" },
	[USER_NS] = { "user, as root of a user namespace", USER_UID, CLONE_NEWUSER, "" },
	[USER_MOUNTS] = { "and of a mount namespace", USER_UID, CLONE_NEWUSER | CLONE_NEWNS,
			  "" },
	[MEMBER] = { "member", USER_UID, 0, "a" },
};

static void drop_capabilities(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { };

	if (syscall(SYS_capset, &head, none))
		_exit(254);
}

static bool become(const struct actor *actor)
{
	if (actor->uid)
		drop_to(actor->uid);
	if (actor == &actors[BARE])
		drop_capabilities();
	return !actor->spaces || enter_userns(actor->spaces);
}

/* --- what they try; each gives an errno ------------------------------------ */

static const char *set;			/* mounts the tree's hierarchy */
static struct kid somebody, inside;	/* his processes: in the root container and in d/kill */
static int of_root, of_owner;		/* descriptors of d/tasks and who opened them */

static int try_write(const char *path, const char *text)
{
	return put(path, "%s", text);
}

/* Whose process is moved. */
#define SELF "self"
#define SOMEBODYS "somebody's"
#define INSIDE "inside"

/* What stands for that process in tasks and procs. */
static const char *number_of(const char *whose)
{
	if (!strcmp(whose, SELF))
		return "0";
	return P("%d", strcmp(whose, INSIDE) ? somebody.pid : inside.pid);
}

static int try_move(const char *path, const char *whose)
{
	return try_write(path, number_of(whose));
}

static int write_passed(int fd, const char *text)
{
	return E(write(fd, text, strlen(text)));
}

static int try_passed_by_root(const char *path, const char *whose)
{
	(void)path;
	return write_passed(of_root, number_of(whose));
}

static int try_passed_by_owner(const char *path, const char *whose)
{
	(void)path;
	return write_passed(of_owner, number_of(whose));
}

/* Another process of one's own. */
static int try_own(const char *path, const char *arg)
{
	pid_t pid = sleeper();
	int e = put(path, "%d", pid);

	(void)arg;
	reap(pid);
	return e;
}

static int try_read(const char *path, const char *arg)
{
	(void)arg;
	return get(path) ? 0 : errno;
}

/* What a control file takes and what changes nothing that it shows. */
static const char *harmless(const char *path, const char *name)
{
	if (!strcmp(name, "cpuacct.usage"))
		return "0";
	if (!strcmp(name, "numtasks.stats"))
		return "res=numtasks";
	return get(path);
}

/* Every file of a container that moves nobody: all have to give the same. */
static int try_settings(const char *path, const char *arg)
{
	struct dirent **names;
	int n = scandir(path, &names, NULL, alphasort), i, e, first = -1;

	(void)arg;
	for (i = 0; i < n; i++) {
		const char *name = names[i]->d_name, *file = P("%s/%s", path, name);

		if (!is_writable(file) || is_task_list(name))
			continue;
		e = put(file, "%s", harmless(file, name));
		if (first < 0)
			first = e;
		if (e != first)
			return 255;
	}
	return first;
}

static int try_mkdir(const char *path, const char *arg)
{
	(void)arg;
	return E(mkdir(path, 0755));
}

static int try_rmdir(const char *path, const char *arg)
{
	(void)arg;
	return E(rmdir(path));
}

static int try_rename(const char *path, const char *to)
{
	return E(rename(path, P(M "/%s", to)));
}

static int try_symlink(const char *path, const char *arg)
{
	(void)arg;
	return E(symlink("tasks", path));
}

static int try_unlink(const char *path, const char *arg)
{
	(void)arg;
	return E(unlink(path));
}

static int try_chmod(const char *path, const char *arg)
{
	(void)arg;
	return E(chmod(path, 0640));
}

static int try_taking(const char *path, const char *arg)
{
	(void)arg;
	return E(chown(path, geteuid(), -1));
}

/* A lease holds up who opens the file otherwise, until it is broken. */
static int try_lease(const char *path, const char *arg)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), e;

	(void)arg;
	if (fd < 0)
		return errno;
	e = E(fcntl(fd, F_SETLEASE, F_RDLCK));
	close(fd);
	/* kernels that leave the refusal to no filesystem ask first whose file it is */
	return e == EACCES ? EINVAL : e;
}

/* A trial ends with a program that begins. */
static int try_exec(const char *path, const char *arg)
{
	return E(execl(path, path, arg, NULL));
}

static int try_mount(const char *path, const char *opts)
{
	return E(mount("x", path, "container", 0, opts ?: set));
}

static int try_remount(const char *path, const char *arg)
{
	(void)arg;
	return E(mount("x", path, NULL, MS_REMOUNT, set));
}

static int try_bind(const char *path, const char *arg)
{
	(void)arg;
	return E(mount(M, path, NULL, MS_BIND, NULL));
}

static int try_umount(const char *path, const char *arg)
{
	(void)arg;
	return E(umount(path));
}

static int try_fsopen(const char *path, const char *opts)
{
	enum { FLAG, STRING, CREATE = 6 };
	int e, fs = syscall(SYS_fsopen, "container", 0), mnt;

	(void)path;
	if (fs < 0)
		return errno;
	e = E(syscall(SYS_fsconfig, fs, STRING, "name", opts, 0)) ?:
	    E(syscall(SYS_fsconfig, fs, FLAG, "none", NULL, 0)) ?:
	    E(syscall(SYS_fsconfig, fs, CREATE, NULL, NULL, 0));
	if (!e) {
		mnt = syscall(SYS_fsmount, fs, 0, 0);
		e = E(mnt);
		if (!e)
			close(mnt);
	}
	close(fs);
	return e;
}

static int try_load(const char *path, const char *name)
{
	(void)path;
	return modinsert(modfile(name), "") ?: rmmod(name);
}

static int try_unload(const char *path, const char *name)
{
	(void)path;
	return rmmod(name);
}

static int try_fork(const char *path, const char *arg)
{
	(void)path;
	(void)arg;
	return fork_once();
}

static int try_unshare_uts(const char *path, const char *arg)
{
	(void)path;
	(void)arg;
	return E(unshare(CLONE_NEWUTS));
}

static int try_unshare_user(const char *path, const char *arg)
{
	(void)path;
	(void)arg;
	return E(unshare(CLONE_NEWUSER));
}

/* What ns makes for a task is not the task's. */
static int try_made_setting(const char *path, const char *arg)
{
	(void)path;
	(void)arg;
	if (unshare(CLONE_NEWUSER))
		return errno;
	return put(P(N "%s/auto_delete", where(0, "ns")), "1");
}

static int try_others(const char *path, const char *arg)
{
	return try_read(P("%s/%d/container", path, somebody.pid), arg);
}

/* --- the table ------------------------------------------------------------- */

/* Who may do it: an actor who is not named. [A ... B] are all from A to B, as they are listed. */
#define ALL { 0 }
#define ROOT_ONLY(e) { [BARE ... MEMBER] = e }
#define BOTH_ROOTS(e) { [OWNER ... MEMBER] = e }
#define ROOT_AND_OWNER(e) { [BARE] = e, [USER ... MEMBER] = e }
/* Who has mounts of his own is told something else by the kernel. */
#define OWN_MOUNTS(own) { [BARE ... OWNER] = EPERM, [OWNER_NS] = own, \
			  [USER ... USER_NS] = EPERM, [USER_MOUNTS] = own, [MEMBER] = EPERM }

static const struct row {
	const char *what;	/* in the page */
	int (*try)(const char *path, const char *arg);
	const char *path;	/* of the tree, or from the root with a slash */
	const char *arg;
	const char *in;		/* where the actor is, if that matters */
	int e[ACTORS];
} rows[] = {
	{ "mount a new hierarchy", try_mount, T, .arg = "none,name=t", .e = ROOT_ONLY(EPERM) },
	{ "the same, with a release agent", try_mount, T, .arg = "none,name=t,release_agent=/x",
	  .e = ROOT_ONLY(EPERM) },
	{ "the same by fsopen(2)", try_fsopen, "/", .arg = "t", .e = ROOT_ONLY(EPERM) },
	{ "mount a hierarchy that is active", try_mount, T, .e = ROOT_ONLY(EPERM) },
	{ "remount it", try_remount, M, .e = ROOT_ONLY(EPERM) },
	{ "bind-mount it", try_bind, T, .e = OWN_MOUNTS(0) },
	{ "unmount it", try_umount, AGAIN, .e = OWN_MOUNTS(EINVAL) },
	{ "load a module", try_load, "/", .arg = "container_apitest", .e = ROOT_ONLY(EPERM) },
	{ "unload one that is in use", try_unload, "/", .arg = "container_core",
	  .e = { [ROOT] = EAGAIN, [BARE ... MEMBER] = EPERM } },
	{ "set a module parameter", try_write,
	  "/sys/module/container_ns/parameters/max_containers", .arg = "4096",
	  .e = BOTH_ROOTS(EACCES) },

	{ "mkdir in the root container", try_mkdir, "x", .e = BOTH_ROOTS(EACCES) },
	{ "mkdir in a container of root's", try_mkdir, "a/x", .e = BOTH_ROOTS(EACCES) },
	{ "mkdir in a delegated container", try_mkdir, "d/x", .e = ROOT_AND_OWNER(EACCES) },
	{ "rmdir of it", try_rmdir, "e", .e = BOTH_ROOTS(EACCES) },
	{ "rename of it", try_rename, "d", .arg = "x", .e = BOTH_ROOTS(EACCES) },
	{ "rmdir in it", try_rmdir, "d/sub", .e = ROOT_AND_OWNER(EACCES) },
	{ "rename in it", try_rename, "d/sub", .arg = "d/x", .e = ROOT_AND_OWNER(EACCES) },
	{ "rename to another container of it", try_rename, "d/sub", .arg = "d/kill/x",
	  .e = { EIO, EACCES, EIO, EIO, [USER ... MEMBER] = EACCES } },
	{ "rmdir in it, which kills somebody's process", try_rmdir, "d/kill",
	  .e = ROOT_AND_OWNER(EACCES) },
	{ "make a symbolic link in it", try_symlink, "d/x",
	  .e = { EPERM, EACCES, EPERM, EPERM, [USER ... MEMBER] = EACCES } },
	{ "remove a control file in it", try_unlink, "d/tasks",
	  .e = { EPERM, EACCES, EPERM, EPERM, [USER ... MEMBER] = EACCES } },
	{ "chmod of a file of root's", try_chmod, "a/tasks", .e = BOTH_ROOTS(EPERM) },
	{ "chmod of a file of the owner's", try_chmod, "d/sub/tasks", .e = ROOT_AND_OWNER(EPERM) },
	{ "become the owner of a file of root's", try_taking, "a/tasks", .e = BOTH_ROOTS(EPERM) },

	{ "write any setting of a container of root's", try_settings, "a",
	  .e = BOTH_ROOTS(EACCES) },
	{ "write any setting of a delegated container", try_settings, "d",
	  .e = BOTH_ROOTS(EACCES) },
	{ "write any setting of a container that the owner made", try_settings, "d/sub",
	  .e = ROOT_AND_OWNER(EACCES) },
	{ "write release_agent", try_write, N "/release_agent", .arg = "/x",
	  .e = { [BARE] = EPERM, [OWNER ... MEMBER] = EACCES } },
	{ "write one that was given to the owner", try_write, "release_agent", .arg = "/x",
	  .e = { [BARE] = EACCES, [OWNER ... OWNER_NS] = EPERM, [USER ... MEMBER] = EACCES } },
	{ "write events", try_write, "a/events", .arg = "1",
	  .e = { EINVAL, [BARE ... MEMBER] = EACCES } },
	{ "read events", try_read, "a/events", .e = ALL },
	{ "read tasks", try_read, "a/tasks", .e = ALL },
	{ "read bc.numfiles.holders of root's", try_read, "a/bc.numfiles.holders",
	  .e = { [BARE] = EPERM, [OWNER ... MEMBER] = EACCES } },
	{ "read bc.numfiles.holders of the owner's", try_read, "d/sub/bc.numfiles.holders",
	  .e = { [BARE] = EACCES, [OWNER ... OWNER_NS] = EPERM, [USER ... MEMBER] = EACCES } },
	{ "take a lease on a file of the owner's", try_lease, "d/sub/tasks",
	  .e = { [ROOT ... MEMBER] = EINVAL } },
	{ "execute a file of the owner's", try_exec, "d/sub/procs",
	  .e = { [ROOT ... MEMBER] = EACCES } },

	{ "enter a container of root's", try_move, "a/tasks", .arg = SELF, .in = "",
	  .e = BOTH_ROOTS(EACCES) },
	{ "leave to the root container", try_move, "tasks", .arg = SELF, .in = "a",
	  .e = BOTH_ROOTS(EACCES) },
	{ "leave to the root container by procs", try_move, "procs", .arg = SELF, .in = "a",
	  .e = BOTH_ROOTS(EACCES) },
	{ "enter a delegated container", try_move, "d/tasks", .arg = SELF, .in = "",
	  .e = ROOT_AND_OWNER(EACCES) },
	{ "enter it by procs", try_move, "d/procs", .arg = SELF, .in = "",
	  .e = ROOT_AND_OWNER(EACCES) },
	{ "enter it through a bind mount", try_move, BIND "/tasks", .arg = SELF, .in = "",
	  .e = ROOT_AND_OWNER(EACCES) },
	{ "enter it by a descriptor that root opened", try_passed_by_root, "/", .arg = SELF,
	  .in = "", .e = ALL },
	{ "enter it by a descriptor that the owner opened", try_passed_by_owner, "/", .arg = SELF,
	  .in = "", .e = { [ROOT ... BARE] = EACCES, [USER ... MEMBER] = EACCES } },
	{ "move a process of one's own into it", try_own, "d/tasks", .e = ROOT_AND_OWNER(EACCES) },
	{ "move somebody's process into it", try_move, "d/tasks", .arg = SOMEBODYS,
	  .e = ROOT_ONLY(EACCES) },
	{ "the same by procs", try_move, "d/procs", .arg = SOMEBODYS, .e = ROOT_ONLY(EACCES) },
	{ "the same by a descriptor that root opened", try_passed_by_root, "/", .arg = SOMEBODYS,
	  .e = ALL },
	{ "the same by a descriptor that the owner opened", try_passed_by_owner, "/",
	  .arg = SOMEBODYS, .e = { [ROOT ... MEMBER] = EACCES } },
	{ "move somebody's process inside it", try_move, "d/sub/tasks", .arg = INSIDE,
	  .e = ROOT_ONLY(EACCES) },
	{ "move somebody's process to a container of root's", try_move, "a/tasks",
	  .arg = SOMEBODYS, .e = BOTH_ROOTS(EACCES) },

	{ "fork in a container that is full", try_fork, "/", .in = "full",
	  .e = { [ROOT ... MEMBER] = EAGAIN } },
	{ "fork below one that is full", try_fork, "/", .in = "full/below",
	  .e = { [ROOT ... MEMBER] = EAGAIN } },
	{ "open a file beyond a barrier", try_read, "/docs/security.md", .in = "poor",
	  .e = ROOT_ONLY(EMFILE) },

	{ "unshare(CLONE_NEWUTS) while ns is bound", try_unshare_uts, "/",
	  .e = { [BARE ... OWNER] = EPERM, [USER] = EPERM, [MEMBER] = EPERM } },
	{ "unshare(CLONE_NEWUSER) while ns is bound", try_unshare_user, "/", .e = ALL },
	{ "write a setting of the container that ns makes for it", try_made_setting, "/",
	  .e = BOTH_ROOTS(EACCES) },
	{ "enter a container that is no child of one's own under ns", try_move, N "/x/y/tasks",
	  .arg = SELF, .e = { [ROOT ... BARE] = EPERM, [OWNER ... MEMBER] = EACCES } },

	{ "read /proc/containers", try_read, "/proc/containers", .e = ALL },
	{ "read /proc/PID/container of somebody's process", try_others, "/proc", .e = ALL },
	{ "the same where procfs has hidepid=2", try_others, HIDING, .e = BOTH_ROOTS(ENOENT) },
};

/* --- the tree, and what it is like ----------------------------------------- */

static int idle(struct kid *up, void *arg)
{
	(void)arg;
	drop_to(SOMEBODY_UID);
	kid_send(up, 0);
	kid_recv(up);
	return 0;
}

static struct kid a_process_of_somebody(void)
{
	struct kid k = kid_start(idle, NULL);

	kid_recv(&k);
	return k;
}

static void delegate(const char *dir)
{
	static const char *const given[] = { "", "/tasks", "/procs" };

	for (size_t i = 0; i < ARRAY_SIZE(given); i++)
		if (chown(P("%s%s", dir, given[i]), OWNER_UID, OWNER_UID))
			bail("chown in %s: %s", dir, strerror(errno));
}

static int open_for_tasks(uid_t uid)
{
	int fd;

	if (seteuid(uid))
		bail("seteuid: %s", strerror(errno));
	fd = open(M "/d/tasks", O_WRONLY | O_CLOEXEC);
	if (fd < 0 || seteuid(0))
		bail("d/tasks of %d: %s", uid, strerror(errno));
	return fd;
}

static int owners_containers(void *arg)
{
	(void)arg;
	return E(mkdir(M "/d/sub", 0755)) ?: E(chmod(M "/d/sub/procs", 0755)) ?:
	       E(mkdir(M "/d/kill", 0755)) ?:
	       put(M "/d/kill/kill_on_rmdir", "1");
}

/* What no trial changes. */
static void build_limits(void)
{
	static const char *const dirs[] = { "full", "full/below", "poor" };

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		mkdir(P(M "/%s", dirs[i]), 0755);
	put(M "/full/bc.numtasks.barrier", "1");
	put(M "/full/bc.numtasks.limit", "1");
	put(M "/poor/bc.numfiles.barrier", "0");
}

static void clear_limits(void)
{
	rmdir(M "/full/below");
	rmdir(M "/full");
	rmdir(M "/poor");
}

static void build(void)
{
	static const char *const dirs[] = { "a", "d", "e" };

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		mkdir(P(M "/%s", dirs[i]), 0755);
	delegate(M "/d");
	delegate(M "/e");
	chown(M "/release_agent", OWNER_UID, OWNER_UID);
	if (as_user(OWNER_UID, owners_containers, NULL))
		bail("the containers of the owner");
	somebody = a_process_of_somebody();
	inside = a_process_of_somebody();
	movepid(M "/d/kill", inside.pid);
	of_root = open_for_tasks(0);
	of_owner = open_for_tasks(OWNER_UID);
	if (mount(M "/d", BIND, NULL, MS_BIND, NULL))
		bail("bind mount: %s", strerror(errno));
}

static void clear(void)
{
	struct dirent **names;
	int n;

	umount(BIND);
	umount(T);
	if (access(AGAIN "/tasks", F_OK))
		cmount(AGAIN, set);
	close(of_root);
	close(of_owner);
	reap(somebody.pid);
	close(somebody.fd);
	reap(inside.pid);
	close(inside.fd);
	put(M "/release_agent", "\n");
	put(N "/release_agent", "\n");
	n = scandir(M, &names, NULL, alphasort);
	while (n-- > 0) {
		const char *dir = P(M "/%s", names[n]->d_name);

		if (names[n]->d_type == DT_DIR && !strchr(".fp", names[n]->d_name[0])) {
			put(P("%s/kill_on_rmdir", dir), "1");
			rmdir(dir);
		}
		free(names[n]);
	}
	free(names);
}

/* In which container of the tree a process is. */
static const char *place(pid_t pid)
{
	char *lines = get(P("/proc/%d/container", pid));
	char *line = lines ? strstr(lines, "cpuacct") : NULL;

	return line ? P("%.*s", (int)strcspn(line, "\n"), line) : "nowhere";
}

/* All that a trial could change. */
static char *state(void)
{
	char *tree = tree_state(M), *text;

	if (asprintf(&text, "%s%d hierarchies, mounted %d %d %d, %s %s, agent %sparameter %s", tree,
		     nhiers(), !access(AGAIN "/tasks", F_OK), !access(BIND "/tasks", F_OK),
		     !access(T "/tasks", F_OK), place(somebody.pid),
		     place(inside.pid), get(N "/release_agent"),
		     get("/sys/module/container_ns/parameters/max_containers")) < 0)
		bail("no memory");
	free(tree);
	return text;
}

/* --- the trials ------------------------------------------------------------ */

enum { NO_NAMESPACE = 1000 };

struct trial {
	const struct row *row;
	const struct actor *actor;
	const char *path;
};

static int trial(struct kid *up, void *arg)
{
	const struct trial *t = arg;

	kid_send(up, become(t->actor) ? 0 : NO_NAMESPACE);
	if (!kid_recv(up))
		kid_send(up, t->row->try(t->path, t->row->arg));
	return 0;
}

/* What the actor is told, in a container that root has moved him to. */
static int try(const struct trial *t)
{
	struct kid k = kid_start(trial, (void *)t);
	int e = kid_recv(&k);

	if (!e) {
		e = movepid(P(M "/%s", t->row->in ?: t->actor->in), k.pid);
		if (e)
			bail("%s enters his container: %s", t->actor->name, strerror(e));
		kid_send(&k, 0);
		e = kid_recv(&k);
	}
	kid_wait(&k);
	return e;
}

/* One actor's trial; false: it could not be made. */
static bool test_cell(struct trial *t)
{
	int e = try(t);

	if (e == NO_NAMESPACE)
		skip("%s: %s # users have no namespaces here", t->actor->name, t->row->what);
	else
		err(e, t->row->e[t->actor - actors], "%s: %s", t->actor->name, t->row->what);
	return e != NO_NAMESPACE;
}

/* First who is refused, and nothing may have changed then; each of the others finds it so. */
static void test_row(const struct row *row)
{
	const char *path = *row->path == '/' ? row->path : P(M "/%s", row->path);
	struct trial t = { .row = row, .path = strdup(path) };
	char *before = state(), *after;

	if (!strncmp(row->what, "read bc.numfiles", 16) && access(path, F_OK)) {
		skip("%s # this kernel cannot count files", row->what);
		return;
	}
	for (t.actor = actors; t.actor < actors + ACTORS; t.actor++)
		if (row->e[t.actor - actors])
			test_cell(&t);
	after = state();
	streq(after, before, "%s: who was refused has changed nothing", row->what);
	free(after);
	for (t.actor = actors; t.actor < actors + ACTORS; t.actor++) {
		if (row->e[t.actor - actors] || !test_cell(&t))
			continue;
		after = state();
		if (strcmp(after, before)) {
			clear();
			build();
		}
		free(after);
	}
	free((void *)t.path);
	free(before);
}

static void test_table(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		test_row(&rows[i]);
}

/* --- memory ---------------------------------------------------------------- */

#define MEMCG "/tmp/cg"
#define MANY 5000

/* A user who opens a file of the tree many times. */
static int opener(struct kid *up, void *arg)
{
	struct rlimit many = { MANY + 100, MANY + 100 };
	int i, fds = 0;

	if (setrlimit(RLIMIT_NOFILE, &many))
		return 1;
	drop_to(USER_UID);
	kid_send(up, 0);
	kid_recv(up);
	for (i = 0; i < MANY; i++)
		fds += open(arg, O_RDONLY) >= 0;
	kid_send(up, fds);
	kid_recv(up);
	return 0;
}

/*
 * How many bytes that adds to his memory cgroup. It is a new one each time: what was opened in an
 * older one is freed only after grace periods.
 */
static long charged_for(const char *path)
{
	static int groups;
	const char *group = strdup(P(MEMCG "/%d", ++groups));
	struct kid k = kid_start(opener, (void *)path);
	long before, bytes;

	kid_recv(&k);
	err(E(mkdir(group, 0755)) ?: put(P("%s/cgroup.procs", group), "%d", k.pid), 0,
	    "a user in a memory cgroup");
	before = getnum(P("%s/memory.current", group));
	kid_send(&k, 0);
	eq(kid_recv(&k), MANY, "opens %s %d times", path, MANY);
	bytes = getnum(P("%s/memory.current", group)) - before;
	kid_send(&k, 0);
	eq(kid_wait(&k), 0, "and ends");
	ok(wait_for(!rmdir(group)), "remove the memory cgroup");
	return bytes;
}

/* The list that an open file of tasks has is the opener's memory: at least 1 kB each time. */
static void test_memory(void)
{
	long list, flag;

	mkdir(MEMCG, 0755);
	if (mount("x", MEMCG, "cgroup2", 0, NULL) ||
	    put(MEMCG "/cgroup.subtree_control", "+memory")) {
		skip("the memory of lists # no memory controller");
	} else {
		flag = charged_for(M "/notify_on_release");
		list = charged_for(M "/tasks");
		ok(list - flag > MANY * 800L, "%ld bytes for open lists, %ld for other open files",
		   list, flag);
		put(MEMCG "/cgroup.subtree_control", "-memory");
	}
	umount(MEMCG);
	rmdir(MEMCG);
}

/* --- the page -------------------------------------------------------------- */

static const char *as_in_page(const struct row *row)
{
	const char *line = P("| %s |", row->what);

	for (int i = 0; i < ACTORS; i++)
		line = P("%s %s |", line, row->e[i] ? strerrorname_np(row->e[i]) : "yes");
	return P("%s\n", line);
}

/* The table in the page is this one, no row more or less, in this order. */
static void test_page(void)
{
	char *page = get(PAGE), *table, *end;
	const char *head = "| |";
	size_t i;

	for (i = 0; i < ACTORS; i++)
		head = P("%s %s |", head, actors[i].name);
	table = page ? strstr(page, P("%s\n", head)) : NULL;
	if (!ok(table, PAGE " has a table of these actors")) {
		diag("%s", head);
		return;
	}
	/* below the head, and the line that makes it one */
	table = strchr(strchr(table, '\n') + 1, '\n') + 1;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *line = as_in_page(&rows[i]);

		end = strchr(table, '\n');
		if (ok(end && !strncmp(table, line, strlen(line)), PAGE ": %s", rows[i].what))
			table = end + 1;
		else
			diag("%s", line);
	}
	ok(*table != '|', PAGE " has no other row");
}

/* --- loading by mounting --------------------------------------------------- */

/*
 * The kernel loads the module of a filesystem for everybody who may mount anything: also for
 * root of a mount namespace of his own. Who may not mount gets no further.
 */
static void test_loading(void)
{
	static const struct row row = { "mount", try_mount, T, .arg = "none,name=t", .e = ALL };
	static const struct {
		int actor, e;
		bool loaded;
	} loading[] = {
		{ USER, EPERM, false }, { USER_NS, EPERM, false }, { BARE, EPERM, false },
		{ USER_MOUNTS, EPERM, true }, { ROOT, 0, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(loading); i++) {
		struct trial t = { &row, &actors[loading[i].actor], T };
		struct kid k;
		int e;

		eq(unload_all(), 0, "no module is loaded");
		k = kid_start(trial, &t);
		e = kid_recv(&k);
		if (!e) {
			kid_send(&k, 0);
			e = kid_recv(&k);
		}
		kid_wait(&k);
		if (e == NO_NAMESPACE) {
			skip("%s mounts # no user namespaces for users here", t.actor->name);
			continue;
		}
		err(e, loading[i].e, "%s mounts while nothing is loaded", t.actor->name);
		eq(modloaded("container_core"), loading[i].loaded, "%s: is it loaded now?",
		   t.actor->name);
		if (modloaded("container_core"))
			eq(nhiers(), 1 + !e, "%s: hierarchies", t.actor->name);
		umount(T);
	}
}

int main(void)
{
	setup();
	modprobe("container_numtasks");
	modprobe("container_bc");
	modprobe("container_cpuset");
	set = strdup(P("%s,clone_children", registered(",")));
	if (modprobe("container_ns"))
		bail("container_ns loads");
	mkdir(T, 0755);
	mkdir(BIND, 0755);
	mkdir(HIDING, 0755);
	err(cmount(M, set), 0, "mount %s", set);
	err(cmount(AGAIN, set), 0, "once more");
	err(cmount(N, "ns"), 0, "mount ns");
	err(E(mkdir(N "/x", 0755)) ?: E(mkdir(N "/x/y", 0755)), 0, "mkdir under ns");
	err(E(mount("proc", HIDING, "proc", 0, "hidepid=2")), 0, "mount procfs with hidepid=2");
	build_limits();
	build();

	CASE(test_table());
	CASE(test_page());
	CASE(test_memory());

	clear();
	clear_limits();
	umount(HIDING);
	rmdir(HIDING);
	rmdir(BIND);
	rmdir(N "/x/y");
	rmdir(N "/x");
	ok(wait_for(!umount(N)), "unmount ns");
	rmdir(N);
	err(cumount(AGAIN), 0, "unmount");
	err(cumount(M), 0, "unmount");

	CASE(test_loading());
	rmdir(T);
	finish();
}
