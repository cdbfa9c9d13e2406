/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/s3/s3_answer.h"

#include <string.h>

#include "exporter/s3/s3_wire.h"

void s3_answer_release(struct s3_answer *answer)
{
	buf_release(&answer->body);
	*answer = (struct s3_answer){0};
}

void s3_answer_take(struct s3_answer *answer, struct s3_wire_request *wire)
{
	s3_answer_release(answer);
	answer->status = wire->status;
	memcpy(answer->etag, wire->etag, sizeof(answer->etag));
	answer->date_s = wire->date_s;
	answer->modified_s = wire->modified_s;
	answer->body = wire->answer;
	wire->answer = (struct buf){0};
}
