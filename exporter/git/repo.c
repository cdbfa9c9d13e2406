/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/git/repo.h"

#include <errno.h>
#include <git2.h>
#include <git2/sys/odb_backend.h>
#include <git2/sys/repository.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "data/base/file.h"
#include "exporter/git/pack/objects.h"
#include "exporter/git/reflock.h"
#include "exporter/git/repo_folder.h"
#include "exporter/git/repo_make.h"
#include "exporter/git/repo_refs.h"

#define CONFIG_MAX ((size_t)16 << 20)

/* Turns libgit2's failure into ours. libgit2 may give no reason. */
static int git_failure(struct err *err, int git_rc, const char *what, const char *subject)
{
	const git_error *last = git_error_last();
	const char *why = last && last->message ? last->message : "no reason given";
	int code = ERR_FAIL;

	if (git_rc == GIT_ENOTFOUND) {
		code = ERR_NOTFOUND;
	} else if (git_rc == GIT_ELOCKED) {
		code = ERR_LOCKED;
	} else if (strstr(why, strerror(ENOSPC)) || strstr(why, strerror(EDQUOT))) {
		/* libgit2 passes on no errno, only its text. */
		code = ERR_FULL;
	} else if (!(last && last->message) &&
		   (errno == ENOSPC || errno == EDQUOT || file_disk_is_full(subject))) {
		why = strerror(ENOSPC);
		code = ERR_FULL;
	}
	return err_set(err, code, "cannot %s '%s': %s", what, subject, why);
}

/*
 * These settings hold for the whole process. The user's configuration must not change what
 * a snapshot is. New objects need no check that the objects they name exist. A moved branch
 * is flushed. Objects are checked against their ids as they are read (objects.h). Memory: at
 * most 16 MiB of cached trees.
 */
int repo_start(struct err *err)
{
	static const int levels[] = {GIT_CONFIG_LEVEL_SYSTEM, GIT_CONFIG_LEVEL_GLOBAL,
				     GIT_CONFIG_LEVEL_XDG, GIT_CONFIG_LEVEL_PROGRAMDATA};
	int rc = git_libgit2_init();

	if (rc < 0) {
		return git_failure(err, rc, "start", "libgit2");
	}
	rc = 0;
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		rc |= git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, levels[i], "");
	}
	rc |= git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
	rc |= git_libgit2_opts(GIT_OPT_ENABLE_STRICT_OBJECT_CREATION, 0);
	rc |= git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, 0);
	rc |= git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 1);
	rc |= git_libgit2_opts(GIT_OPT_SET_CACHE_MAX_SIZE, (ssize_t)16 << 20);
	return rc ? git_failure(err, rc, "set up", "libgit2") : 0;
}

void repo_stop(void)
{
	git_libgit2_shutdown();
}

/* --- configuration --- */

/*
 * A repository's configuration is text that a stranger may have written, so libgit2 never
 * gets to see it: it could include any other file, and move references or the work tree.
 * Only a writer reads two keys of the file that was made with the repository.
 */

/* Gives the open repository a configuration with these limits, or an empty one (NULL). */
static int use_config(struct snapshot_repo *repo, const char *file, struct err *err)
{
	git_config *config = NULL;
	int rc = git_config_new(&config);

	if (!rc && file) {
		rc = git_config_add_file_ondisk(config, file, GIT_CONFIG_LEVEL_APP, NULL,
						0);
	}
	rc = rc ? rc : git_repository_set_config(repo->git, config);
	git_config_free(config);
	return rc ? git_failure(err, rc, "configure", repo->path) : 0;
}

/* libgit2 follows [include] and [includeIf "..."]. It takes white space after the '['. */
static bool includes_others(const char *text)
{
	while ((text = strchr(text, '['))) {
		text++;
		text += strspn(text, " \t");
		if (strncasecmp(text, "include", strlen("include")) == 0) {
			return true;
		}
	}
	return false;
}

