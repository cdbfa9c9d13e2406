/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * exporter/edge/token.js alone: `njs tests/edge/token.js` prints what is wrong, and nothing
 * else. tests/model/tokens.py asks whole edges.
 */
import crypto from 'crypto';
import token from '../../exporter/edge/token.js';

const NOW = 1700000000;
const KEYS = JSON.parse('{"us":"s3cret","them":"key","none":"","n":1,"__proto__":"p"}');
const failures = [];

function is(what, got, want) {
	if (JSON.stringify(got) !== JSON.stringify(want)) {
		failures.push(what + ': ' + JSON.stringify(got) + ', not ' + JSON.stringify(want));
	}
}
function base64url(text) {
	return Buffer.from(text).toString('base64url');
}
function mac(hash, secret, text) {
	return crypto.createHmac(hash, secret).update(text).digest('base64url');
}
const engine = {
	now: NOW,
	bytes: (text) => Buffer.from(text, 'base64url'),
	hmac: (secret, text, then) => then(mac('sha256', secret, text)),
};
function sign(header, claims, secret) {
	const text = base64url(header) + '.' + base64url(claims);

	return text + '.' + mac('sha256', secret, text);
}
/* A token of these claims and those that each must have. */
function make(claims, more) {
	const all = Object.assign({ iss: 'us', exp: NOW + 60 }, claims);

	return sign(JSON.stringify(Object.assign({ typ: 'JWT', alg: 'HS256' }, more || {})),
		JSON.stringify(all), 's3cret');
}
function given(headers, query) {
	return token.rights(headers, query, KEYS, engine);
}
function taken(text) {
	return given(['Token token="' + text + '"'], null) !== null;
}

/* How a token comes. */
const good = make({});

[
	[['Token token="' + good + '"'], null, true],
	[['token  token="' + good + '"'], null, true],
	[['Bearer ' + good], null, true],
	[['bearer   ' + good], null, true],
	[[], 'token=' + good, true],
	[[], 'image_ids[]=a&token=' + good + '&x', true],
	[[], null, false],
	[[], '', false],
	[[], 'token', false],
	[[], 'token=', false],
	[[], 'token[]=' + good, false],
	[[], 'Token=' + good, false],
	[[], 'xtoken=' + good, false],
	[[], 'token=' + good + ' ', false],
	[[], 'token=' + good.split('.').join('%2E'), false],
	[[], 'token="' + good + '"', false],
	[[''], null, false],
	[[good], null, false],
	[['Token ' + good], null, false],
	[['Token token=' + good], null, false],
	[['Token token="' + good + '", x="y"'], null, false],
	[['Bearer token="' + good + '"'], null, false],
	[['Bearer' + good], null, false],
	[['Basic ' + good], null, false],
	[['Bearer ' + good + ', Bearer ' + good], null, false],
	[['Bearer ' + good, 'Bearer ' + good], null, false],
	[['Bearer ' + good], 'token=' + good, false],
	[['Basic eA=='], 'token=' + good, false],
	[['Bearer ' + good], 'token=', false],
	[[], 'token=' + good + '&token=' + good, false],
	[['Bearer ' + good], 'token', true],
].forEach((row) => is('given ' + JSON.stringify(row).slice(0, 60), given(row[0], row[1]) !== null, row[2]));

/* Its form. */
const parts = good.split('.');

