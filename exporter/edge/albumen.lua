-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- What an Apache configuration cannot express: which file of a site answers a request
-- (albumen(7), "Responses" and "Paths"), and how the files of several images are joined. It
-- says what requests.js says, for mod_lua; tests/edge/cases.json is asked of both.
--
-- `translate` decides. Where the answer is one file, Apache sends it as any other; otherwise
-- `handle` writes what `translate` left in the notes of the request. Requests are read from the URL as the client sent it (unparsed_uri):
-- Apache's own path is decoded and normalised, and the album `..` (%2E%2E) vanishes from it.

local IDS_MAX = 500
local PARAMETERS_MAX = 1000
local NAME_MAX = 240 -- bytes of a file name (data/format/record.h)
-- A joined answer is in the memory of a thread until it is sent, and nothing bounds how many
-- threads do that at once, but MaxRequestWorkers. So it is as small as what nginx does not
-- count as large.
local JOIN_MAX = 4 << 20
local HEALTH_MAX = 4096 -- bytes of health.json, which has some 120

-- Of apr_file_info.h: look at a link itself; the size and the type; a regular file.
local LINK, SIZE_AND_TYPE, REGULAR = 0x1, 0x8100, 1

local UNTAG = {
	['Cache-Control'] = 'no-cache, no-store, must-revalidate, private, max-age=0',
	['Pragma'] = 'no-cache',
	['Expires'] = 'Fri, 01 Jan 1990 00:00:00 GMT',
	['X-Frame-Options'] = 'DENY',
	['X-XSS-Protection'] = '1; mode=block',
	['X-Content-Type-Options'] = 'nosniff',
	['X-Download-Options'] = 'noopen',
	['X-Permitted-Cross-Domain-Policies'] = 'none',
	['Vary'] = 'Accept-Encoding',
	['P3P'] = 'CP="NOI ADM DEV PSAi COM NAV OUR OTRo STP IND DEM"',
}
local TAG_IMAGES = {
	['Cache-Control'] = 'no-cache, no-store',
	['Referrer-Policy'] = 'origin-when-cross-origin, strict-origin-when-cross-origin',
}
for name, value in pairs(UNTAG) do
	TAG_IMAGES[name] = TAG_IMAGES[name] or value
end
local KEPT = { ['Cache-Control'] = 'no-cache', ['X-Content-Type-Options'] = 'nosniff' }
local PAGE = {
	['Cache-Control'] = 'no-cache',
	['X-Content-Type-Options'] = 'nosniff',
	['X-Frame-Options'] = 'DENY',
	['Referrer-Policy'] = 'no-referrer',
	['Vary'] = 'Accept-Encoding',
}
local OURS = { ['Cache-Control'] = 'no-store', ['X-Content-Type-Options'] = 'nosniff' }

-- The requests of the table in exporter/snapshot/response.c; `*` is an id. A site's file has
-- the same path, and `.json` behind it. (tests/e2e/edge.t compares the two tables.)
local REQUESTS = {
	{ 'api/v1/tag_images', TAG_IMAGES },
	{ 'api/v1/albums/*/images/untag', UNTAG },
	{ 'api/v1/albums/*/images', UNTAG },
	{ 'api/v1/tags', UNTAG },
	{ 'api/v1/tags/*/tag_images', UNTAG },
}
local JOINED = 'api/v1/tag_images'

local ERRORS = {
	[400] = 'bad request',
	[404] = 'not found',
	[405] = 'method not allowed',
	[414] = 'the URL is too long',
}
local OTHER = {
	ids = { 400, 'more than 500 image_ids or 1000 parameters' },
	join = { 413, 'the tag images of these images are larger than 4 MiB; ask for fewer at a time' },
	oversize = { 503, 'the response is larger than 256 MiB' },
	away = { 503, 'there is no complete site in this folder' },
	broken = { 500, 'internal server error' },
}

-- The file name of an id that is percent-encoded in a URL; nil if it cannot be an id.
local function file_name(encoded)
	if #encoded > 3 * NAME_MAX then
		return nil
	end
	local whole = true
	local id = encoded:gsub('%%(%x?%x?)', function(hex)
		whole = whole and #hex == 2
		return #hex == 2 and string.char(tonumber(hex, 16)) or ''
	end)
	local name = id:gsub('[^A-Za-z0-9_-]', function(c)
		return string.format('%%%02X', c:byte())
	end)
	return whole and utf8.len(id) and #name > 0 and #name <= NAME_MAX and name or nil
end

