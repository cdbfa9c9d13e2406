#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Each recipe of data/recipes makes records of its samples: those of data/recipes/golden, which
# albumen takes and answers. `make golden` (GOLDEN=write) writes them again.
. "$(dirname "$0")/lib.sh"
recipes=$ROOT/data/recipes
samples=$recipes/samples
golden=$recipes/golden

recipe() { jq -nf "$recipes/$1.jq" "${@:2}"; }
mlr_csv() { mlr --icsv --ojson --infer-none --no-auto-unflatten cat "$1"; }

# --- the samples -------------------------------------------------------------------------

mkdir "$T/data"
ok "cloudinary" recipe cloudinary "$samples"/cloudinary/*.json
cp "$T/.ok" "$T/data/cloudinary.json"
ok "exiftool" recipe exiftool "$samples/exiftool.json"
cp "$T/.ok" "$T/data/exiftool.json"
ok "tate" recipe tate "$samples"/tate/*.json
cp "$T/.ok" "$T/data/tate.json"
ok "iiif" recipe iiif "$samples/iiif.json"
cp "$T/.ok" "$T/data/iiif.json"
mlr_csv "$samples/table.csv" >"$T/rows.json"
ok "csv, read by Miller" recipe csv "$T/rows.json"
cp "$T/.ok" "$T/data/csv.json"
csvjson --no-inference "$samples/table.csv" >"$T/rows.json"
ok "csv, read by csvkit" recipe csv "$T/rows.json"
same "which makes the same" "$T/.ok" "$T/data/csv.json"

if [ "${GOLDEN-}" = write ]; then
	rm -rf "$golden" && mkdir "$golden" && cp "$T"/data/*.json "$golden"
fi
for file in "$T"/data/*.json; do
	same "${file##*/}" "$file" "$golden/${file##*/}"
done
is "each recipe has a golden file" "$(cd "$recipes" && ls -- *.jq)" \
	"$(cd "$golden" && ls | sed 's/json$/jq/')"

exits "nothing of it is rejected" 0 scan
ok "it is exported" export_all
is "images, tags, tag images" \
	"$("$INDEXER" status --index "$T/index" --json | jq -c '[.images, .tags, .tag_images]')" '[13,12,18]'
answer() { # PATH FILTER
	jq -c "[.[] | $2]" "$T/site/api/v1/$1.json"
}
is "the tags of an image of Cloudinary" "$(answer tag_images/3f6a0d41c2be4c0f9a7d5b8e1c2f4a60 .tag.name)" '["crane","harbour"]'
is "of a photo" "$(answer tag_images/2014%2Fquay%2Ejpg .tag.name)" '["2014","Crane","Harbour"]'
is "of an artwork" "$(answer tag_images/A00901 .tag.name)" '["kneeling","crane, harbour"]'
is "of a canvas" "$(answer tag_images/https%3A%2F%2Fiiif%2Eexample%2Eorg%2Fharbour%2Fcanvas%2F2 .tag.name)" '["Harbours","ship"]'
is "of a row" "$(answer tag_images/007 .tag.name)" '["crane","ship"]'
is "the untagged images of a folder" "$(answer albums/archive%2Fharbour/images/untag .filename)" '["untitled_b2"]'
is "of an artist" "$(answer albums/Jane%20Example%20and%20others/images/untag .public_id)" '["A00902"]'
is "of an album of a table" "$(answer albums/Town/images/untag .public_id)" '["p/2"]'

# --- input that would be misread ---------------------------------------------------------

refuses() { # NAME REASON RECIPE; the input comes on stdin
	cat >"$T/input.json"
	exits "$1" 5 recipe "$3" "$T/input.json"
	is "... says why" "$(grep -oF -- "$2" "$T/err")" "$2"
	is "... and prints nothing" "$(<"$T/out")" ''
}
for recipe in cloudinary exiftool tate iiif csv; do
	refuses "$recipe: no input" 'the input has no images' "$recipe" </dev/null
done
refuses "cloudinary: a listing that goes on" 'fetch the page that follows next_cursor c7f2d1a0b9e84d3f, too' cloudinary \
	<"$samples/cloudinary/page-1.json"
refuses "cloudinary: a listing without tags" 'ask for tags=true' cloudinary \
	< <(jq 'del(.resources[].tags)' "$samples/cloudinary/page-2.json")
refuses "cloudinary: an error of the API" 'not a listing of resources' cloudinary <<<'{"error": {"message": "no"}}'
refuses "cloudinary: the resources alone" 'not a listing of resources' cloudinary <<<'[]'
refuses "exiftool: with groups" 'a.jpg: run exiftool without -G' exiftool <<<'[{"SourceFile": "a.jpg", "IPTC:Keywords": "x"}]'
refuses "exiftool: a damaged file" 'a.jpg: File format error: leave such files out' exiftool <<<'[{"SourceFile": "a.jpg", "Error": "File format error"}]'
refuses "exiftool: another array" 'not the output of exiftool -json' exiftool <<<'[{"file": "a.jpg"}]'
refuses "tate: an artist" 'not an artwork' tate <<<'{"fc": "Jane Example", "id": 1}'
refuses "iiif: a manifest of Presentation 2" 'not a manifest of IIIF Presentation 3' iiif <<<'{"@type": "sc:Manifest", "sequences": []}'
refuses "csv: a row without an id" 'row 2: it needs a value in the columns `id` and `album`' csv \
	<<<'[{"id": "a", "album": "b"}, {"id": "", "album": "b"}]'
refuses "csv: a width that is none" 'row 1: width is no number' csv <<<'[{"id": "a", "album": "b", "width": "wide"}]'
refuses "csv: values that were taken for numbers" 'row 1: id is no text' csv <<<'[{"id": 7, "album": "b"}]'
recipe tate </dev/null >"$T/data/tate.json" 2>"$T/err"
exits "a recipe that fails is no empty library" 3 scan
is "its records stay" "$("$INDEXER" status --index "$T/index" --json | jq .images)" 13

# --- from photos -------------------------------------------------------------------------

mkdir -p "$T/photos/2014"
# The smallest JPEG that ExifTool writes to.
printf '\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0\xff\xc0\0\x0b\x08\0\2\0\3\1\1\x11\0\xff\xda\0\x08\1\1\0\0?\0\0\xff\xd9' >"$T/photos/2014/a.jpg"
cp "$T/photos/2014/a.jpg" "$T/photos/b.jpg"
ok "keywords are written to a photo" exiftool -q -overwrite_original -Keywords=Harbour -Subject=Harbour \
	-Subject=007 -Title='Quay "3"' -GPSLatitude=48.5 -GPSLatitudeRef=N -GPSLongitude=2.25 -GPSLongitudeRef=W "$T/photos/2014/a.jpg"
photos() { (cd "$T/photos" && exiftool -q -json -n -r .) | jq -nf "$recipes/exiftool.jq"; }
photos >"$T/photos.json"
is "they are its tags" "$(jq -c '[.[] | select(.image_id).id]' "$T/photos.json")" '["2014/a.jpg#007","2014/a.jpg#Harbour"]'
is "its place has a sign" "$(jq -c '.[] | select(.public_id == "2014/a.jpg") | [.gps, .title, .width, .height, .album_id]' "$T/photos.json")" \
	'[[48.5,-2.25],"Quay \"3\"",3,2,"2014"]'
touch -a -d 2001-01-01 "$T/photos/b.jpg"
photos >"$T/again.json"
same "a second run makes the same" "$T/again.json" "$T/photos.json"
rm "$T"/data/* && cp "$T/photos.json" "$T/data"
exits "nothing of it is rejected" 0 scan --accept-withdrawal
done_testing
