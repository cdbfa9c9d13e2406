/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/evidence/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "data/base/clock.h"
#include "data/base/file.h"

/*
 * Input and output are files in memory: nobody has to feed the program while it runs,
 * and nothing is left behind if it or this process is killed.
 */

#define OUTPUT_MAX ((size_t)1 << 30)
#define INHERITED 4 /* descriptors 0 to 3 */

extern char **environ;

static const char *const added[] = {
	"LC_ALL=C",
	"SSH_ASKPASS_REQUIRE=never",
	"GIT_CONFIG_NOSYSTEM=1",
	"GIT_CONFIG_GLOBAL=/dev/null",
	"GIT_ATTR_NOSYSTEM=1",
	"GIT_ALLOW_PROTOCOL=",
	"GIT_NO_REPLACE_OBJECTS=1",
	"GIT_TERMINAL_PROMPT=0",
};

static bool is_kept(const char *variable)
{
	static const char *const dropped[] = {
		"GIT_",         "LC_ALL=",         "LANGUAGE=", "SSH_ASKPASS",
		"SSH_ASKPASS_", "WAYLAND_DISPLAY", "DISPLAY=",
	};

	for (size_t i = 0; i < sizeof(dropped) / sizeof(*dropped); i++) {
		if (strncmp(variable, dropped[i], strlen(dropped[i])) == 0) {
			return false;
		}
	}
	return true;
}

/* A heap array; the strings are borrowed. */
static char **make_environment(void)
{
	size_t count = 0, n = 0, more = sizeof(added) / sizeof(*added);
	char **env;

	while (environ[count]) {
		count++;
	}
	env = xreallocarray(NULL, count + more + 1, sizeof(*env));
	for (size_t i = 0; i < count; i++) {
		if (is_kept(environ[i])) {
			env[n++] = environ[i];
		}
	}
	for (size_t i = 0; i < more; i++) {
		/* The cast is safe: posix_spawn does not write to it. */
		env[n++] = (char *)(uintptr_t)added[i];
	}
	env[n] = NULL;
	return env;
}

/* A file in memory with these bytes, at its beginning. */
static int memory_file(int *fd, const struct buf *bytes, struct err *err)
{
	int rc = 0;

	*fd = memfd_create("albumen", MFD_CLOEXEC);
	if (*fd < 0) {
		return err_sys(err, "cannot make a file in memory");
	}
	if (bytes && bytes->len) {
		rc = file_write_fd(*fd, bytes->data, bytes->len, "a file in memory", err);
	}
	if (!rc && lseek(*fd, 0, SEEK_SET) < 0) {
		rc = err_sys(err, "cannot rewind a file in memory");
	}
	return rc;
}

/* Whether this process may ask for more than that, and so may what it runs. */
static bool is_unlimited(size_t memory_max)
{
	struct rlimit now;

	return getrlimit(RLIMIT_DATA, &now) < 0 || now.rlim_cur > memory_max;
}

/* What is run: the program, or prlimit(1), which becomes the program. A limit that is set when
 * the program runs already may come too late for those that it has started. */
static const char **make_arguments(struct buf *limit, const struct tool *tool)
{
	size_t count = 0, n = 0;
	const char **argv;

	while (tool->argv[count]) {
		count++;
	}
	argv = xreallocarray(NULL, count + 3, sizeof(*argv));
	if (tool->memory_max && is_unlimited(tool->memory_max)) {
		/* What it has mapped of files does not count. */
		buf_addf(limit, "--data=%zu", tool->memory_max);
		argv[n++] = "prlimit";
		argv[n++] = limit->data;
	}
	memcpy(argv + n, tool->argv, (count + 1) * sizeof(*argv));
	return argv;
}

