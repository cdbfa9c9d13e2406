/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/evidence/sign.h"

#include "tests/unit/git_fixture.h"

#include "exporter/evidence/label.h"
#include "tests/unit/snapshot_fixture.h"

/*
 * With real keys: `alice` and `bob` are known to the file `allowed`, `eve` is not.
 */

static int setup(void **state)
{
	int rc = snapshot_fixture_setup(state);

	unsetenv("SSH_AUTH_SOCK");
	git_fixture_says("for k in alice bob eve; do\n"
			 "	ssh-keygen -q -t ed25519 -N '' -C $k -f $k\n"
			 "done\n"
			 "for k in alice bob; do\n"
			 "	echo \"$k@example.org $(cat $k.pub)\"\n"
			 "done >allowed",
			 "");
	return rc;
}

static const char commit_text[] = "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n"
				  "author A <a@example.org> 1700000000 +0000\n"
				  "committer A <a@example.org> 1700000000 +0000\n"
				  "\n"
				  "subject\n"
				  "\n"
				  "gpgsig is no header here\n";

static void sign(struct buf *body, enum object_type type, const char *text,
		 const char *key)
{
	int rc;

	buf_clear(body);
	buf_addstr(body, text);
	rc = sign_body(body, type, key, &err);
	if (rc) {
		print_error("%s\n", err.msg);
	}
	assert_int_equal(rc, 0);
}

static struct sign_result verify(enum object_type type, const struct buf *body,
				 const char *signers)
{
	struct sign_verifier *verifier;
	struct sign_result result;

	assert_int_equal(sign_verifier_open(&verifier, signers, &err), 0);
	assert_int_equal(
		sign_verify(&result, verifier, type, body->data, body->len, &err), 0);
	sign_verifier_close(verifier);
	return result;
}

static void split_returns_what_was_signed(void **state)
{
	struct buf body = {0}, payload = {0}, signature = {0};

	(void)state;
	sign(&body, OBJECT_COMMIT, commit_text, "alice");
	assert_int_equal(
		sign_split(&payload, &signature, OBJECT_COMMIT, body.data, body.len), 0);
	assert_string_equal(payload.data, commit_text);
	assert_memory_equal(signature.data, "-----BEGIN SSH SIGNATURE-----\n", 30);
	assert_null(strstr(signature.data, "\n "));
	buf_release(&body);
	buf_release(&payload);
	buf_release(&signature);
}

static void the_signer_is_named(void **state)
{
	struct buf body = {0};
	struct sign_result result;

	(void)state;
	sign(&body, OBJECT_COMMIT, commit_text, "bob");
	result = verify(OBJECT_COMMIT, &body, "allowed");
	assert_int_equal(result.verdict, SIGN_GOOD);
	assert_string_equal(result.principal, "bob@example.org");
	assert_string_equal(result.reason, "");
	git_fixture_says("ssh-keygen -lf bob.pub | cut -d' ' -f2", result.key);
	buf_release(&body);
}

static void a_key_without_an_allowed_signer_is_unknown(void **state)
{
	struct buf body = {0};
	struct sign_result result;

	(void)state;
	sign(&body, OBJECT_COMMIT, commit_text, "eve");
	result = verify(OBJECT_COMMIT, &body, "allowed");
	assert_int_equal(result.verdict, SIGN_UNKNOWN);
	assert_string_equal(result.principal, "");
	assert_non_null(strstr(result.reason, result.key));
	sign(&body, OBJECT_COMMIT, commit_text, "alice");
	assert_int_equal(verify(OBJECT_COMMIT, &body, NULL).verdict, SIGN_UNKNOWN);
	buf_release(&body);
}

