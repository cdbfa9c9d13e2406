/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_BENCH_TEMPLATES_H
#define TESTS_BENCH_TEMPLATES_H

/*
 * templates - the records of a generated library, as the recorded calls have them.
 * `'` is a quote, `~` and a lower-case letter a field (generate.c), ~1 to ~9 as many
 * random hex digits, ~S the eight characters of a signature, ~& an ampersand.
 */

/* The recorded calls' URLs, in parts. */
#define CLOUD "https://res.cloudinary.com/sadaasdasd/image/authenticated/s--"
#define PROXY                                                                            \
	"https://sharinpix-proxy-dev.herokuapp.com/super-image.png?s=~7~&url=localhost"  \
	"/images/~i/thumbnails/"
#define NAME "/v~v/~6~6.jpg"
#define FIT "--/c_fit,h_1920,w_1920"
#define AUTO "/fl_attachment/dpr_auto,q_auto,f_auto" NAME

static const char image_small[] =
	"{'public_id':'~i','album_id':'~a','created_at':'~c','updated_at':'~u',"
	"'filename':'~n','width':~w,'height':~h,'etag':'~e'}";
static const char image_head[] =
	"{'id':'~i','public_id':'~i','infos':{'bytes':~b,'created_at':'~t','etag':'~e',"
	"'format':'jpg','height':~h,'resource_type':'image','tags':['~a'],"
	"'type':'authenticated','width':~w,'original_filename':'~n',"
	"'location':{'accuracy':36,'latitude':~y,'longitude':~x}},'exifs':{";
static const char image_tail[] =
	"},'gps':[~y,~x],'gps_ip':null,'gps_exifs':null,'gps_html':[~y,~x],"
	"'created_at':'~c','updated_at':'~u','taken_at':null,'width':~w,'height':~h,"
	"'rotation':0,'crop_x':0.0,'crop_y':0.0,'crop_w':0.0,'crop_h':0.0,'metadatas':{},"
	"'original_url':'" CLOUD "~S--/fl_attachment" NAME "',"
	"'original_width':~w,'original_height':~h,'external_urls':{"
	"'fill100':'/assets/blank.jpg#" CLOUD "~S--/c_fit,w_300" NAME "',"
	"'fit2000':'/assets/blank.jpg#" CLOUD "~S--/c_fit,h_2000,w_2000" NAME "',"
	"'mini':'" PROXY "mini-~6~5.jpg','large':'" PROXY "thumbnail-~6~5.jpg',"
	"'full':'" PROXY "full-~6~5.jpg'},'filename':'~n','format':'jpg','title':null,"
	"'description':null,'page':1,'group_id':null,'color':'#~6','size':~b,"
	"'processed':false,'processing_error':null,'album_id':'~a','thumbnails':{"
	"'original':'/assets/blank.jpg#" CLOUD "~S-" AUTO "',"
	"'full_no_sharinpix':'/assets/blank.jpg#" CLOUD "~f" FIT AUTO "',"
	"'full':'/assets/blank.jpg#" CLOUD "~f" FIT AUTO "',"
	"'large':'/assets/blank.jpg#" CLOUD "~S" FIT "/c_fill,h_200,w_200" AUTO "',"
	"'mini':'/assets/blank.jpg#" CLOUD "~S" FIT "/c_fill,h_100,w_100" AUTO "'}}";
static const char large_exifs[] =
	"'Note~4':'~9~9~9 ~S~S~S','Lens~4':[~w,~h,0.10,-1.50],"
	"'Comment~4':'~n, ~n \\u00e9 \\'~S\\'','Offset~4':{'at':~b,'of':'~9'}";
static const char tag_template[] =
	"{'id':'~i','created_at':'~c','name':'~n',"
	"'label':'{\\'en\\':\\'~n\\',\\'fr\\':\\'~n\\'}','url':'/public_tags/~i',"
	"'public':false,'listed':true,'action':{'actions':[]},'visible':false,"
	"'color':'#~6','color_contrast':'#ffffff','allow_download':false,"
	"'label_en':'~n','label_fr':'~n'}";
static const char tag_image_head[] = "{'id':'~i','created_at':'~c','user':'~u',";
static const char tag_image_small[] = "{'id':'~i','created_at':'~c','page':1,";
static const char tag_image_ids[] = "'image_id':'~o','tag_id':'~t'}";

#endif