static int spawn(pid_t *pid, const struct tool *tool, const int fd[INHERITED],
		 struct err *err)
{
	struct buf limit = {0};
	const char **argv = make_arguments(&limit, tool);
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	char **env = make_environment();
	sigset_t none, all;
	int rc;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	for (int i = 0; i < INHERITED; i++) {
		if (fd[i] >= 0) {
			posix_spawn_file_actions_adddup2(&actions, fd[i], i);
		}
	}
	/* A session of its own has no terminal to prompt on. */
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID |
						      POSIX_SPAWN_SETSIGMASK |
						      POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	rc = posix_spawnp(pid, argv[0], &actions, &attributes,
			  (char *const *)(uintptr_t)argv, env);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	free(env);
	if (rc) {
		errno = rc;
		rc = err_sys_find(err, "cannot run '%s'%s", tool->argv[0],
				  tool->memory_max ? " by prlimit(1)" : "");
	}
	free(argv);
	buf_release(&limit);
	return rc;
}

/* Waits for the end, the limit (ERR_FAIL) or a stop (ERR_STOPPED). */
static int watch(const struct tool *tool, pid_t pid, struct err *err)
{
	int64_t end_ms = clock_now_ms() + (int64_t)tool->limit_s * 1000;
	struct pollfd poll_fd[2] = {{.fd = pidfd_open(pid, 0), .events = POLLIN},
				    {.fd = -1, .events = POLLIN}};
	int rc = 0;

	if (poll_fd[0].fd < 0) {
		return err_sys(err, "cannot wait for '%s'", tool->argv[0]);
	}
	if (tool->stop) {
		poll_fd[1].fd = tool->stop->fd;
	}
	while (!rc && !poll_fd[0].revents) {
		int64_t left_ms = tool->limit_s ? end_ms - clock_now_ms() : -1;

		if (tool->limit_s && left_ms <= 0) {
			rc = err_set(err, ERR_FAIL, "'%s' has not ended after %d seconds",
				     tool->argv[0], tool->limit_s);
		} else if (poll(poll_fd, 2, (int)left_ms) < 0 && errno != EINTR) {
			rc = err_sys(err, "cannot wait for '%s'", tool->argv[0]);
		} else if (poll_fd[1].revents) {
			rc = stop_check(tool->stop, err);
		}
	}
	close(poll_fd[0].fd);
	return rc;
}

static int wait_for(struct tool *tool, pid_t pid, struct err *err)
{
	int rc = watch(tool, pid, err);
	int status;

	if (rc) {
		kill(-pid, SIGKILL); /* its session: also the programs that it runs */
		kill(pid, SIGKILL);  /* it may not have begun that session yet */
	}
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR) {
			return rc ? rc
				  : err_sys(err, "cannot wait for '%s'", tool->argv[0]);
		}
	}
	tool->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return rc;
}

static int read_back(struct buf *out, int fd, struct err *err)
{
	if (lseek(fd, 0, SEEK_SET) < 0) {
		return err_sys(err, "cannot rewind a file in memory");
	}
	return file_read_fd(out, fd, OUTPUT_MAX, "a file in memory", err);
}

int tool_run(struct tool *tool, struct err *err)
{
	int fd[INHERITED] = {-1, -1, -1, -1};
	pid_t pid;
	int rc;

	buf_clear(&tool->errors);
	rc = memory_file(&fd[0], tool->input, err);
	rc = rc ? rc : memory_file(&fd[1], NULL, err);
	rc = rc ? rc : memory_file(&fd[2], NULL, err);
	if (!rc && tool->file) {
		rc = memory_file(&fd[3], tool->file, err);
	}
	rc = rc ? rc : spawn(&pid, tool, fd, err);
	rc = rc ? rc : wait_for(tool, pid, err);
	if (!rc && tool->output) {
		rc = read_back(tool->output, fd[1], err);
	}
	rc = rc ? rc : read_back(&tool->errors, fd[2], err);
	for (int i = 0; i < INHERITED; i++) {
		if (fd[i] >= 0) {
			close(fd[i]);
		}
	}
	return rc;
}

const char *tool_why(struct tool *tool)
{
	size_t len;

	if (!tool->errors.len) {
		return "no reason given";
	}
	/* ssh-keygen ends its lines with "\r\n". */
	len = strcspn(tool->errors.data, "\r\n");
	if (len < tool->errors.len) {
		buf_setlen(&tool->errors, len);
	}
	return tool->errors.data;
}

void tool_release(struct tool *tool)
{
	buf_release(&tool->errors);
}
