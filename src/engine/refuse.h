/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Refusals of an engine: RST for TCP, an ICMP error for everything else, as from a host where no service listens. */
#pragma once

#include "base/usec.h"

struct engine_env;
struct packet;

/*
 * Answers @p as a closed port does: RST (RFC 9293 §3.10.7.1) or ICMP port unreachable; an echo request gets ICMP host unreachable. A
 * RST is never answered. A TCP segment with a wrong checksum is dropped and counted.
 */
void refuse_port(struct engine_env *env, usec_t now, const struct packet *p);