/* Each byte of the payload, and of the signature but for its last, padding bits. */
static void a_changed_byte_is_bad(void **state)
{
	struct buf body = {0};
	struct sign_verifier *verifier;
	struct sign_result result;

	(void)state;
	sign(&body, OBJECT_COMMIT, commit_text, "alice");
	assert_int_equal(sign_verifier_open(&verifier, "allowed", &err), 0);
	for (size_t i = 0; i < body.len; i += 31) {
		body.data[i] ^= 1;
		assert_int_equal(sign_verify(&result, verifier, OBJECT_COMMIT, body.data,
					     body.len, &err),
				 0);
		assert_true(result.verdict == SIGN_BAD || result.verdict == SIGN_NONE);
		assert_string_not_equal(result.reason, "");
		body.data[i] ^= 1;
	}
	assert_int_equal(
		sign_verify(&result, verifier, OBJECT_COMMIT, body.data, body.len, &err),
		0);
	assert_int_equal(result.verdict, SIGN_GOOD);
	sign_verifier_close(verifier);
	buf_release(&body);
}

static void a_missing_signature_is_a_verdict(void **state)
{
	struct buf body = {0};

	(void)state;
	buf_addstr(&body, commit_text);
	assert_int_equal(verify(OBJECT_COMMIT, &body, "allowed").verdict, SIGN_NONE);
	assert_int_equal(verify(OBJECT_TAG, &body, "allowed").verdict, SIGN_NONE);
	buf_release(&body);
}

static void a_signature_of_another_kind_is_bad(void **state)
{
	struct buf body = {0};

	(void)state;
	buf_addstr(&body, "tree x\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n"
			  " -----END PGP SIGNATURE-----\n\nsubject\n");
	assert_int_equal(verify(OBJECT_COMMIT, &body, "allowed").verdict, SIGN_BAD);
	buf_release(&body);
}

static void a_signature_for_another_purpose_is_bad(void **state)
{
	struct buf body = {0}, text = {0};

	(void)state;
	git_fixture_says("printf 'tag\\n\\nreason\\n' >t && "
			 "ssh-keygen -q -Y sign -n file -f alice t",
			 "");
	buf_addstr(&body, "tag\n\nreason\n");
	git_fixture_run(&text, "cat t.sig");
	buf_addf(&body, "%s\n", text.data);
	assert_int_equal(verify(OBJECT_TAG, &body, "allowed").verdict, SIGN_BAD);
	buf_release(&body);
	buf_release(&text);
}

/* The time is the object's own: then the key was good, or was not yet. */
static void a_key_is_good_only_at_its_time(void **state)
{
	struct buf body = {0};

	(void)state;
	git_fixture_says(
		"echo \"a@x valid-before=\\\"20240101\\\" $(cat alice.pub)\" >old\n"
		"echo \"a@x valid-before=\\\"20230101\\\" $(cat alice.pub)\" >older\n"
		"{ cat older; echo \"b@x $(cat alice.pub)\"; } >both",
		"");
	sign(&body, OBJECT_COMMIT, commit_text, "alice"); /* November 2023 */
	assert_int_equal(verify(OBJECT_COMMIT, &body, "old").verdict, SIGN_GOOD);
	assert_int_equal(verify(OBJECT_COMMIT, &body, "older").verdict, SIGN_UNKNOWN);
	assert_string_equal(verify(OBJECT_COMMIT, &body, "both").principal, "b@x");
	buf_release(&body);
}

/* Whose the key was before is only where the search begins. */
static void a_key_may_pass_to_another_signer(void **state)
{
	static const char later[] = "tree x\ncommitter A <a> 1800000000 +0000\n\nlater\n";
	struct sign_verifier *verifier;
	struct sign_result result;
	struct buf body = {0};

	(void)state;
	git_fixture_says(
		"echo \"a@x valid-before=\\\"20240101\\\" $(cat alice.pub)\" >hands\n"
		"echo \"b@x valid-after=\\\"20240101\\\" $(cat alice.pub)\" >>hands",
		"");
	assert_int_equal(sign_verifier_open(&verifier, "hands", &err), 0);
	for (int i = 0; i < 4; i++) {
		sign(&body, OBJECT_COMMIT, i % 2 ? later : commit_text, "alice");
		assert_int_equal(sign_verify(&result, verifier, OBJECT_COMMIT, body.data,
					     body.len, &err),
				 0);
		assert_int_equal(result.verdict, SIGN_GOOD);
		assert_string_equal(result.principal, i % 2 ? "b@x" : "a@x");
	}
	sign_verifier_close(verifier);
	buf_release(&body);
}

