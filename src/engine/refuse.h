/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How an engine says no: a reset for TCP, ICMP for everything else, as a host without the service would answer.
 */
#pragma once

#include "base/usec.h"

struct engine_env;
struct packet;

/*
 * Refuses @p as a closed port does: RST (RFC 9293 §3.10.7.1) or ICMP port unreachable; an echo request as
 * an unreachable host does.  Resets are never answered, a TCP segment with a wrong checksum is dropped and counted.
 */
void refuse_port(struct engine_env *env, usec_t now, const struct packet *p);