/* Opens the repository's own file `config`, for a writer. *out is NULL if there is none. */
static int open_config(git_config **out, struct snapshot_repo *repo, struct err *err)
{
	struct buf path = {0}, text = {0};
	int git_rc, rc;

	*out = NULL;
	buf_addf(&path, "%s/config", repo->path);
	rc = file_read(&text, path.data, CONFIG_MAX, err);
	if (!rc && text.len && includes_others(text.data)) {
		rc = err_set(err, ERR_REFUSED,
			     "'%s' includes other files, which are not read; write what "
			     "they say into it and remove the section",
			     path.data);
	} else if (!rc) {
		git_rc = git_config_open_ondisk(out, path.data);
		rc = git_rc ? git_failure(err, git_rc, "read", path.data) : 0;
	}
	buf_release(&path);
	buf_release(&text);
	return rc == ERR_NOTFOUND ? 0 : rc;
}

/* Sets a key of that file under git's lock of it. libgit2 writes to a copy, so that a kill
 * leaves no lock of libgit2's behind. */
static int set_config(struct snapshot_repo *repo, const char *key, int64_t value,
		      struct err *err)
{
	git_config *config = NULL;
	struct buf copy = {0};
	char *lock = NULL;
	int git_rc, rc;

	rc = reflock_lock(&lock, repo->path, "config", err);
	if (rc) {
		return rc;
	}
	buf_addf(&copy, "%s/" REPO_FOLDER_TEMP_CONFIG, repo->path);
	rc = repo_folder_copy(repo->path, "config", REPO_FOLDER_TEMP_CONFIG, err);
	if (!rc) {
		git_rc = git_config_open_ondisk(&config, copy.data);
		if (!git_rc) {
			git_rc = git_config_set_int64(config, key, value);
		}
		git_config_free(config);
		rc = git_rc ? git_failure(err, git_rc, "configure", repo->path) : 0;
	}
	if (!rc) {
		rc = repo_folder_rename(repo->path, REPO_FOLDER_TEMP_CONFIG, "config",
					err);
	}
	if (rc) {
		unlink(copy.data);
	}
	reflock_unlock(&lock);
	buf_release(&copy);
	return rc;
}

/* The files of configuration in which git looks for safe.directory: the system's, then the
 * user's. libgit2 itself is told that there are none (repo_start). */
static int add_users_files(git_config *config)
{
	const char *home = getenv("HOME"), *xdg = getenv("XDG_CONFIG_HOME");
	const char *system = getenv("GIT_CONFIG_SYSTEM");
	const char *global = getenv("GIT_CONFIG_GLOBAL"), *none;
	struct buf path = {0};
	int rc = 0, no_system = 0;

	none = getenv("GIT_CONFIG_NOSYSTEM");
	if (none && git_config_parse_bool(&no_system, none) < 0) {
		no_system = 1;
	}
	if (!no_system) {
		rc = git_config_add_file_ondisk(config,
						system ? system : "/etc/gitconfig",
						GIT_CONFIG_LEVEL_SYSTEM, NULL, 0);
	}
	if (global) {
		rc = rc ? rc
			: git_config_add_file_ondisk(config, global,
						     GIT_CONFIG_LEVEL_GLOBAL, NULL, 0);
	} else if (home || xdg) {
		buf_addf(&path, "%s%s/git/config", xdg && *xdg ? xdg : home,
			 xdg && *xdg ? "" : "/.config");
		rc = rc ? rc
			: git_config_add_file_ondisk(config, path.data,
						     GIT_CONFIG_LEVEL_XDG, NULL, 0);
	}
	if (!global && home) {
		buf_clear(&path);
		buf_addf(&path, "%s/.gitconfig", home);
		rc = rc ? rc
			: git_config_add_file_ondisk(config, path.data,
						     GIT_CONFIG_LEVEL_GLOBAL, NULL, 0);
	}
	buf_release(&path);
	return rc;
}

