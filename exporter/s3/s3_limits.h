/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_S3_S3_LIMITS_H
#define EXPORTER_S3_S3_LIMITS_H

/* s3_limits - the numbers of s3.h. */

#define S3_TRIES 6              /* of one request, with the first */
#define S3_PARALLEL 16          /* requests of s3_put and s3_delete under way at once */
#define S3_COPIED (32u << 20)   /* bytes: of bodies that s3_put has copied, in total */
#define S3_KEY_MAX 1024         /* bytes: of a key with its prefix; S3 takes no more */
#define S3_PUT_MAX (5ull << 30) /* bytes: of one object; S3 takes no more at once */
#define S3_ETAG 128             /* bytes: of an ETag without quotes, with its NUL */

#endif
