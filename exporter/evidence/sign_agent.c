/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/evidence/sign_agent.h"

#include <errno.h>
#include <fcntl.h>
#include <nettle/base64.h>
#include <nettle/sha2.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "data/base/file.h"
#include "exporter/evidence/sign.h"

/*
 * An agent of our own is started as `ssh-agent sh -c SCRIPT`: the script gives it the key, says
 * where it listens, and waits for the end of its input, which is a pipe from this process.
 * However this process ends, the pipe is closed, and the script ends the agent, which removes
 * its socket and the folder of that. If somebody kills the script as well, the agent notices
 * within ten seconds. (A signal at the death of the parent is no use: Debian's ssh-agent has
 * a set-group-ID bit, and the kernel drops the request when such a program starts.)
 */

#define SCRIPT                                                                           \
	"trap '' HUP INT QUIT TERM PIPE\n"                                               \
	"if ssh-add -q -- \"$1\" </dev/null >/dev/null 2>&1; then\n"                     \
	"	echo \"$SSH_AUTH_SOCK\"\n"                                                     \
	"	read -r end\n"                                                                 \
	"fi\n"                                                                           \
	"kill \"$SSH_AGENT_PID\""

#define NAMESPACE "git"
#define MAGIC "SSHSIG"
#define HASH "sha512"
#define LINE 70 /* characters, as ssh-keygen breaks base64 */

/* The agent's messages. */
#define REQUEST_IDENTITIES 11
#define IDENTITIES_ANSWER 12
#define SIGN_REQUEST 13
#define SIGN_RESPONSE 14
#define RSA_SHA2_512 4

#define ANSWER_MAX ((size_t)1 << 20)
/* An agent may ask its owner first. */
#define LIMIT_S 60

extern char **environ;

struct sign_agent {
	int fd;         /* the agent's socket; -1: none */
	int input;      /* of the script; -1: it is the user's agent */
	pid_t script;   /* with `input` */
	char *name;     /* the key, for messages */
	struct buf key; /* the public key as the agent has it */
	bool verified;
};

/* --- messages --- */

static void add_string(struct buf *out, const void *bytes, size_t len)
{
	buf_addu32(out, (uint32_t)len);
	buf_add(out, bytes, len);
}

static void add_text(struct buf *out, const char *text)
{
	add_string(out, text, strlen(text));
}

struct reader {
	const char *at, *end;
	bool good;
};

static uint32_t read_number(struct reader *r)
{
	uint32_t n;

	if (!r->good || r->end - r->at < 4) {
		r->good = false;
		return 0;
	}
	n = be32_get(r->at);
	r->at += 4;
	return n;
}

static struct buf read_string(struct reader *r)
{
	uint32_t len = read_number(r);
	struct buf borrowed = {0};

	if (!r->good || (size_t)(r->end - r->at) < len) {
		r->good = false;
		return borrowed;
	}
	/* Borrowed bytes, which nobody frees. */
	borrowed = (struct buf){.data = (char *)(uintptr_t)r->at, .len = len};
	r->at += len;
	return borrowed;
}

static int lost(const struct sign_agent *agent, struct err *err)
{
	return err_sys(err, "cannot sign with the key '%s': its agent does not answer",
		       agent->name);
}