struct safe {
	const char *path;
	bool is;
};

/* One value of safe.directory, in git's order: an empty one forgets those before. */
static int consider(const git_config_entry *entry, void *payload)
{
	const char *value = entry->value, *home = getenv("HOME");
	struct safe *safe = payload;
	struct buf named = {0};
	size_t len;
	char *real;

	if (!value || !*value) {
		safe->is = false;
		return 0;
	}
	if (strncmp(value, "~/", 2) == 0 && home) {
		buf_addf(&named, "%s%s", home, value + 1);
	} else {
		buf_addstr(&named, value);
	}
	len = named.len;
	real = realpath(named.data, NULL);
	/* From git 2.46 on, "DIR/" and a star is every repository below. */
	if (strcmp(value, "*") == 0 || strcmp(named.data, safe->path) == 0 ||
	    (*named.data == '/' && real && strcmp(real, safe->path) == 0) ||
	    (len > 2 && strcmp(named.data + len - 2, "/*") == 0 &&
	     strncmp(named.data, safe->path, len - 1) == 0)) {
		safe->is = true;
	}
	free(real);
	buf_release(&named);
	return 0;
}

int repo_is_safe_directory(bool *is, const char *path, struct err *err)
{
	struct safe safe = {.path = path};
	git_config *config = NULL;
	int rc = git_config_new(&config);

	rc = rc ? rc : add_users_files(config);
	if (!rc) {
		rc = git_config_get_multivar_foreach(config, "safe.directory", NULL,
						     consider, &safe);
		rc = rc == GIT_ENOTFOUND ? 0 : rc;
	}
	git_config_free(config);
	*is = safe.is;
	return rc ? git_failure(err, rc, "read git's configuration for", path) : 0;
}

/* --- opening --- */

int repo_open(struct snapshot_repo *repo, struct err *err)
{
	/* Unlike git_repository_open_ext, it does not read the configuration. */
	int rc = git_repository_open_bare(&repo->git, repo->path);

	return rc ? git_failure(err, rc, "open repository", repo->path)
		  : use_config(repo, NULL, err);
}

/* --- what libgit2 reads --- */

/* libgit2 reads objects for revisions, tags and packs with deltas: all of them through this,
 * as objects.h says why. */
struct backend {
	git_odb_backend parent;
	struct objects *objects;
};

static struct objects *objects_of(git_odb_backend *backend)
{
	return ((struct backend *)backend)->objects;
}

/* Turns our failure into libgit2's. */
static int backend_failure(int rc, const struct err *err)
{
	if (rc == ERR_NOTFOUND) {
		return GIT_ENOTFOUND;
	}
	git_error_set_str(GIT_ERROR_ODB, err->msg);
	return GIT_ERROR;
}

static int backend_read(void **data, size_t *len, git_object_t *type,
			git_odb_backend *backend, const git_oid *oid)
{
	enum object_type kind = OBJECT_BLOB;
	struct buf body = {0};
	struct err err;
	int rc = objects_read(&body, &kind, objects_of(backend), oid->id, &err);

	if (!rc) {
		*data = git_odb_backend_data_alloc(backend, body.len + 1);
		rc = *data ? 0 : err_set(&err, ERR_FAIL, "out of memory");
	}
	if (!rc) {
		memcpy(*data, body.len ? body.data : "", body.len + 1);
		*len = body.len;
		/* libgit2 uses the same numbers of types: those of the pack format. */
		*type = (git_object_t)kind;
	}
	buf_release(&body);
	return rc ? backend_failure(rc, &err) : 0;
}

static int backend_read_header(size_t *len, git_object_t *type, git_odb_backend *backend,
			       const git_oid *oid)
{
	enum object_type kind = OBJECT_BLOB;
	struct err err;
	int rc = objects_head(len, &kind, objects_of(backend), oid->id, &err);

	*type = (git_object_t)kind;
	return rc ? backend_failure(rc, &err) : 0;
}

