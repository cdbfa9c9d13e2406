/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an nginx configuration cannot express: which file of a site answers a request
 * (albumen(7), "Responses" and "Paths"), and how the files of several images are joined.
 * Single files for ids of plain characters are found without it (nginx.http.in).
 *
 * Requests are read from the URL as the client sent it ($request_uri). nginx's own path is
 * decoded and normalised: the album `a/b` (a%2Fb) would be two folders in it, and the album
 * `..` would vanish. Here one segment is one id, whatever it contains, and becomes one file
 * name without a slash or a dot.
 *
 * njs 0.7.9 (Debian 12) finds an imported file beside the one that imports it. It frees the
 * memory of a request when the request ends, and none before. Async functions crash it. r.send
 * takes strings only, and a Buffer that is made a string must be UTF-8.
 */
import crypto from 'crypto';
import fs from 'fs';
import requests from 'requests.js';
import token from 'token.js';

/* A joined answer is in memory until the client has all of it; nginx.server.in bounds how many
 * of them there are at once, and those of more than requests.LARGE bytes more strictly. So
 * much is read or sent at a time, and then other clients are served. */
const PIECE = 512 << 10;
/* How often it is read again because the site has changed. nginx answers 500, as HTML, to
 * the tenth redirect of a request. */
const TRIES_MAX = 7;
/* nginx runs a timer of 0 ms before it looks for other requests. */
const PAUSE_MS = 1;

/* The most bytes of the file of --tokens (tokens.c). */
const KEYS_MAX = 1 << 20;

/* How much of a response is searched for the album of its image, at first and at most; and in
 * how many steps (token.js) for one request, during which other clients wait. */
const ALBUM_FIRST = 4 << 10;
const ALBUM_MOST = 64 << 10;
const ALBUM_STEPS = 250000;

/* The URL as the client sent it. */
function sent(r) {
	const raw = r.rawVariables.request_uri;

	return requests.split(raw ? raw.toString() : '');
}

/* As isFile() does it, which takes njs half as long as stat itself. */
const S_IFMT = 0o170000;
const S_IFREG = 0o100000;

const QUIETLY = { throwIfNoEntry: false };

/* What lies at `path`: not what a link points to; null if nothing does. (An exception takes
 * longer than all else that a request does.) */
function stat(path) {
	try {
		return fs.lstatSync(path, QUIETLY) || null;
	} catch (e) {
		if (e.code === 'ENOTDIR') {
			return null;
		}
		throw e;
	}
}

/* The size of the response whose file is `path` + `.json`; requests.OVERSIZE if it was left
 * out; null if the site has no such response. */
function look(path) {
	const file = stat(path + '.json');

	return file && (file.mode & S_IFMT) === S_IFREG ? file.size
		: stat(path + requests.OVERSIZE) ? requests.OVERSIZE : null;
}

/* Whether the site lacks its last file: it is not mounted, or was never published to its end.
 * Then a response that is not there may be one that should be: `[]` would be false. */
function away(r) {
	return !stat(r.variables.document_root + '/snapshot.json');
}

/* Which snapshot the site is at. While its files are brought to the next one, it is the last
 * one still. */
function snapshot(r) {
	const file = stat(r.variables.document_root + '/snapshot.json');

	return file ? file.ino + ' ' + file.size + ' ' + file.mtimeMs : null;
}

/* The files that `join` joins: `path` (without .json) and `size` of each, the length of the
 * answer, and the snapshot that the site is at. `route` leaves it here: for one request, nginx
 * runs both functions in one VM of its own, until that is redirected. */
let plan = null;

/* The location that joins the responses of the images that a query names: their arrays in
 * the order of the request, each once. */
function joining(r, names) {
	const folder = r.variables.document_root + '/' + requests.JOINED + '/';
	const at = snapshot(r);
	const seen = {};
	const files = [];
	let oversize = false;
	let unknown = false;
	let length = 1;

	names.forEach((name) => {
		const path = folder + name;
		const size = !name || seen[path] ? null : look(path);

		seen[path] = true;
		if (size === requests.OVERSIZE) {
			oversize = true;
		} else if (size === null) {
			unknown = true;
		} else if (size > 2) {
			files.push({ path, size });
			length += size - 1;
		}
	});
	plan = { files, at, length: files.length > 0 ? length : 2 };
	return oversize ? '//error/oversize'
		: unknown && at === null ? '//error/away'
			: length > requests.JOIN_MAX ? '//error/join'
				: '//' + requests.JOINED + (length > requests.LARGE ? '/large' : '');
}

