/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/evidence/bundle_readme.h"

#include "exporter/lookback/when.h"

static const char get_all[] = "    git clone --bare snapshots.bundle snapshots.git\n";

static const char get_some[] =
	"(Earlier snapshots were left out; the file `shallow` says so to git.)\n\n"
	"    git init --bare --initial-branch=main snapshots.git\n"
	"    cp shallow snapshots.git/shallow\n"
	"    git -C snapshots.git fetch -q ../snapshots.bundle 'refs/*:refs/*'\n";

static const char objects[] =
	"2. Check that no object was damaged. This prints nothing.\n\n"
	"    git -C snapshots.git fsck --strict --no-progress\n\n";

/* Of the label's name. */
static const char begins[] =
	"The snapshots begin late, as the label %s declares.\n"
	"Read it: it says what was left out, and it is signed if the snapshots are (step "
	"3).\n"
	"The file `shallow` must be what it declares. This prints nothing, too.\n\n"
	"    git -C snapshots.git cat-file tag %s |\n"
	"        sed -nE 's/^Albumen-(First|Held): [0-9]+ //p' | sort |\n"
	"        diff - snapshots.git/shallow\n\n";

static const char erased[] =
	"The labels below erased/ say which snapshots were written anew, without records "
	"that\n"
	"had to be erased. Those keep their times, but were signed at the time of that "
	"label.\n"
	"If a key was not allowed at a snapshot's own time, git reports it as unknown;\n"
	"`albumen-exporter verify` asks for the time of the label.\n\n";

static const char signatures[] =
	"3. Check who signed. The keys in allowed_signers came with this archive: "
	"compare\n"
	"them with keys that you have from elsewhere, as whoever can forge snapshots "
	"can\n"
	"forge that file too. Each of these must report a good signature, for every\n"
	"snapshot and for every label (if there are any, and they are signed).\n\n"
	"    git -C snapshots.git config gpg.ssh.allowedSignersFile "
	"\"$PWD/allowed_signers\"\n"
	"    git -C snapshots.git rev-list --all |\n"
	"        xargs git -C snapshots.git verify-commit\n"
	"    git -C snapshots.git tag | xargs -rd '\\n' git -C snapshots.git verify-tag\n"
	"    git -C snapshots.git log -3 --show-signature\n\n";

static const char no_signers[] =
	"3. Check who signed, if the snapshots are signed. This archive came without "
	"the\n"
	"keys. Ask for them as an allowed-signers file (ssh-keygen(1)), then:\n\n"
	"    git -C snapshots.git config gpg.ssh.allowedSignersFile "
	"\"$PWD/allowed_signers\"\n"
	"    git -C snapshots.git rev-list --all |\n"
	"        xargs git -C snapshots.git verify-commit\n"
	"    git -C snapshots.git tag | xargs -rd '\\n' git -C snapshots.git "
	"verify-tag\n\n";

static const char digests[] =
	"4. Git's ids are SHA-1. The message of a signed snapshot also has a SHA-256 "
	"over\n"
	"all of its files, so that its signature does not rest on SHA-1. These two "
	"lines\n"
	"must print the same (for any snapshot in place of main):\n\n"
	"    python3 tree-sha256 snapshots.git main\n"
	"    git -C snapshots.git log -1 main \\\n"
	"        --format='%(trailers:key=Albumen-Tree-SHA256,valueonly,separator=)'\n\n"
	"The script explains at its top how it is computed.\n\n";

static const char reading[] =
	"5. Read. Branch main is the line of snapshots, tags are labels with reasons.\n\n"
	"    git -C snapshots.git log main\n"
	"    git -C snapshots.git tag -n9\n"
	"    git -C snapshots.git show main:api/v1/tag_images/XX/YY/ID.json\n\n"
	"With albumen installed, `albumen-exporter verify --bundle FILE` of the archive, "
	"or\n"
	"`albumen-exporter verify --repo snapshots.git`, does 2 to 4 for every snapshot "
	"and\n"
	"checks that what they say agrees with itself. This file and report.html are "
	"for\n"
	"people, and nothing verifies them: `albumen-exporter audit --repo "
	"snapshots.git` makes\n"
	"the report again; log, show and diff answer questions.\n";

void bundle_readme(struct buf *out, const struct bundle_readme *readme)
{
	bool late = readme->begin->shallow.len > 0;
	const char *label = late ? readme->begin->label.data : "";
	char time[WHEN_TEXT];

	when_format(time, readme->to->time_s);
	buf_addf(out,
		 "Snapshots of an image API, by albumen\n"
		 "=====================================\n\n"
		 "Last snapshot:  %s, %s\n",
		 readme->to->commit.hex, time);
	if (late && readme->from) {
		when_format(time, readme->from->time_s);
		buf_addf(out, "First snapshot: %s, %s\n", readme->from->commit.hex, time);
	}
	buf_addstr(out, "\nsnapshots.bundle  the snapshots, as a git bundle\n"
			"tree-sha256       computes the SHA-256 of a snapshot\n");
	buf_addstr(out, readme->report
				? "report.html       an audit of the last snapshot\n"
				: "(no report: the last snapshot could not be "
				  "audited)\n");
	buf_addstr(out, late ? "shallow           where the snapshots begin\n" : "");
	buf_addstr(out,
		   readme->signers ? "allowed_signers   the keys that may sign\n" : "");
	buf_addstr(out,
		   "\nTo verify them, all you need is git 2.34 or later, OpenSSH and "
		   "Python 3, and\nno network. In this folder:\n\n"
		   "1. Get the snapshots out of the bundle.\n\n");
	buf_addstr(out, late ? get_some : get_all);
	buf_addstr(out, "\n");
	buf_addstr(out, objects);
	if (late) {
		buf_addf(out, begins, label, label);
	}
	buf_addstr(out, readme->signers ? signatures : no_signers);
	buf_addstr(out, readme->begin->erased ? erased : "");
	buf_addstr(out, digests);
	buf_addstr(out, reading);
}