static int backend_exists(git_odb_backend *backend, const git_oid *oid)
{
	return objects_has(objects_of(backend), oid->id);
}

static int backend_exists_prefix(git_oid *out, git_odb_backend *backend,
				 const git_oid *prefix, size_t digits)
{
	int rc = objects_prefix(out->id, objects_of(backend), prefix->id, digits);

	return !rc ? 0 : rc == ERR_NOTFOUND ? GIT_ENOTFOUND : GIT_EAMBIGUOUS;
}

static int backend_read_prefix(git_oid *out, void **data, size_t *len, git_object_t *type,
			       git_odb_backend *backend, const git_oid *prefix,
			       size_t digits)
{
	int rc = backend_exists_prefix(out, backend, prefix, digits);

	return rc ? rc : backend_read(data, len, type, backend, out);
}

static int backend_refresh(git_odb_backend *backend)
{
	objects_refresh(objects_of(backend));
	return 0;
}

static void backend_free(git_odb_backend *backend)
{
	free(backend);
}

/* Has libgit2 read from repo->objects. */
static int use_objects(struct snapshot_repo *repo, struct err *err)
{
	struct backend *backend = xzalloc(sizeof(*backend));
	git_odb *odb = NULL;
	int rc;

	backend->parent = (git_odb_backend){
		.version = GIT_ODB_BACKEND_VERSION,
		.read = backend_read,
		.read_prefix = backend_read_prefix,
		.read_header = backend_read_header,
		.exists = backend_exists,
		.exists_prefix = backend_exists_prefix,
		.refresh = backend_refresh,
		.free = backend_free,
	};
	backend->objects = repo->objects;
	rc = git_odb_new(&odb);
	rc = rc ? rc : git_odb_add_backend(odb, &backend->parent, 1);
	if (rc) {
		free(backend);
	}
	rc = rc ? rc : git_repository_set_odb(repo->git, odb);
	git_odb_free(odb);
	return rc ? git_failure(err, rc, "open the objects of", repo->path) : 0;
}

int repo_open_objects(struct snapshot_repo *repo, struct err *err)
{
	struct buf dir = {0};

	buf_addf(&dir, "%s/objects", repo->path);
	objects_open(&repo->objects, dir.data);
	buf_release(&dir);
	return use_objects(repo, err);
}

void repo_close(struct snapshot_repo *repo)
{
	git_repository_free(repo->git);
	objects_close(repo->objects);
	repo->git = NULL;
	repo->objects = NULL;
	repo->refs_good = false;
	repo_forget_shallow(repo);
}

/* To be called before libgit2 reads a reference. Once is enough: no stranger writes into the
 * repository while it is open. */
static int check_refs(struct snapshot_repo *repo, struct err *err)
{
	int rc = repo->refs_good ? 0 : repo_refs_check(repo->path, err);

	repo->refs_good = !rc;
	return rc;
}

static int check_head(struct snapshot_repo *repo, const char *branch, struct err *err)
{
	git_reference *head = NULL;
	const char *target = NULL;
	struct err found;
	int rc = check_refs(repo, err);

	if (rc) {
		return rc;
	}
	rc = git_reference_lookup(&head, repo->git, "HEAD");
	if (rc) {
		rc = git_failure(err, rc, "read HEAD of", repo->path);
		found = *err;
		return err_set(err, rc, "%s; if it is damaged: echo 'ref: %s' >'%s/HEAD'",
			       found.msg, branch, repo->path);
	}
	target = git_reference_symbolic_target(head);
	if (!target || strcmp(target, branch) != 0) {
		rc = err_set(err, ERR_REFUSED,
			     "HEAD of '%s' is at %s; set it to %s with: "
			     "git -C '%s' symbolic-ref HEAD %s",
			     repo->path, target ? target : "no branch", branch,
			     repo->path, branch);
	}
	git_reference_free(head);
	return rc;
}

