# SPDX-License-Identifier: GPL-2.0-or-later
# What ExifTool reads in photos as records of albumen(7).
#
#	cd PHOTOS && exiftool -json -n -r . | jq -nf exiftool.jq >FOLDER/photos.json
#
# An image's id is its path, its album is its folder. Its tags are the keywords of IPTC (Keywords)
# and XMP (Subject); a tag's id is its name. `exifs` has all that ExifTool found, but what differs
# from run to run. Other files than images are left out. With -n, places are numbers. A file's
# date of modification is `updated_at`: no member of a photo says when it came into the library.

def texts: if type == "array" then .[] else . end | select(. != null) | tostring | select(. != "");
def one(texts): first(texts, null);

# "2014:08:15 13:24:07+02:00" as ISO 8601; null for the zeros of a camera without a clock.
def time: if type == "string" and test("^[0-9]{4}:") and (startswith("0000") | not) then
	"\(.[0:4])-\(.[5:7])-\(.[8:10])T\(.[11:])" else null end;
# An instant has a zone.
def instant: time | if . != null and test("T[0-9:.]+(Z|[+-][0-9]{2}:[0-9]{2})$") then . else null end;

def image: (.SourceFile | ltrimstr("./")) as $path | {
	public_id: $path,
	exifs: del(.SourceFile, .ExifToolVersion, .Directory, .FileAccessDate, .FileInodeChangeDate,
		.FilePermissions),
	gps: ([.GPSLatitude, .GPSLongitude | numbers] | if length == 2 then . else null end),
	updated_at: (.FileModifyDate | instant),
	taken_at: (if .DateTimeOriginal | time then "\(.DateTimeOriginal | time)\(.OffsetTimeOriginal // "")" else null end),
	width: .ImageWidth,
	height: .ImageHeight,
	filename: ($path | sub("^.*/"; "")),
	format: (.FileTypeExtension // null),
	title: one(.Title, .ObjectName, .Headline | texts),
	description: one(.Description, ."Caption-Abstract", .ImageDescription | texts),
	album_id: ($path | sub("/?[^/]*$"; "") | if . == "" then "." else . end)
};

# [{image, tags}] as the images, each tag once, and the tags of each image.
def records: if length == 0 then error("the input has no images") else . end |
	map(.image) + (map(.tags[]) | unique_by(.id)) + [.[] | (.image | .id // .public_id) as $image |
		.tags | unique_by(.id)[] | {
			id: "\($image | gsub("%"; "%25") | gsub("#"; "%23"))#\(.id)", # no two have the same
			image_id: $image,
			tag_id: .id
		}];

[inputs[] |
	if (.SourceFile | type) != "string" then error("not the output of exiftool -json")
	elif any(keys[]; contains(":")) then error("\(.SourceFile): run exiftool without -G")
	elif .Error then error("\(.SourceFile): \(.Error): leave such files out with exiftool -if 'not $Error'")
	else . end |
	select(.MIMEType // "" | startswith("image/")) |
	{image: image, tags: [.Keywords, .Subject | texts | {id: ., name: ., label: .}]}] | records