/*
 * The internal location that answers a request; without its first slash it is the path of
 * the file in the site. nginx.server.in explains why it begins with two slashes.
 */
function route(r) {
	const url = sent(r);
	const path = requests.find(url.path);
	let names;

	if (path === null) {
		return '//error/404';
	}
	names = path === requests.JOINED ? requests.imageNames(url.query) : [];
	if (names === null) {
		return '//error/ids';
	}
	if (names.length > 1) {
		return joining(r, names);
	}
	if (names.length === 1) {
		return '//' + requests.JOINED + '/' + (names[0] ? names[0] + '.json' : '');
	}
	return '//' + path + '.json';
}

/* The location that answers in place of a file that the site does not have, or that nginx
 * cannot open. r.uri is that file. */
function missing(r) {
	const path = r.variables.document_root + r.uri.replace(/\.json$/, '');

	try {
		const size = look(path);

		if (size === requests.OVERSIZE) {
			return '//error/oversize';
		}
		if (size !== null) {
			/* It has come meanwhile. Or nginx may not read it: that throws. Or a folder on
			 * the way is a link, which nginx does not follow. */
			fs.closeSync(fs.openSync(path + '.json'));
			return fs.realpathSync(path + '.json') ===
				fs.realpathSync(r.variables.document_root) + r.uri.slice(1)
				? r.uri : '//error/404';
		}
		return away(r) ? '//error/away'
			: r.uri.startsWith('//' + requests.JOINED + '/') ? '//' + requests.JOINED + '/'
				: '//error/404';
	} catch (e) {
		/* Without a location, nginx would redirect the client. */
		return '//error/500';
	}
}

/*
 * Answers with the tag images of several images: all but the last bracket of each file, with
 * a comma for the first one of all files but the first. Everything is read before anything is
 * sent: then no error can come after the status.
 *
 * If the site came to another snapshot meanwhile, three of them might be in the answer. Then
 * all is read again, in the memory of a new VM, to which the number of tries goes in place of
 * the query.
 *
 * Nothing ends the request while setTimeout waits, so that no file stays open: nginx notices
 * that a client has gone when it writes.
 */
function join(r) {
	const tries = /^[0-9]$/.test(r.variables.args) ? Number(r.variables.args) : 0;
	const again = tries < TRIES_MAX ? '?' + (tries + 1) : null;
	const location = plan ? r.uri : joining(r, requests.imageNames(sent(r).query));
	const files = plan.files;
	const body = location === r.uri ? Buffer.allocUnsafe(plan.length + 1) : null;
	let length = 0;
	let fd = null;
	let at = 0;

	/* Reads so much that other clients do not wait long. False if a file was replaced or
	 * removed since `joining` looked: it is asked for one byte more than there were. */
	function read() {
		const stop = length + PIECE;

		while (length < stop && files.length > 0) {
			const size = files[0].size;
			let most, got;

			if (fd === null) {
				fd = fs.openSync(files[0].path + '.json');
				at = 0;
			}
			most = Math.min(stop - length, size + 1 - at);
			got = fs.readSync(fd, body, length, most, at);
			if (at === 0 && length > 0) {
				body[length] = 0x2c;
			}
			at += got;
			length += got;
			if (at > size || got < most && at < size) {
				return false;
			}
			if (got < most) {
				fs.closeSync(fd);
				fd = null;
				files.shift();
				length--;
			}
		}
		return true;
	}
	function redirect(to) {
		r.internalRedirect(to.startsWith('//error/') ? to : again ? to + again
			: '//error/changing');
	}
	function step() {
		let to = null;

		try {
			to = !read() || files.length === 0 && snapshot(r) !== plan.at ? r.uri : null;
		} catch (e) {
			/* Thrown after setTimeout, it would close the connection without an answer. */
			to = e.code === 'ENOENT' ? r.uri : '//error/500';
		}
		if (to === null && files.length > 0) {
			setTimeout(step, PAUSE_MS);
			return;
		}
		if (fd !== null) {
			fs.closeSync(fd);
		}
		if (to !== null) {
			redirect(to);
			return;
		}
		if (length === 0) {
			body.write('[');
		}
		body.write(']', plan.length - 1);
		r.return(200, body.slice(0, plan.length));
	}

	if (body === null) {
		redirect(location);
	} else {
		step();
	}
}