int repo_prepare(struct snapshot_repo *repo, const char *branch, struct err *err)
{
	git_config *config = NULL;
	int64_t gc;
	int bare;
	int rc = open_config(&config, repo, err);

	if (!rc && config && git_config_get_bool(&bare, config, "core.bare") == 0 &&
	    !bare) {
		rc = err_set(err, ERR_REFUSED,
			     "the repository '%s' has a work tree, and it must be bare: "
			     "name a bare clone (git clone --bare) or, if nobody works "
			     "in it: git -C '%s' config core.bare true",
			     repo->path, repo->path);
	}
	rc = rc ? rc : check_head(repo, branch, err);
	if (!rc && config && repo->lock >= 0 &&
	    git_config_get_int64(&gc, config, "gc.auto") == GIT_ENOTFOUND) {
		rc = set_config(repo, "gc.auto", 0, err);
	}
	git_config_free(config);
	return rc;
}

int repo_is_incomplete(bool *is, struct snapshot_repo *repo, struct err *err)
{
	git_config *config = NULL;
	int bare, rc = open_config(&config, repo, err);

	*is = repo_make_is_under_way(repo->path) || !config ||
	      git_config_get_bool(&bare, config, "core.bare") == GIT_ENOTFOUND;
	git_config_free(config);
	return rc;
}

/* --- objects --- */

static int missing(struct snapshot_repo *repo, const char *hex, struct err *err)
{
	struct buf advice = {0};
	int rc;

	buf_addstr(&advice, "");
	repo_folder_advise(&advice, repo->path);
	rc = err_set(err, ERR_FAIL, "cannot read object '%s': it is missing from '%s'%s",
		     hex, repo->path,
		     advice.len ? advice.data
				: "; restore its pack from a copy or a clone");
	buf_release(&advice);
	return rc;
}

int repo_object(struct snapshot_repo *repo, struct buf *body, const uint8_t id[OBJECT_ID],
		enum object_type type, struct err *err)
{
	size_t before = body->len;
	char hex[OBJECT_HEX + 1];
	enum object_type actual = type;
	struct err why;
	int rc = objects_read(body, &actual, repo->objects, id, &why);

	object_hex(hex, id);
	if (rc == ERR_NOTFOUND) {
		return missing(repo, hex, err);
	}
	if (rc || actual != type) {
		buf_setlen(body, before);
		return err_set(err, ERR_FAIL, "object %s in '%s' is damaged: %s", hex,
			       repo->path, rc ? why.msg : "it is not what it should be");
	}
	return 0;
}

int repo_tree(struct buf *body, const uint8_t id[OBJECT_ID], void *payload,
	      struct err *err)
{
	return repo_object(payload, body, id, OBJECT_TREE, err);
}

bool repo_has(struct snapshot_repo *repo, const uint8_t id[OBJECT_ID])
{
	return objects_has(repo->objects, id);
}

void repo_refresh(struct snapshot_repo *repo)
{
	objects_refresh(repo->objects);
}

int repo_is_shallow(bool *is, struct snapshot_repo *repo, const uint8_t commit[OBJECT_ID],
		    struct err *err)
{
	int rc = repo->shallow_good ? 0 : shallow_read(&repo->shallow, repo->path, err);

	repo->shallow_good = !rc;
	*is = !rc && shallow_has(&repo->shallow, commit);
	return rc;
}

void repo_forget_shallow(struct snapshot_repo *repo)
{
	shallow_release(&repo->shallow);
	repo->shallow_good = false;
}

/* --- references --- */

int repo_ref(char hex[OBJECT_HEX + 1], struct snapshot_repo *repo, const char *name,
	     struct err *err)
{
	git_oid oid;
	int rc = check_refs(repo, err);

