/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The server's messages: their contents and destinations.  Decides nothing about leases. */
#pragma once

#include "base/usec.h"
#include "wire/dhcp.h"

struct dhcp;
struct lease;
struct payer;
struct port;
struct sink;

/* A client's message and facts from its packet. */
struct dhcp_request {
	struct dhcp_message message;
	struct port *port;   /* that it came from; NULL: detached since */
	struct payer *payer; /* of that port; NULL: out of memory, or no port */
	struct mac sender;   /* of the frame */
	ip4_t source;        /* of the IP packet */
	uint16_t path_mtu;   /* of the path to the client */
};

/* DHCPOFFER or DHCPACK of @l's address for @lease_time seconds. */
void dhcp_reply_lease(const struct dhcp *d, usec_t now, const struct dhcp_request *rq, enum dhcp_type type, const struct lease *l,
		      uint32_t lease_time, struct sink *out);
/* DHCPACK to DHCPINFORM: parameters without an address (RFC 2131 §4.3.5). */
void dhcp_reply_inform(const struct dhcp *d, usec_t now, const struct dhcp_request *rq, struct sink *out);
/* DHCPNAK with the text @why (option 56). */
void dhcp_reply_nak(const struct dhcp *d, usec_t now, const struct dhcp_request *rq, const char *why, struct sink *out);