[
	['', false],
	['..', false],
	[parts[0] + '.' + parts[1], false],
	[parts[0] + '.' + parts[1] + '.', false],
	[good + '.', false],
	['.' + good, false],
	[good.slice(0, -1), false],
	[good + 'A', false],
	[good + '=', false],
	[parts[0] + '=.' + parts[1] + '.' + parts[2], false],
	[parts[1] + '.' + parts[0] + '.' + parts[2], false],
	[make({ x: 'é' }), true],
	[make({ x: 'x'.repeat(5000) }), true],
	[make({ x: 'x'.repeat(9000) }), false],
	[sign('{"alg":"HS256"}', '{"iss":"us","exp":2000000000}', 's3cret'), true],
	[sign('{"alg":"HS256"}', ' {"iss":"us","exp":2e9}\n', 's3cret'), true],
	[sign('{"alg":"HS256"}', '\ufeff{"iss":"us","exp":2000000000}', 's3cret'), false],
	[sign('{"alg":"HS256"}', '{"iss":"us","exp":2000000000', 's3cret'), false],
	[sign('{"alg":"HS256"}', '[{"iss":"us","exp":2000000000}]', 's3cret'), false],
	[sign('{"alg":"HS256"}', 'null', 's3cret'), false],
	[sign('null', '{"iss":"us","exp":2000000000}', 's3cret'), false],
	[sign('["HS256"]', '{"iss":"us","exp":2000000000}', 's3cret'), false],
	[sign('{"typ":"JWT"}', '{"iss":"us","exp":2000000000}', 's3cret'), false],
	[sign('{"alg":"hs256"}', '{"iss":"us","exp":2000000000}', 's3cret'), false],
	[sign('{"alg":["HS256"]}', '{"iss":"us","exp":2000000000}', 's3cret'), false],
	[make({}, { alg: 'none' }), false],
	[parts[0] + '.' + parts[1] + '.' + mac('sha1', 's3cret', parts[0] + '.' + parts[1]), false],
	[make({}, { alg: 'HS512' }), false],
	[make({}, { alg: 'RS256' }), false],
	[make({}, { crit: ['b64'], b64: false }), false],
	[make({}, { kid: 'x', typ: 'x' }), true],
].forEach((row, i) => is('form ' + i + ' ' + row[0].slice(0, 60), taken(row[0]), row[1]));
{
	const bad = base64url('{"alg":"HS256"}') + '.' +
		Buffer.concat([Buffer.from('{"iss":"us","exp":2000000000,"x":"'), Buffer.from('ff', 'hex'),
			Buffer.from('"}')]).toString('base64url');

	is('claims that are not UTF-8', taken(bad + '.' + mac('sha256', 's3cret', bad)), false);
}

/* Who signed it. */
[
	[{}, 's3cret', true],
	[{}, 's3cret\n', false],
	[{}, 'key', false],
	[{}, '', false],
	[{ iss: 'them' }, 'key', true],
	[{ iss: 'them' }, 's3cret', false],
	[{ iss: 'nobody' }, '', false],
	[{ iss: 'nobody' }, 'undefined', false],
	[{ iss: 'none' }, '', false],
	[{ iss: 'n' }, '1', false],
	[{ iss: '__proto__' }, 'p', true],
	[{ iss: '__proto__' }, '[object Object]', false],
	[{ iss: 'constructor' }, 's3cret', false],
	[{ iss: ['us'] }, 's3cret', false],
	[{ iss: null }, 's3cret', false],
].forEach((row) => {
	const claims = JSON.stringify(Object.assign({ iss: 'us', exp: NOW + 1 }, row[0]));

	is('signed ' + JSON.stringify(row), taken(sign('{"alg":"HS256"}', claims, row[1])), row[2]);
});
is('no keys', token.rights(['Bearer ' + good], null, null, engine), null);
is('keys that are a text', token.rights(['Bearer ' + good], null, 's3cret', engine), null);
is('keys that are a list', token.rights(['Bearer ' + make({ iss: '0' })], null, ['s3cret'], engine), null);