/* The text of health.json, as requests.health wants it. */
function healthText(r) {
	const path = r.variables.document_root + '/health.json';
	const file = stat(path);

	if (!file) {
		return null;
	}
	if (!file.isFile() || file.size > requests.HEALTH_MAX) {
		return undefined;
	}
	try {
		return fs.readFileSync(path).toString();
	} catch (e) {
		return '';
	}
}

/* GET /healthz. */
function health(r) {
	const answer = requests.health(healthText(r), Date.now(),
		Number(r.variables.albumen_max_age));

	r.headersOut['Content-Type'] = 'application/json; charset=utf-8';
	r.return(answer.healthy ? 200 : 503, JSON.stringify(answer));
}

/* The file of --tokens; null if it cannot be read. All other clients wait meanwhile: so for a
 * pipe, which may never be written to, or a file too large for keys, nobody does. */
function keys(r) {
	try {
		const file = fs.statSync(r.variables.albumen_tokens);

		return file.isFile() && file.size <= KEYS_MAX
			? JSON.parse(fs.readFileSync(r.variables.albumen_tokens).toString()) : null;
	} catch (e) {
		return null;
	}
}

/* The album of the image that the file `path` of tag images is about; null if it cannot be
 * told, undefined if the file has gone. */
function albumOf(path, size, budget) {
	let most = ALBUM_FIRST;
	let fd, album, body, got;

	try {
		fd = fs.openSync(path);
	} catch (e) {
		if (e.code === 'ENOENT') {
			return undefined;
		}
		throw e;
	}
	try {
		do {
			body = Buffer.allocUnsafe(Math.min(most, size));
			got = fs.readSync(fd, body, 0, body.length, 0);
			album = token.albumOf(body.slice(0, got).toString(), budget);
			most *= 16;
		} while (album === undefined && got < size && most <= ALBUM_MOST);
	} finally {
		fs.closeSync(fd);
	}
	return album === undefined ? null : album;
}

/* True if `rights` (token.js) allow the tag images of all these images. */
function allImages(r, names, rights) {
	const folder = r.variables.document_root + '/' + requests.JOINED + '/';
	const budget = { steps: ALBUM_STEPS };
	const seen = {};

	return names.every((name) => {
		const size = !name || seen['n' + name] ? null : look(folder + name);
		let album;

		seen['n' + name] = true;
		if (size === null || size <= 2) {
			return true;
		}
		album = size === requests.OVERSIZE ? null : albumOf(folder + name + '.json', size, budget);
		return album === undefined || rights.album(album);
	});
}

/*
 * `yes` if the token of a request allows it, or it needs none: as /healthz, and what ends as
 * an error 400 or 405. Anything else, as nothing after an exception, means no. nginx asks once
 * for each request, before it looks for the location.
 */
function allowed(r) {
	const url = sent(r);
	/* What nginx answers from a location of its own has the path that nginx made of the URL. */
	const path = /^\/(?:snapshot\.json$|audit(?:\/|$))/.test(r.uri) ? null : requests.find(url.path);
	const names = path === requests.JOINED ? requests.imageNames(url.query) : [];
	let rights, may;

	if (r.uri === '/healthz' || r.uri.startsWith('//error/') || names === null) {
		return 'yes';
	}
	rights = token.rights(
		r.rawHeadersIn.filter((pair) => pair[0].toLowerCase() === 'authorization')
			.map((pair) => pair[1]),
		url.query, keys(r), {
			now: Date.now() / 1000,
			bytes: (text) => Buffer.from(text, 'base64url'),
			hmac: (secret, text, then) => then(crypto.createHmac('sha256', secret)
				.update(text).digest('base64url')),
		});
	may = token.may(rights, path, names.length);
	return (may === null ? allImages(r, names, rights) : may) ? 'yes' : 'no';
}

export default { route, missing, join, health, allowed };