static int receive(struct sign_agent *agent, void *bytes, size_t len, struct err *err)
{
	char *at = bytes;

	while (len) {
		ssize_t n = recv(agent->fd, at, len, 0);

		if (n == 0) {
			errno = ECONNRESET;
		}
		if (n <= 0 && (n == 0 || errno != EINTR)) {
			return lost(agent, err);
		}
		at += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return 0;
}

/* Sends a message, and receives the answer without its length. */
static int ask(struct sign_agent *agent, const struct buf *message, struct buf *answer,
	       struct err *err)
{
	struct buf framed = {0};
	unsigned char head[4];
	int rc = 0;

	add_string(&framed, message->data, message->len);
	for (size_t sent = 0; !rc && sent < framed.len;) {
		ssize_t n = send(agent->fd, framed.data + sent, framed.len - sent,
				 MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR) {
			rc = lost(agent, err);
		}
		sent += n > 0 ? (size_t)n : 0;
	}
	buf_release(&framed);
	rc = rc ? rc : receive(agent, head, sizeof(head), err);
	if (!rc && (be32_get(head) == 0 || be32_get(head) > ANSWER_MAX)) {
		rc = err_set(err, ERR_FAIL,
			     "cannot sign with the key '%s': its agent answers nonsense",
			     agent->name);
	}
	if (!rc) {
		buf_clear(answer);
		buf_grow(answer, be32_get(head));
		rc = receive(agent, answer->data, be32_get(head), err);
		buf_filled(answer, rc ? 0 : be32_get(head));
	}
	return rc;
}

/* --- connecting --- */

static int dial(struct sign_agent *agent, const char *path, struct err *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval limit = {.tv_sec = LIMIT_S};

	if (strlen(path) >= sizeof(address.sun_path)) {
		return err_set(err, ERR_FAIL, "the path of the agent, '%s', is too long",
			       path);
	}
	memcpy(address.sun_path, path, strlen(path));
	agent->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (agent->fd < 0 ||
	    setsockopt(agent->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0 ||
	    connect(agent->fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		return err_sys(err, "cannot reach the agent at '%s'", path);
	}
	return 0;
}

/* Finds the key of this fingerprint among those that the agent holds. */
static int find_key(struct sign_agent *agent, const char *fingerprint, struct err *err)
{
	struct buf message = {0}, answer = {0};
	struct reader r = {.good = true};
	int rc;

	buf_addch(&message, REQUEST_IDENTITIES);
	rc = ask(agent, &message, &answer, err);
	if (!rc) {
		r.at = answer.data + 1;
		r.end = answer.data + answer.len;
		r.good = *answer.data == IDENTITIES_ANSWER;
		for (uint32_t n = read_number(&r); r.good && n && !agent->key.len; n--) {
			struct buf key = read_string(&r);
			char found[SIGN_KEY];

			read_string(&r); /* a comment */
			if (r.good) {
				sign_key_fingerprint(found, (uint8_t *)key.data, key.len);
			}
			if (r.good && strcmp(found, fingerprint) == 0) {
				buf_add(&agent->key, key.data, key.len);
			}
		}
	}
	if (!rc && !agent->key.len) {
		rc = err_set(err, ERR_INPUT,
			     "cannot sign with the key '%s': no agent holds it; run "
			     "ssh-add with it and set SSH_AUTH_SOCK",
			     agent->name);
	}
	buf_release(&message);
	buf_release(&answer);
	return rc;
}

/* Starts `ssh-agent sh -c SCRIPT sh KEY`; *output is what the script prints. */
static int start(struct sign_agent *agent, int *output, const char *key, struct err *err)
{
	const char *argv[] = {"ssh-agent", "sh", "-c", SCRIPT, "sh", key, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	int in[2], out[2], rc;

	if (pipe2(in, O_CLOEXEC) < 0) {
		return err_sys(err, "cannot make a pipe");
	}
	if (pipe2(out, O_CLOEXEC) < 0) {
		close(in[0]);
		close(in[1]);
		return err_sys(err, "cannot make a pipe");
	}
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	posix_spawn_file_actions_adddup2(&actions, in[0], 0);
	posix_spawn_file_actions_adddup2(&actions, out[1], 1);
	posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	/* A session of its own has no terminal to prompt on, and no ^C comes to it. */
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID |
						      POSIX_SPAWN_SETSIGMASK |
						      POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	rc = posix_spawnp(&agent->script, argv[0], &actions, &attributes,
			  (char *const *)(uintptr_t)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	close(in[0]);
	close(out[1]);
	*output = out[0];
	agent->input = in[1];
	if (rc) {
		close(agent->input);
		close(*output);
		agent->input = -1;
		errno = rc;
		return err_sys(err, "cannot run 'ssh-agent'");
	}
	return 0;
}

/* An agent of our own, for a private key that has no passphrase. */
static int open_own(struct sign_agent *agent, const char *key, struct err *err)
{
	struct buf path = {0};
	int output = -1, rc;
	char c;

	rc = start(agent, &output, key, err);
	if (rc) {
		return rc;
	}
	while (read(output, &c, 1) == 1 && c != '\n') {
		buf_addch(&path, c);
	}
	close(output);
	rc = path.len ? dial(agent, path.data, err)
		      : err_set(err, ERR_INPUT,
				"cannot sign with the key '%s': ssh-add does not take it",
				agent->name);
	buf_release(&path);
	return rc;
}

/* Closes the socket, and ends an agent of our own. */
static void hang_up(struct sign_agent *agent)
{
	if (agent->fd >= 0) {
		close(agent->fd);
	}
	if (agent->input >= 0) {
		close(agent->input);
		while (waitpid(agent->script, NULL, 0) < 0 && errno == EINTR) {
		}
	}
	agent->fd = agent->input = -1;
}

static int open_users(struct sign_agent *agent, const char *fingerprint, struct err *err)
{
	const char *path = getenv("SSH_AUTH_SOCK");
	int rc = dial(agent, path ? path : "", err);

	rc = rc ? rc : find_key(agent, fingerprint, err);
	if (rc) {
		hang_up(agent);
	}
	return rc;
}

static bool is_public(const char *key)
{
	size_t len = strlen(key);

	return len > 4 && strcmp(key + len - 4, ".pub") == 0;
}

/* A private key is used without asking anybody, if that is possible; for a public one the
 * user's agent comes first, then the private key beside it. */
static int reach(struct sign_agent *agent, const char *key, const char *fingerprint,
		 struct err *err)
{
	char *private = xmemdup0(key, strlen(key) - (is_public(key) ? 4 : 0));
	struct err why;
	int rc = is_public(key) ? open_users(agent, fingerprint, &why) : ERR_NOTFOUND;

	if (rc) {
		rc = open_own(agent, private, err);
		rc = rc ? rc : find_key(agent, fingerprint, err);
	}
	if (rc && !is_public(key)) {
		hang_up(agent);
		rc = open_users(agent, fingerprint, err);
	}
	free(private);
	return rc;
}

int sign_agent_open(struct sign_agent **out, const char *key, struct err *err)
{
	struct sign_agent *agent = xzalloc(sizeof(*agent));
	char fingerprint[SIGN_KEY];
	int rc;

	*agent = (struct sign_agent){.fd = -1, .input = -1, .name = xstrdup(key)};
	rc = sign_key_check(fingerprint, key, err);
	rc = rc ? rc : reach(agent, key, fingerprint, err);
	if (rc) {
		sign_agent_close(agent);
		agent = NULL;
	}
	*out = agent;
	return rc;
}

void sign_agent_close(struct sign_agent *agent)
{
	if (agent) {
		hang_up(agent);
		buf_release(&agent->key);
		free(agent->name);
		free(agent);
	}
}

/* --- signing --- */

/* What a signature and what is signed have in common. */
static void add_frame(struct buf *out)
{
	add_text(out, NAMESPACE);
	add_text(out, ""); /* reserved */
	add_text(out, HASH);
}

/* The request for a signature of the text. */
static void write_request(struct buf *out, const struct sign_agent *agent,
			  const struct buf *text)
{
	struct sha512_ctx hash;
	uint8_t digest[SHA512_DIGEST_SIZE];
	struct buf signed_text = {0};

	sha512_init(&hash);
	sha512_update(&hash, text->len, (const uint8_t *)text->data);
	sha512_digest(&hash, sizeof(digest), digest);
	buf_addstr(&signed_text, MAGIC);
	add_frame(&signed_text);
	add_string(&signed_text, digest, sizeof(digest));
	buf_addch(out, SIGN_REQUEST);
	add_string(out, agent->key.data, agent->key.len);
	add_string(out, signed_text.data, signed_text.len);
	buf_addu32(out, RSA_SHA2_512); /* other keys pass over it */
	buf_release(&signed_text);
}

static void write_armor(struct buf *out, const struct buf *blob)
{
	size_t len = BASE64_ENCODE_RAW_LENGTH(blob->len);
	char *text = xmalloc(len + 1);

	base64_encode_raw(text, blob->len, (const uint8_t *)blob->data);
	buf_addstr(out, "-----BEGIN SSH SIGNATURE-----\n");
	for (size_t at = 0; at < len; at += LINE) {
		buf_add(out, text + at, len - at < LINE ? len - at : LINE);
		buf_addch(out, '\n');
	}
	buf_addstr(out, "-----END SSH SIGNATURE-----\n");
	free(text);
}

static int make_signature(struct sign_agent *agent, struct buf *armor,
			  const struct buf *text, struct err *err)
{
	struct buf request = {0}, answer = {0}, blob = {0}, signature;
	struct reader r = {.good = true};
	int rc;

	write_request(&request, agent, text);
	rc = ask(agent, &request, &answer, err);
	if (!rc) {
		r.at = answer.data + 1;
		r.end = answer.data + answer.len;
		r.good = *answer.data == SIGN_RESPONSE;
		signature = read_string(&r);
		if (r.good) {
			buf_addstr(&blob, MAGIC);
			buf_addu32(&blob, 1);
			add_string(&blob, agent->key.data, agent->key.len);
			add_frame(&blob);
			add_string(&blob, signature.data, signature.len);
			write_armor(armor, &blob);
		} else {
			rc = err_set(err, ERR_FAIL,
				     "cannot sign with the key '%s': its agent refuses",
				     agent->name);
		}
	}
	buf_release(&request);
	buf_release(&answer);
	buf_release(&blob);
	return rc;
}

/* Has ssh-keygen look at the first signature. */
static int verify(struct sign_agent *agent, const struct buf *body, enum object_type type,
		  struct err *err)
{
	struct sign_verifier *verifier = NULL;
	struct sign_result result;
	int rc = sign_verifier_open(&verifier, NULL, err);

	rc = rc ? rc : sign_verify(&result, verifier, type, body->data, body->len, err);
	if (!rc && result.verdict != SIGN_UNKNOWN) {
		rc = err_set(err, ERR_FAIL,
			     "cannot sign with the key '%s': ssh-keygen does not accept "
			     "the signature that the agent made: %s",
			     agent->name, result.reason);
	}
	sign_verifier_close(verifier);
	agent->verified = !rc;
	return rc;
}

int sign_agent_body(struct sign_agent *agent, struct buf *body, enum object_type type,
		    struct err *err)
{
	struct buf armor = {0};
	int rc = make_signature(agent, &armor, body, err);

	if (!rc) {
		sign_add(body, type, &armor);
	}
	if (!rc && !agent->verified) {
		rc = verify(agent, body, type, err);
	}
	buf_release(&armor);
	return rc;
}