static void no_signers_file_is_an_error(void **state)
{
	struct sign_verifier *verifier;

	(void)state;
	assert_int_equal(sign_verifier_open(&verifier, "nosuch", &err), ERR_NOTFOUND);
	assert_null(verifier);
}

static void assert_refused(const char *key, const char *advice)
{
	struct buf body = {0};
	char name[SIGN_KEY];

	buf_addstr(&body, commit_text);
	assert_int_equal(sign_body(&body, OBJECT_COMMIT, key, &err), ERR_INPUT);
	assert_non_null(strstr(err.msg, key));
	if (!strstr(err.msg, advice)) {
		print_error("%s\n", err.msg);
	}
	assert_non_null(strstr(err.msg, advice));
	assert_string_equal(body.data, commit_text);
	assert_int_equal(sign_key_check(name, key, &err), ERR_INPUT);
	assert_non_null(strstr(err.msg, key));
	assert_non_null(strstr(err.msg, advice));
	buf_release(&body);
}

/* Checking a key and signing with it find the same fingerprint: ssh-keygen's. */
static void assert_name(const char *key)
{
	struct buf body = {0}, command = {0}, out = {0};
	char checked[SIGN_KEY], used[SIGN_KEY];

	assert_int_equal(sign_key_check(checked, key, &err), 0);
	sign(&body, OBJECT_COMMIT, commit_text, key);
	assert_int_equal(sign_signer(used, OBJECT_COMMIT, body.data, body.len), 0);
	assert_string_equal(used, checked);
	buf_addf(&command, "ssh-keygen -l -f %s | cut -d ' ' -f 2", key);
	git_fixture_run(&out, command.data);
	assert_int_equal(strncmp(out.data, checked, strlen(checked)), 0);
	buf_release(&body);
	buf_release(&command);
	buf_release(&out);
}

static void a_key_is_checked_without_signing(void **state)
{
	char name[SIGN_KEY];

	(void)state;
	git_fixture_says("ssh-keygen -q -t rsa -b 2048 -m PEM -N '' -f pem\n"
			 "ssh-keygen -q -t ecdsa -N '' -f curve\n"
			 "ssh-keygen -q -t ed25519 -N '' -f loose && chmod 644 loose\n"
			 "cp alice swapped && cp bob.pub swapped.pub\n"
			 "ln -s alice link && mkdir folder",
			 "");
	assert_name("alice");
	assert_name("alice.pub");
	assert_name("link");
	assert_name("pem");
	assert_name("curve");
	assert_int_equal(
		sign_signer(name, OBJECT_COMMIT, commit_text, strlen(commit_text)),
		ERR_NOTFOUND);
	assert_refused("loose", "chmod 600 'loose'");
	assert_refused("folder", "is not a file");
	assert_int_equal(sign_key_check(name, "swapped", &err), ERR_INPUT);
	assert_string_equal(err.msg,
			    "cannot sign with the key 'swapped': 'swapped.pub' is of "
			    "another key; make it again with: ssh-keygen -y -f 'swapped' "
			    ">'swapped.pub'");
	assert_refused("swapped.pub", "agent holds");
}

static void a_key_that_does_not_work_is_named(void **state)
{
	(void)state;
	git_fixture_says("ssh-keygen -q -t ed25519 -N secret -f locked\n"
			 "cp alice.pub lonely.pub\n"
			 "echo rubbish >rubbish",
			 "");
	/* A program that asks would be waited for. */
	setenv("SSH_ASKPASS", "/bin/false", 1);
	setenv("SSH_ASKPASS_REQUIRE", "force", 1);
	assert_refused("nosuch", "No such file");
	assert_refused("locked", "ssh-add");
	assert_refused("lonely.pub", "an agent holds");
	assert_refused("rubbish", "private key");
}

