/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_MEDIA_LANES_H
#define SERVICES_MEDIA_LANES_H

/* The threads that touch the disk. A piece of an upload always goes to the lane of its place, so
 * pieces stay in order and nothing of an upload is ever shared; blocks of downloads go round.
 * libnats' own threads only queue. */

#include "services/media/media.h"

enum { LANES = 4, LANE_SUBJECT_SIZE = 96 };

/* Starts the threads and listens. */
MUST_CHECK enum err lanes_start(struct media *m, struct lanes **ret);
/* Uploads under way get some seconds to end; nothing is heard afterwards. */
void lanes_stop(struct lanes *ls);

/* "rpc.bytes.up.<copy>.<place>.<nonce>" and "rpc.bytes.block.<id>": apart from rpc.media.>, where
 * every subject belongs to the dispatcher. */
void lane_upload_subject(const struct media *m, size_t place, uint64_t nonce,
                         char out[LANE_SUBJECT_SIZE]);
void lane_block_subject(snowflake id, char out[LANE_SUBJECT_SIZE]);

#endif
