// SPDX-License-Identifier: GPL-2.0
/*
 * What keeps enter out of the hands of those whose namespaces it joins. Root in there sees
 * the process from the moment it has joined, and the program that it becomes is one of
 * theirs. So before that
 *
 * - it runs from a sealed copy of itself in memory: /proc/PID/exe leads to nothing that
 *   could be overwritten, though a script of theirs name /proc/self/exe as its interpreter;
 * - it has no descriptor but the three streams, no keys of the caller's session, and no
 *   locale, whose catalogues and converters would be loaded from their files;
 * - nobody may trace it or open what it has open, until it has become their program;
 * - that program cannot type commands into the caller's terminal.
 */
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "ctl.h"

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* From 6.3 on a kernel may be told to want it; before, it is not known. */
#ifndef MFD_EXEC
#define MFD_EXEC 0x10
#endif

/* A copy of a file that nobody can change; -1 and errno. */
static int sealed_copy(int from)
{
	int flags = MFD_CLOEXEC | MFD_ALLOW_SEALING, to;
	ssize_t n;

	to = memfd_create("containerctl", flags | MFD_EXEC);
	if (to < 0 && errno == EINVAL)
		to = memfd_create("containerctl", flags);
	if (to < 0)
		return -1;
	while ((n = sendfile(to, from, NULL, 1 << 20)) > 0)
		;
	if (!n && !fcntl(to, F_ADD_SEALS, SEALS))
		return to;
	close(to);
	return -1;
}

/* Returns in such a copy; argv is what it is run with. */
void guard_copy(char **argv)
{
	int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), seals, copy;

	if (self < 0)
		die("/proc/self/exe: %s", strerror(errno));
	/* of a file on a disk it is an error to ask */
	seals = fcntl(self, F_GET_SEALS);
	if (seals >= 0 && (seals & SEALS) == SEALS) {
		/* with those that the caller had open */
		if (syscall(SYS_close_range, 3U, ~0U, 0))
			die("cannot close the caller's files: %s", strerror(errno));
		prctl(PR_SET_NAME, "containerctl");
		return;
	}
	copy = sealed_copy(self);
	if (copy >= 0)
		fexecve(copy, argv, environ);
	die("cannot run from a sealed copy in memory: %s\n  Cure: sysctl vm.memfd_noexec=1, if it is 2.",
	    strerror(errno));
}

/* To be said again after a change of users, which makes it what a sysctl says. */
void guard_untraceable(void)
{
	if (prctl(PR_SET_DUMPABLE, 0))
		die("prctl: %s", strerror(errno));
}

/* Right before the namespaces are joined: files of ours may be out of reach from here on. */
void guard_raise(void)
{
	setlocale(LC_ALL, "C");
	/* who is not let do this is not let reach the keys, either */
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 && errno != ENOSYS &&
	    errno != EPERM)
		die("cannot leave the session keyring: %s", strerror(errno));
	guard_untraceable();
}

bool guard_has_terminal(void)
{
	int tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (tty >= 0)
		close(tty);
	return tty >= 0;
}

#define LOAD(member) \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define IF(value, then, or_else) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), (then), (or_else))
#define IOCTL_I386	54
#define IOCTL_X86_64	16
#define IOCTL_X32	(0x40000000 | 514)

/*
 * From here on neither this process nor what it becomes puts characters into a terminal's
 * input, which would be read as commands of whoever sits there. After the namespaces are
 * joined: it takes CAP_SYS_ADMIN in the user namespace.
 */
void guard_terminal(void)
{
	static struct sock_filter code[] = {
		LOAD(arch),
		IF(AUDIT_ARCH_I386, 0, 2),
		LOAD(nr),
		IF(IOCTL_I386, 4, 3),
		LOAD(nr),
		IF(IOCTL_X86_64, 2, 0),
		IF(IOCTL_X32, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		/* the kernel looks at the lower half alone */
		LOAD(args[1]),
		IF(TIOCSTI, 2, 0),
		IF(TIOCLINUX, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
	};
	static const struct sock_fprog filter = { .len = ARRAY_SIZE(code), .filter = code };

	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter))
		die("cannot keep what is run from typing into this terminal: %s\n  Cure: run it without one: setsid --wait containerctl enter ...",
		    strerror(errno));
}