static void an_agent_signs(void **state)
{
	struct buf out = {0}, body = {0};

	(void)state;
	git_fixture_says("ssh-keygen -q -t ed25519 -N secret -f locked", "");
	git_fixture_run(&out, "ssh-agent -a agent.socket | sed -n "
			      "'s/^SSH_AGENT_PID=\\([0-9]*\\);.*/\\1/p'");
	setenv("SSH_AUTH_SOCK", "agent.socket", 1);
	setenv("SSH_AGENT_PID", out.data, 1);
	git_fixture_says("printf '#!/bin/sh\\necho secret\\n' >ask && chmod +x ask && "
			 "DISPLAY=x SSH_ASKPASS=$PWD/ask SSH_ASKPASS_REQUIRE=force "
			 "ssh-add -q locked </dev/null && cp locked.pub public",
			 "");
	sign(&body, OBJECT_COMMIT, commit_text, "locked");
	assert_int_equal(verify(OBJECT_COMMIT, &body, NULL).verdict, SIGN_UNKNOWN);
	assert_name("locked");
	assert_name("public");
	sign(&body, OBJECT_COMMIT, commit_text, "public");
	assert_int_equal(verify(OBJECT_COMMIT, &body, NULL).verdict, SIGN_UNKNOWN);
	git_fixture_run(&out, "ssh-agent -k");
	unsetenv("SSH_AUTH_SOCK");
	unsetenv("SSH_AGENT_PID");
	buf_release(&out);
	buf_release(&body);
}

/* --- labels --- */

static int make(struct snapshot_repo *repo, const char *name, const char *reason,
		const char *key)
{
	struct snapshot_info info = {0};
	struct label label = {.name = name,
			      .reason = reason,
			      .key = key,
			      .snapshot = &info,
			      .time_s = FIRST_S + 5};
	struct snapshot_id tag;
	int rc;

	assert_int_equal(snapshot_head(repo, &info, &err), 0);
	rc = label_make(&tag, repo, &label, &err);
	snapshot_info_release(&info);
	return rc;
}

static void a_label_is_an_annotated_tag(void **state)
{
	struct snapshot_repo *repo = snapshot_fixture_open();

	(void)state;
	snapshot_fixture_commit(repo, false, FIRST_S, NULL, NULL, CHANGES("a/b=1"));
	assert_int_equal(make(repo, "v1", "why\n\nat length\n\n", NULL), 0);
	assert_int_equal(make(repo, "2026/q1", "signed", "alice"), 0);
	snapshot_close(repo);
	git_fixture_says("git -C r.git for-each-ref --format='%(objecttype) %(refname) "
			 "%(*objecttype) %(taggername) %(taggerdate:unix)' refs/tags",
			 "tag refs/tags/2026/q1 commit albumen-exporter 1700000005\n"
			 "tag refs/tags/v1 commit albumen-exporter 1700000005");
	git_fixture_says("git -C r.git cat-file tag v1 | sed 1,/^$/d",
			 "why\n\nat length");
	git_fixture_says("git -C r.git -c gpg.ssh.allowedSignersFile=$PWD/allowed "
			 "verify-tag 2026/q1 2>&1 | cut -d' ' -f1-5",
			 "Good \"git\" signature for alice@example.org");
	snapshot_fixture_sound();
}

static void a_label_is_never_moved(void **state)
{
	struct snapshot_repo *repo = snapshot_fixture_open();

	(void)state;
	snapshot_fixture_commit(repo, false, FIRST_S, NULL, NULL, CHANGES("a=1"));
	assert_int_equal(make(repo, "v1", "why", NULL), 0);
	snapshot_fixture_commit(repo, false, FIRST_S, NULL, NULL, CHANGES("a=2"));
	assert_int_equal(make(repo, "v1", "why", NULL), ERR_REFUSED);
	assert_int_equal(make(repo, "v1/x", "why", NULL), ERR_REFUSED);
	snapshot_close(repo);
	git_fixture_says("git -C r.git cat-file -p v1:a", "1");
	git_fixture_says("git -C r.git tag", "v1");
}

