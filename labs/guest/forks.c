// SPDX-License-Identifier: GPL-2.0
/*
 * forks SECONDS PROCESSES: so many processes, which fork for so long, one child after another.
 */
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int processes = argc > 2 ? atoi(argv[2]) : 1;
	time_t end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 1);
	pid_t pid;

	while (--processes > 0)
		if (!fork())
			break;
	while (time(NULL) < end) {
		pid = fork();
		if (!pid)
			_exit(0);
		if (pid > 0)
			waitpid(pid, NULL, 0);
	}
	/* the other processes */
	while (wait(NULL) > 0)
		;
	return 0;
}
