/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_EVIDENCE_SIGN_AGENT_H
#define EXPORTER_EVIDENCE_SIGN_AGENT_H

#include "data/base/buf.h"
#include "data/base/err.h"
#include "exporter/evidence/sign_key.h"
#include "exporter/git/pack/object.h"

/*
 * sign_agent - makes many signatures like sign_body (sign.h), without a process for each: an
 * ssh-agent signs over its socket. That takes less than a millisecond with an ed25519 key
 * instead of 40, most of which ssh-keygen needs to start.
 *
 *	sign_agent_open(&agent, key, err);
 *	sign_agent_body(agent, &body, OBJECT_COMMIT, err);	(many times)
 *	sign_agent_close(agent);
 *
 * A private key without a passphrase is given to an agent of our own, in a folder that only we
 * can enter. The agent ends with this process, also by kill -9; what it listened at may then
 * stay in the folder for temporary files, without the key. For any other key $SSH_AUTH_SOCK is
 * asked.
 *
 * The requests are those of ssh-agent(1) (draft-miller-ssh-agent), the signatures those of
 * OpenSSH (PROTOCOL.sshsig), with SHA-512. ssh-keygen verifies the first one.
 */
struct sign_agent;

/* ERR_INPUT: the key cannot sign; the message says why. */
int sign_agent_open(struct sign_agent **out, const char *key, struct err *err);
/* Signs the body of a commit or tag, in place: sign_body. */
int sign_agent_body(struct sign_agent *agent, struct buf *body, enum object_type type,
		    struct err *err);
/* NULL is allowed. */
void sign_agent_close(struct sign_agent *agent);

#endif