/* Whatever git check-ref-format refuses, and what reads as something else. */
static void a_name_that_git_refuses_is_refused(void **state)
{
	static const char *const names[] = {
		"",       "a b",        "a..b",       "a~1",  ".a", "a/.b",
		"a.lock", "a/b.lock/c", "a//b",       "/a",   "a/", "a.",
		"@",      "a@{b",       "a\\b",       "a\nb", "-a", "HEAD",
		"a[b",    "a?",         "a*",         "a:b",  "a^", "\xff",
		"now",    "2026-01-31", "2 days ago", NULL};
	static const char *const taken[] = {"b", "a/b-c_d.e@f", "\xc3\xa9", NULL};
	struct snapshot_repo *repo = snapshot_fixture_open();

	(void)state;
	snapshot_fixture_commit(repo, false, FIRST_S, NULL, NULL, CHANGES("a=1"));
	for (size_t i = 0; names[i]; i++) {
		if (make(repo, names[i], "why", NULL) != ERR_USAGE) {
			fail_msg("'%s' was taken", names[i]);
		}
	}
	for (size_t i = 0; taken[i]; i++) {
		assert_int_equal(make(repo, taken[i], "why", NULL), 0);
	}
	snapshot_close(repo);
	snapshot_fixture_sound();
}

static void a_reason_that_is_not_text_is_refused(void **state)
{
	struct snapshot_repo *repo = snapshot_fixture_open();

	(void)state;
	snapshot_fixture_commit(repo, false, FIRST_S, NULL, NULL, CHANGES("a=1"));
	assert_int_equal(make(repo, "v1", "", NULL), ERR_USAGE);
	assert_int_equal(make(repo, "v1", " \n ", NULL), ERR_USAGE);
	assert_int_equal(make(repo, "v1", "a\x1b[31m", NULL), ERR_USAGE);
	assert_int_equal(make(repo, "v1", "\xff", NULL), ERR_USAGE);
	assert_int_equal(make(repo, "v1", "a\n-----BEGIN SSH SIGNATURE-----\n", NULL),
			 ERR_USAGE);
	snapshot_close(repo);
	git_fixture_says("git -C r.git tag", "");
}

static void a_label_that_cannot_be_signed_is_not_made(void **state)
{
	struct snapshot_repo *repo = snapshot_fixture_open();

	(void)state;
	snapshot_fixture_commit(repo, false, FIRST_S, NULL, NULL, CHANGES("a=1"));
	assert_int_equal(make(repo, "v1", "why", "nosuch"), ERR_INPUT);
	snapshot_close(repo);
	git_fixture_says("git -C r.git tag", "");
	git_fixture_says("git -C r.git fsck --strict --no-progress --unreachable", "");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, git_fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(split_returns_what_was_signed),
		TEST(the_signer_is_named),
		TEST(a_key_without_an_allowed_signer_is_unknown),
		TEST(a_changed_byte_is_bad),
		TEST(a_missing_signature_is_a_verdict),
		TEST(a_signature_of_another_kind_is_bad),
		TEST(a_signature_for_another_purpose_is_bad),
		TEST(a_key_is_good_only_at_its_time),
		TEST(a_key_may_pass_to_another_signer),
		TEST(no_signers_file_is_an_error),
		TEST(a_key_is_checked_without_signing),
		TEST(a_key_that_does_not_work_is_named),
		TEST(an_agent_signs),
		TEST(a_label_is_an_annotated_tag),
		TEST(a_label_is_never_moved),
		TEST(a_name_that_git_refuses_is_refused),
		TEST(a_reason_that_is_not_text_is_refused),
		TEST(a_label_that_cannot_be_signed_is_not_made),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
