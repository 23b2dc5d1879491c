/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What stations show of their MTU: one that sends packets of more than 1500 bytes takes them, too, and the MSS of its SYN says what it
 * takes.  The forwarding table remembers it.
 */
#pragma once

#include "lan/packet.h"
#include "wire/tcp.h"

struct fdb;
struct port;

/* @p from @from, longer than an Ethernet frame, shows what its sender takes.  Of a super-frame that is the length of its segments. */
void station_mtu_learn(struct fdb *fdb, struct port *from, const struct packet *p);

/* The flags of TCP over IPv4 without options and tags; of another packet the byte means nothing. */
#define STATION_SYN_FLAGS_AT (ETH_HEADER_LEN + IPV4_HEADER_LEN + TCP_FLAGS_AT)

/* Whether it is worth while to call station_mtu_learn_from_syn(). */
static inline bool station_mtu_may_be_syn(const struct packet *p)
{
	return p->head_len > STATION_SYN_FLAGS_AT && p->head[STATION_SYN_FLAGS_AT] & TCP_SYN;
}

/* If @p is a SYN over IPv4 that its sender has not forwarded, its MSS shows what the sender takes (RFC 9293 §3.7.1). */
void station_mtu_learn_from_syn(struct fdb *fdb, struct packet *p);