local function split(text, by)
	local parts = {}
	for part in (text .. by):gmatch('([^' .. by .. ']*)' .. by) do
		parts[#parts + 1] = part
	end
	return parts
end

-- The file names of the parameters image_ids[]=ID, in their order, with repetitions, and
-- false for a value that cannot be an id. Nil if there are too many. In a query `+` means a
-- space.
local function image_names(query)
	local names = {}
	local pairs_of = query and split(query, '&') or {}
	if #pairs_of > PARAMETERS_MAX then
		return nil
	end
	for _, pair in ipairs(pairs_of) do
		local key, value = pair:match('^([^=]*)=?(.*)$')
		key = key:lower():gsub('%%5b', '['):gsub('%%5d', ']')
		if key == 'image_ids[]' then
			names[#names + 1] = file_name((value:gsub('+', '%%20'))) or false
		end
	end
	return #names <= IDS_MAX and names or nil
end

-- What answers the path as a client sent it: a path of REQUESTS with names in place of `*`,
-- and its headers.
local function find(path)
	if path:sub(1, 1) ~= '/' then
		return nil
	end
	local parts = split(path:sub(2):gsub('%.json$', ''), '/')
	for _, request in ipairs(REQUESTS) do
		local pattern = split(request[1], '/')
		local good = #pattern == #parts
		for i, part in ipairs(pattern) do
			if good and part == '*' then
				pattern[i] = file_name(parts[i])
				good = pattern[i] ~= nil
			else
				good = good and part == parts[i]
			end
		end
		if good then
			return table.concat(pattern, '/'), request[2]
		end
	end
end

-- What lies at `path`, not what a link points to; nil if nothing does.
local function stat(r, path)
	return r:stat(path, LINK | SIZE_AND_TYPE)
end

-- The size of the response whose file is `path` + `.json`; 'oversize' if it was left out; nil
-- if the site has no such response.
local function look(r, path)
	local file = stat(r, path .. '.json')
	if file and file.filetype == REGULAR then
		return file.size
	end
	return stat(r, path .. '.oversize') and 'oversize' or nil
end

-- Whether the site lacks its last file: it is not mounted, or was never published to its end.
local function away(r)
	return not stat(r, r.document_root .. '/snapshot.json')
end

local function set(r, headers)
	for name, value in pairs(headers) do
		r.headers_out[name] = value
	end
	if headers['P3P'] then
		r.headers_out['X-Request-Id'] = r:md5(tostring(r.log_id) .. r:clock())
		r.headers_out['X-Runtime'] = string.format('%.6f', (r:clock() - r.notes['albumen-began']) / 1e6)
	end
end

-- Answers with a file of the site.
local function send(r, path, headers)
	set(r, headers)
	r.filename = r.document_root .. '/' .. path
	return apache2.OK
end

-- Answers with `body`. mod_lua calls no `handle` for HEAD: all but the body is said here.
local function answer(r, status, body, headers)
	set(r, headers)
	r.status = status
	r.headers_out['Content-Length'] = tostring(#body)
	r.notes['albumen-body'] = body
	r.handler = 'lua-script'
	r.filename = debug.getinfo(1, 'S').source:sub(2)
	return apache2.OK
end

local function fail(r, status, text)
	if status == 405 then
		r.headers_out['Allow'] = 'GET, HEAD'
	end
	r.subprocess_env['no-gzip'] = '1'
	return answer(r, status, '{"error":"' .. (text or ERRORS[status]) .. '"}', OURS)
end

-- The path of a file of the audit page, decoded: its parts are names, and none is hidden.
local function page_file(path)
	local decoded = path:gsub('%%(%x%x)', function(hex)
		return string.char(tonumber(hex, 16))
	end)
	if decoded:find('\0', 1, true) or decoded:find('//', 1, true) or decoded:find('/.', 1, true) then
		return nil
	end
	return decoded:sub(2)
end

local function read(path, size)
	local file, why = io.open(path, 'rb')
	if not file then
		return nil, why
	end
	local text = file:read('a')
	file:close()
	return text and #text == size and text or nil
end

-- The tag images of several images: their arrays, in the order of the request, each once. Or
-- nil, and the name of an error.
local function join(r, names)
	local folder = r.document_root .. '/' .. JOINED .. '/'
	local seen, files, unknown, length = {}, {}, false, 1
	for _, name in ipairs(names) do
		local size = name and not seen[name] and look(r, folder .. name)
		if size == 'oversize' then
			return nil, 'oversize'
		elseif name and not seen[name] and not size then
			unknown = true
		elseif size and size > 2 then
			files[#files + 1] = { folder .. name .. '.json', size }
			length = length + size - 1
		end
		if name then
			seen[name] = true
		end
	end
	if unknown and away(r) then
		return nil, 'away'
	elseif length > JOIN_MAX then
		return nil, 'join'
	end
	local inner = {}
	for i, file in ipairs(files) do
		local text = read(file[1], file[2])
		if not text then
			return nil, 'broken'
		end
		inner[i] = text:sub(2, -2)
	end
	return '[' .. table.concat(inner, ',') .. ']'
end

-- What is wrong with health.json, and what it says.
local function unhealthy(r)
	local strange = 'health.json is not as albumen-exporter follow writes it'
	local path = r.document_root .. '/health.json'
	local file = stat(r, path)
	if not file then
		return 'there is no health.json, which albumen-exporter follow writes'
	elseif file.filetype ~= REGULAR or file.size > HEALTH_MAX then
		return strange
	end
	local text = read(path, file.size)
	if not text then
		return 'health.json cannot be read'
	end
	local sequence, commit, checked = text:match(
		'^{"version":1,"sequence":(%d+),"commit":"(%x+)","checked":"([%d:TZ-]+)"}\n?$')
	local year, month, day, hour, minute, second = (checked or ''):match(
		'^(%d%d%d%d)-(%d%d)-(%d%d)T(%d%d):(%d%d):(%d%d)Z$')
	if not year then
		return strange
	end
	-- Days since 1970, as in a year that begins in March (os.time takes local time).
	local y = month + 0 > 2 and year + 0 or year - 1
	local days = 365 * y + y // 4 - y // 100 + y // 400 + (153 * ((month + 9) % 12) + 2) // 5 + day - 719469
	local age = math.floor(os.time() - (days * 86400 + hour * 3600 + minute * 60 + second))
	local most = tonumber(r.subprocess_env['ALBUMEN_MAX_AGE'])
	-- With a clock that was set back, a follow that has ended must not look alive.
	return age >= most and string.format('the last check was %d s ago, not less than %d', age, most)
		or age <= -most and 'the last check was in the future: compare the clocks'
		or nil, sequence, commit, checked
end

local function health(r)
	local fault, sequence, commit, checked = unhealthy(r)
	local function quoted(text)
		return text and '"' .. text .. '"' or 'null'
	end
	r.subprocess_env['no-gzip'] = '1'
	return answer(r, fault and 503 or 200, string.format(
		'{"version":1,"healthy":%s,"sequence":%s,"commit":%s,"checked":%s,"error":%s}',
		tostring(not fault), sequence or 'null', quoted(commit), quoted(checked), quoted(fault)), OURS)
end

function translate(r)
	local url = r.unparsed_uri:gsub('#.*', ''):gsub('^http://[^/?]*', '')
	local path, query = url:match('^([^?]*)%??(.*)$')
	-- An error that Apache found itself, before or after this function.
	local status = tonumber(r.subprocess_env['REDIRECT_STATUS'] or '')
	r.notes['albumen-began'] = tostring(r:clock())

	if status then
		-- 403 is a link.
		status = status == 403 and 404 or status
		return fail(r, status, ERRORS[status] or OTHER.broken[2])
	elseif r.method ~= 'GET' and r.method ~= 'HEAD' then
		return fail(r, 405)
	elseif path == '/snapshot.json' then
		return send(r, 'snapshot.json', KEPT)
	elseif path == '/healthz' then
		return health(r)
	elseif path == '/audit' then
		r.headers_out['Location'] = '/audit/'
		return answer(r, 301, '{"location":"/audit/"}', {})
	elseif path:sub(1, 7) == '/audit/' then
		local file = page_file(path == '/audit/' and '/audit/index.html' or path)
		local found = file and stat(r, r.document_root .. '/' .. file)
		return found and found.filetype == REGULAR and send(r, file, PAGE) or fail(r, 404)
	end

	local found, headers = find(path)
	if not found then
		return fail(r, 404)
	elseif found == JOINED then
		local names = image_names(url:find('?', 1, true) and query)
		if not names then
			return fail(r, table.unpack(OTHER.ids))
		elseif #names > 1 then
			local body, what
			-- Files may be replaced between two looks.
			for _ = 1, 10 do
				body, what = join(r, names)
				if what ~= 'broken' then
					break
				end
			end
			if what then
				return fail(r, table.unpack(OTHER[what]))
			end
			return answer(r, 200, body, TAG_IMAGES)
		elseif #names == 1 then
			found = JOINED .. '/' .. (names[1] or '')
		end
	end

	local size = look(r, r.document_root .. '/' .. found)
	if size == 'oversize' then
		return fail(r, table.unpack(OTHER.oversize))
	elseif size then
		return send(r, found .. '.json', headers)
	elseif away(r) then
		return fail(r, table.unpack(OTHER.away))
	elseif found:sub(1, #JOINED + 1) == JOINED .. '/' then
		return answer(r, 200, '[]', TAG_IMAGES)
	end
	return fail(r, 404)
end

function handle(r)
	r:write(r.notes['albumen-body'])
	return apache2.OK
end