	*hex = '\0';
	if (rc) {
		return rc;
	}
	rc = git_reference_name_to_id(&oid, repo->git, name);
	if (rc == GIT_ENOTFOUND) {
		return 0;
	}
	if (rc) {
		struct err found;

		rc = git_failure(err, rc, "read a reference of", repo->path);
		found = *err;
		return err_set(err, rc,
			       "%s; if the file '%s/%s' is damaged, move it away: export "
			       "then says where it was, and how to restore it",
			       found.msg, repo->path, name);
	}
	object_hex(hex, oid.id);
	return 0;
}

int repo_resolve(uint8_t commit[OBJECT_ID], struct snapshot_repo *repo, const char *rev,
		 struct err *err)
{
	git_object *named = NULL, *peeled = NULL;
	char hex[OBJECT_HEX + 1];
	git_oid oid;
	int rc = check_refs(repo, err);

	if (rc) {
		return rc;
	}
	rc = git_revparse_single(&named, repo->git, rev);
	rc = rc ? rc : git_object_peel(&peeled, named, GIT_OBJECT_COMMIT);
	if (rc == GIT_ENOTFOUND && git_reference_name_to_id(&oid, repo->git, rev) == 0) {
		object_hex(hex, oid.id);
		rc = missing(repo, hex, err);
	} else if (rc == GIT_ENOTFOUND || rc == GIT_EINVALIDSPEC ||
		   rc == GIT_EAMBIGUOUS || rc == GIT_EPEEL) {
		rc = err_set(err, ERR_NOTFOUND, "no snapshot '%s' in '%s'", rev,
			     repo->path);
	} else if (rc) {
		rc = git_failure(err, rc, "look up", rev);
	} else {
		memcpy(commit, git_object_id(peeled)->id, OBJECT_ID);
	}
	git_object_free(named);
	git_object_free(peeled);
	return rc;
}

int repo_ref_commit(uint8_t commit[OBJECT_ID], struct snapshot_repo *repo,
		    const char *name, struct err *err)
{
	char hex[OBJECT_HEX + 1];
	struct buf body = {0};
	int rc = repo_ref(hex, repo, name, err);
	enum object_type type = OBJECT_TAG;

	if (!rc && !*hex) {
		return ERR_NOTFOUND;
	}
	for (unsigned i = 0; !rc && type == OBJECT_TAG; i++) {
		object_unhex(commit, hex);
		buf_clear(&body);
		rc = objects_read(&body, &type, repo->objects, commit, err);
		if (rc == ERR_NOTFOUND) {
			rc = missing(repo, hex, err);
		} else if (rc) {
			char why[sizeof(err->msg)];

			memcpy(why, err->msg, sizeof(why));
			rc = err_set(err, ERR_FAIL, "object %s in '%s' is damaged: %s",
				     hex, repo->path, why);
		} else if (type == OBJECT_TAG &&
			   (i == REPO_TAGS_MAX || body.len < 7 + OBJECT_HEX ||
			    memcmp(body.data, "object ", 7) != 0 ||
			    !object_unhex(commit, body.data + 7))) {
			rc = ERR_NOTFOUND;
		} else if (type == OBJECT_TAG) {
			object_hex(hex, commit);
		}
	}
	buf_release(&body);
	return rc ? rc : type == OBJECT_COMMIT ? 0 : ERR_NOTFOUND;
}

int repo_tags(struct snapshot_repo *repo, struct buf *names, struct err *err)
{
	git_strarray tags = {0};
	int rc = check_refs(repo, err);

	if (rc) {
		return rc;
	}
	rc = git_tag_list(&tags, repo->git);

	for (size_t i = 0; i < tags.count; i++) {
		buf_add(names, tags.strings[i], strlen(tags.strings[i]) + 1);
	}
	git_strarray_dispose(&tags);
	return rc ? git_failure(err, rc, "list the tags of", repo->path) : 0;
}

bool repo_tag_is_valid(const char *name)
{
	int valid = 0;

	return git_tag_name_is_valid(&valid, name) == 0 && valid;
}

/* --- other work trees --- */

