/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the event hub calls for a waiting stream. */
#pragma once

struct request;

void event_stream_wake(struct request *r);
void event_stream_beat(struct request *r);