/* When. */
[
	['"exp":' + (NOW + 1), true],
	['"exp":' + (NOW + 0.5), true],
	['"exp":' + NOW, false],
	['"exp":' + (NOW - 1), false],
	['"exp":"' + (NOW + 60) + '"', false],
	['"exp":null', false],
	['"exp":true', false],
	['"exp":[' + (NOW + 60) + ']', false],
	['"exp":1e999', false],
	['"x":1', false],
	['"exp":' + (NOW + 60) + ',"exp":1', false],
	['"exp":' + (NOW + 60) + ',"nbf":' + NOW, true],
	['"exp":' + (NOW + 60) + ',"nbf":' + (NOW + 1), false],
	['"exp":' + (NOW + 60) + ',"nbf":"1"', false],
	['"exp":' + (NOW + 60) + ',"nbf":null', false],
	['"__proto__":{"exp":' + (NOW + 60) + '}', false],
].forEach((row) => is('when ' + row[0], taken(sign('{"alg":"HS256"}', '{"iss":"us",' + row[0] + '}', 's3cret')), row[1]));

/* What for. */
const see = { Access: { image_list: true } };

function allows(claims, path, images) {
	return token.may(given(['Bearer ' + make(claims)], null), path, images || 0);
}

[
	[{ a: see }, 'a', true],
	[{ a: see }, 'b', false],
	[{ a: see }, 'A', false],
	[{ 'a/b': see }, 'a%2Fb', true],
	[{ 'a%2Fb': see }, 'a%2Fb', false],
	[{ a: { Access: { see: true } } }, 'a', false],
	[{ a: { Access: { image_list: 1 } } }, 'a', false],
	[{ a: { Access: { image_list: 'true' } } }, 'a', false],
	[{ a: { Access: ['image_list'] } }, 'a', false],
	[{ a: { access: { image_list: true } } }, 'a', false],
	[{ a: { image_list: true } }, 'a', false],
	[{ a: true }, 'a', false],
	[[see], '0', false],
	[{ a: [see] }, 'a', false],
	[{ a: null }, 'a', false],
	[JSON.parse('{"__proto__":{"Access":{"image_list":true}}}'), '__proto__', true],
	[JSON.parse('{"__proto__":{"a":{"Access":{"image_list":true}}}}'), 'a', false],
	[JSON.parse('{"a":{"__proto__":{"Access":{"image_list":true}}}}'), 'a', false],
	[{}, '__proto__', false],
	[{}, 'constructor', false],
	[{ '*': see }, 'a', false],
	[{ albumen: { Access: { image_list: true, audit: true } } }, 'albumen', false],
].forEach((row) => {
	const what = 'album ' + JSON.stringify(row);

	is(what, allows({ abilities: row[0] }, 'api/v1/albums/' + row[1] + '/images'), row[2]);
	is(what + ', untagged', allows({ abilities: row[0] }, 'api/v1/albums/' + row[1] + '/images/untag'), row[2]);
});

const all = { abilities: { albumen: { Access: { audit: true } } } };

[
	[{ thumbnail_tags: true }, 1, true],
	[{ thumbnail_tags: true, q: '*' }, 2, true],
	[{ thumbnail_tags: true, q: 'x' }, 1, null],
	[{ thumbnail_tags: true, q: null }, 1, null],
	[{ thumbnail_tags: 'true' }, 1, null],
	[{ abilities: { a: see } }, 1, null],
	[{}, 1, null],
	[{ thumbnail_tags: true }, 0, false],
	[{ abilities: { a: see } }, 0, false],
	[all, 0, true],
	[all, 1, null],
].forEach((row) => is('tag images ' + JSON.stringify(row), allows(row[0], 'api/v1/tag_images', row[1]), row[2]));
is('album', given(['Bearer ' + make({ abilities: { a: see } })], null).album('a'), true);
is('album', given(['Bearer ' + make({ abilities: { a: see } })], null).album(null), false);
[null, 'api/v1/tags', 'api/v1/tags/x/tag_images', 'api/v1/albums/a/images/x', 'api/v1/albums/a'].forEach((path) => {
	is('everything: ' + path, allows(all, path), true);
	is('else: ' + path, allows({ thumbnail_tags: true, abilities: { a: see } }, path), false);
	is('nothing: ' + path, token.may(null, path, 0), false);
});
is('no token', token.may(null, 'api/v1/albums/a/images', 0), false);
is('no token', token.may(null, 'api/v1/tag_images', 1), false);