bool repo_ignores(const char *git_dir, const char *top, const char *path)
{
	git_repository *git = NULL;
	git_config *none = NULL;
	struct buf name = {0};
	struct err why;
	int ignored = 0;

	if (repo_start(&why)) {
		return false;
	}
	/* Anybody may have put a repository into a folder above; see "configuration". */
	if (git_repository_open_bare(&git, git_dir) == 0 && git_config_new(&none) == 0 &&
	    git_repository_set_config(git, none) == 0 &&
	    git_repository_set_workdir(git, *top ? top : "/", 0) == 0) {
		/* Patterns such as "build/" are for folders alone. */
		buf_addf(&name, "%s/", path);
		(void)!git_ignore_path_is_ignored(&ignored, git, name.data);
	}
	buf_release(&name);
	git_config_free(none);
	git_repository_free(git);
	repo_stop();
	return ignored == 1;
}

/* --- packs with deltas --- */

/* Without a limit, a window of large albums would take gigabytes. */
#define DELTA_WINDOW_BYTES (32 << 20)
struct repo_packer {
	git_packbuilder *builder;
	const char *path;
};

/* libgit2 takes its limits from the configuration when the builder is made. So it gets one of
 * ours for that long. It reads pack.deltaCacheSize as the size of the largest object that it
 * seeks deltas for. */
static int new_builder(git_packbuilder **out, struct snapshot_repo *repo,
		       size_t delta_bytes_max, struct err *err)
{
	struct buf text = {0}, file = {0};
	int git_rc, rc;

	buf_addf(&text, "[pack]\n\twindowMemory = %d\n\tdeltaCacheSize = %zu\n",
		 DELTA_WINDOW_BYTES, delta_bytes_max);
	buf_addf(&file, "%s/" REPO_FOLDER_TEMP_CONFIG, repo->path);
	rc = repo_folder_write(repo->path, REPO_FOLDER_TEMP_CONFIG, text.data, text.len,
			       err);
	rc = rc ? rc : use_config(repo, file.data, err);
	if (!rc) {
		git_rc = git_packbuilder_new(out, repo->git);
		rc = git_rc ? git_failure(err, git_rc, "begin a pack for", repo->path)
			    : 0;
	}
	unlink(file.data);
	buf_release(&text);
	buf_release(&file);
	return rc ? rc : use_config(repo, NULL, err);
}

int repo_packer_open(struct repo_packer **out, struct snapshot_repo *repo,
		     size_t delta_bytes_max, struct err *err)
{
	git_packbuilder *builder = NULL;
	int rc = check_refs(repo, err); /* libgit2 packs first what tags name */

	rc = rc ? rc : new_builder(&builder, repo, delta_bytes_max, err);

	*out = NULL;
	if (rc) {
		git_packbuilder_free(builder);
		return rc;
	}
	git_packbuilder_set_threads(builder, repo->threads + 1);
	*out = xzalloc(sizeof(**out));
	(*out)->builder = builder;
	(*out)->path = repo->path;
	return 0;
}

int repo_packer_add(struct repo_packer *packer, const uint8_t id[OBJECT_ID],
		    const char *name, struct err *err)
{
	git_oid oid;
	int rc;

	memcpy(oid.id, id, OBJECT_ID);
	rc = git_packbuilder_insert(packer->builder, &oid, name);
	return rc ? git_failure(err, rc, "pack an object of", packer->path) : 0;
}

int repo_packer_write(struct repo_packer *packer, const char *dir, struct err *err)
{
	int rc;

	errno = 0; /* libgit2 does not say why it could not write the index */
	rc = git_packbuilder_write(packer->builder, dir, 0, NULL, NULL);
	return rc ? git_failure(err, rc, "write a pack into", dir) : 0;
}

void repo_packer_free(struct repo_packer *packer)
{
	if (packer) {
		git_packbuilder_free(packer->builder);
		free(packer);
	}
}
