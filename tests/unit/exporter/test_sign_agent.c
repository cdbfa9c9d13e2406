/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/git_fixture.h"

#include <signal.h>
#include <sys/types.h>

#include "data/base/clock.h"
#include "exporter/evidence/sign.h"
#include "exporter/evidence/sign_agent.h"

#define COMMIT                                                                           \
	"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n"                                \
	"author A <a@x> 1700000000 +0000\ncommitter A <a@x> 1700000000 +0000\n\nhello\n"
#define TAG                                                                              \
	"object 4b825dc642cb6eb9a060e54bf8d69288fbee4904\ntype tree\ntag a\n"            \
	"tagger A <a@x> 1700000000 +0000\n\nhello\n"

static struct err err;

static int setup(void **state)
{
	unsetenv("SSH_AUTH_SOCK");
	return git_fixture_setup(state);
}

static void make_key(const char *name, const char *type, const char *passphrase)
{
	struct buf line = {0};

	buf_addf(&line, "ssh-keygen -q -t %s -N '%s' -C test -f %s", type, passphrase,
		 name);
	git_fixture_says(line.data, "");
	buf_release(&line);
}

static void open_agent(struct sign_agent **agent, const char *key)
{
	int rc = sign_agent_open(agent, key, &err);

	if (rc) {
		print_error("%s\n", err.msg);
	}
	assert_int_equal(rc, 0);
}

static void is_signed(struct sign_agent *agent, enum object_type type, const char *text,
		      const char *same_as)
{
	struct buf body = {0}, other = {0}, payload = {0}, signature = {0};
	struct sign_verifier *verifier;
	struct sign_result result;

	buf_addstr(&body, text);
	buf_addstr(&other, text);
	assert_int_equal(sign_agent_body(agent, &body, type, &err), 0);
	assert_int_equal(sign_split(&payload, &signature, type, body.data, body.len), 0);
	assert_string_equal(payload.data, text);
	assert_int_equal(sign_verifier_open(&verifier, NULL, &err), 0);
	assert_int_equal(sign_verify(&result, verifier, type, body.data, body.len, &err),
			 0);
	assert_int_equal(result.verdict, SIGN_UNKNOWN);
	sign_verifier_close(verifier);
	if (same_as) {
		assert_int_equal(sign_body(&other, type, same_as, &err), 0);
		assert_string_equal(body.data, other.data);
	}
	buf_release(&body);
	buf_release(&other);
	buf_release(&payload);
	buf_release(&signature);
}

static void signatures_are_those_of_ssh_keygen(void **state)
{
	static const char *const type[] = {"ed25519", "ecdsa", "rsa -b 2048"};
	struct sign_agent *agent;

	(void)state;
	for (int i = 0; i < 3; i++) {
		git_fixture_says("rm -f key key.pub", "");
		make_key("key", type[i], "");
		open_agent(&agent, "key");
		/* An ecdsa signature has a random number in it. */
		is_signed(agent, OBJECT_COMMIT, COMMIT, i == 1 ? NULL : "key");
		is_signed(agent, OBJECT_TAG, TAG, i == 1 ? NULL : "key");
		sign_agent_close(agent);
	}
	/* The public key's file stands for the private one beside it. */
	open_agent(&agent, "key.pub");
	is_signed(agent, OBJECT_COMMIT, COMMIT, "key");
	sign_agent_close(agent);
}

static void the_users_agent_is_asked(void **state)
{
	struct sign_agent *agent;
	struct buf out = {0};
	char *pid;

	(void)state;
	make_key("locked", "ed25519", "secret");
	assert_int_equal(sign_agent_open(&agent, "locked", &err), ERR_INPUT);
	assert_non_null(strstr(err.msg, "ssh-add"));
	assert_null(agent);
	make_key("key", "ed25519", "");
	git_fixture_run(&out, "ssh-agent -a \"$PWD/sock\" >agent.sh && . ./agent.sh "
			      ">/dev/null && ssh-add -q key && mv key away && "
			      "echo $SSH_AGENT_PID");
	pid = out.data;
	assert_true(strtol(pid, NULL, 10) > 0);
	git_fixture_says("test -S sock", "");
	{
		char *cwd = getcwd(NULL, 0);
		struct buf sock = {0};

		buf_addf(&sock, "%s/sock", cwd);
		setenv("SSH_AUTH_SOCK", sock.data, 1);
		buf_release(&sock);
		free(cwd);
	}
	open_agent(&agent, "key.pub");
	is_signed(agent, OBJECT_COMMIT, COMMIT, NULL);
	sign_agent_close(agent);
	assert_int_equal(kill((pid_t)strtol(pid, NULL, 10), SIGTERM), 0);
	unsetenv("SSH_AUTH_SOCK");
	assert_int_equal(sign_agent_open(&agent, "key.pub", &err), ERR_INPUT);
	buf_release(&out);
}

static void wait_until(const char *command)
{
	struct buf out = {0};
	int64_t until = clock_now_ms() + 60000;

	while (git_fixture_run(&out, command) != 0) {
		assert_true(clock_now_ms() < until);
		usleep(20000);
	}
	buf_release(&out);
}

/* Where the agent of the process `pid` listens: its script has that in its environment. Sets
 * $S for commands. */
static void find_socket(pid_t pid)
{
	struct buf line = {0}, out = {0};

	buf_addf(&line,
		 "tr '\\0' '\\n' </proc/$(cat /proc/%d/task/%d/children | tr -d ' "
		 "')/environ"
		 " | sed -n 's/^SSH_AUTH_SOCK=//p'",
		 (int)pid, (int)pid);
	assert_int_equal(git_fixture_run(&out, line.data), 0);
	setenv("S", out.data, 1);
	git_fixture_says("test -S \"$S\" && stat -c %a \"${S%/*}\"", "700");
	buf_release(&line);
	buf_release(&out);
}

static void nothing_is_left_behind(void **state)
{
	struct sign_agent *agent;
	int ready[2];
	pid_t pid;
	char c;

	(void)state;
	make_key("key", "ed25519", "");
	assert_int_equal(pipe(ready), 0);
	for (int kills = 0; kills < 2; kills++) {
		pid = fork();
		if (pid == 0) {
			(void)!write(ready[1],
				     sign_agent_open(&agent, "key", &err) ? "0" : "1", 1);
			pause();
			sign_agent_close(agent);
			_exit(0);
		}
		assert_int_equal(read(ready[0], &c, 1), 1);
		assert_int_equal(c, '1');
		find_socket(pid);
		kill(pid, kills ? SIGKILL : SIGTERM);
		waitpid(pid, NULL, 0);
		wait_until("[ ! -e \"${S%/*}\" ]");
	}
	open_agent(&agent, "key");
	sign_agent_close(agent);
	close(ready[0]);
	close(ready[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, git_fixture_teardown)
		TEST(signatures_are_those_of_ssh_keygen),
		TEST(the_users_agent_is_asked),
		TEST(nothing_is_left_behind),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