/* A promise of a MAC becomes a promise of rights. */
is('later', token.rights(['Bearer ' + good], null, KEYS, {
	now: NOW,
	bytes: engine.bytes,
	hmac: () => 'promise',
}), 'promise');

/* The album of an image. */
function albumOf(text) {
	return token.albumOf(text, { steps: 5000 });
}

[
	['[{"id":"t","image":{"public_id":"i","album_id":"a"},"tag":{"id":"T"}}]', 'a'],
	['[{"image":{"album_id":"a\\"\\u0026é"}}]', 'a"&é'],
	['[{"tag":{"album_id":"b"},"image":{"album_id":"a"}}]', 'a'],
	['[{"album_id":"b","image":{"x":{"album_id":"c"},"y":["album_id","d"],"album_id":"a"}}]', 'a'],
	['[{"x":{"image":{"album_id":"b"}},"y":[{"album_id":"c"}],"image":{"album_id":"a"}}]', 'a'],
	['[{"x":"image","y":"{\\"image\\":{\\"album_id\\":\\"b\\"","image":{"z":"\\\\","album_id":"a"}}]', 'a'],
	['[{"image":{"x":"album_id","album_id":"a"}},{"image":{"album_id":"b"}}]', 'a'],
	['[{"image":{"x":1},"tag":{"album_id":"b"}},{"image":{"album_id":"a"}}]', null],
	['[{"image":["album_id","b"]}]', null],
	['[{"image":[{"album_id":"b"}]}]', null],
	['[' + '{"x":'.repeat(400) + '1' + '}'.repeat(400) + ']', null],
	['[{"x":' + '['.repeat(400) + ']'.repeat(400) + ',"image":{"album_id":"a"}}]', 'a'],
	['[]', null],
	['[{"x,\\"image":{"album_id":"b"},"x\\"image":{"album_id":"b"},"image":{"x,\\"album_id":"b","album_id":"a"}}]', 'a'],
	['[{"x":",\\"image\\":","image":{"x":",\\"album_id\\":\\"b\\"","album_id":"a","z":{"album_id":"b"}}}]', 'a'],
	['[{"image":{"x":{"y":1},"album_id":"a"}}]', 'a'],
	['[{"image":{"album_id":["b"],"z":"album_id"}}]', null],
	['[{"image":{"album_id_2":"b","xalbum_id":"b","album_id":7}}]', null],
	['[{"a":"' + 'x'.repeat(70000) + '","image":{"x":"' + '\\\\\\"'.repeat(20000) + '","album_id":"a"}}]', 'a'],
	['[{"a":[' + '"x",'.repeat(15000) + '""],"image":{"album_id":"a"}}]', 'a'],
].forEach((row) => {
	is('album of ' + row[0].slice(0, 80), albumOf(row[0]), row[1]);
	/* Of each beginning: the same, or nothing yet. */
	for (let i = 0; i < Math.min(row[0].length, 300); i++) {
		const got = albumOf(row[0].slice(0, i));

		if (got !== undefined && got !== row[1]) {
			is('album of ' + row[0].slice(0, i), got, row[1]);
		}
	}
});
{
	const text = '[{"x":' + '['.repeat(400) + ']'.repeat(400) + ',"image":{"album_id":"a"}}]';
	const budget = { steps: 1000 };
	const long = '[{"x":"' + 'x'.repeat(70000) + '","image":{"album_id":"a"}}]';

	is('a budget', [token.albumOf(text, budget), token.albumOf(text, budget)], ['a', null]);
	is('a budget of characters', token.albumOf(long, { steps: 1000 }), null);
}

if (failures.length > 0) {
	console.log(failures.join('\n'));
	throw new Error(failures.length + ' failures');
}
