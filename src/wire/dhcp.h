/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DHCP messages (RFC 2131 §2, options RFC 2132): a parser, and a writer that never makes a
 * message longer than the receiver accepts.
 *
 * An option may be split, and may be in the file and sname fields (option overload, RFC 3396); the parsed
 * value holds it in one piece.  A message without the magic cookie is plain BOOTP and has no type.
 */
#pragma once

#include "base/addr.h"
#include "base/bytes.h"

#include <sys/types.h>

#define DHCP_SERVER_PORT 67
#define DHCP_CLIENT_PORT 68
#define DHCP6_CLIENT_PORT 546 /* of DHCPv6 (RFC 8415 §7.2) */
#define DHCP_HEADER_LEN 240   /* with the magic cookie */
#define DHCP_HLEN_AT 2        /* offset of the length of the hardware address */
#define DHCP_CHADDR_AT 28     /* offset of the client's hardware address */
/* Shortest reply: some BOOTP clients discard shorter ones (RFC 951 §3, RFC 1542 §2.1). */
#define DHCP_LEN_MIN 300
/* Size of the IP datagram that every client accepts (RFC 2131 §2), and the minimum of option 57 (RFC 2132 §9.10). */
#define DHCP_DATAGRAM_MIN 576
#define DHCP_LEASE_INFINITE UINT32_MAX

enum dhcp_op {
	DHCP_BOOTREQUEST = 1,
	DHCP_BOOTREPLY = 2,
};

/* RFC 2132 §9.6 */
enum dhcp_type {
	DHCP_DISCOVER = 1,
	DHCP_OFFER = 2,
	DHCP_REQUEST = 3,
	DHCP_DECLINE = 4,
	DHCP_ACK = 5,
	DHCP_NAK = 6,
	DHCP_RELEASE = 7,
	DHCP_INFORM = 8,
};

enum dhcp_option {
	DHCP_OPTION_PAD = 0,
	DHCP_OPTION_SUBNET_MASK = 1,
	DHCP_OPTION_ROUTER = 3,
	DHCP_OPTION_DNS = 6,
	DHCP_OPTION_HOST_NAME = 12,
	DHCP_OPTION_DOMAIN = 15,
	DHCP_OPTION_MTU = 26,
	DHCP_OPTION_BROADCAST = 28,
	DHCP_OPTION_REQUESTED_IP = 50,
	DHCP_OPTION_LEASE_TIME = 51,
	DHCP_OPTION_OVERLOAD = 52,
	DHCP_OPTION_TYPE = 53,
	DHCP_OPTION_SERVER_ID = 54,
	DHCP_OPTION_PARAMETERS = 55,
	DHCP_OPTION_MESSAGE = 56,
	DHCP_OPTION_MAX_SIZE = 57,
	DHCP_OPTION_T1 = 58,
	DHCP_OPTION_T2 = 59,
	DHCP_OPTION_VENDOR_CLASS = 60,
	DHCP_OPTION_CLIENT_ID = 61,
	DHCP_OPTION_TFTP_SERVER = 66,
	DHCP_OPTION_BOOT_FILE = 67,
	DHCP_OPTION_USER_CLASS = 77,     /* RFC 3004 */
	DHCP_OPTION_FQDN = 81,           /* RFC 4702 */
	DHCP_OPTION_RELAY = 82,          /* RFC 3046 */
	DHCP_OPTION_ARCHITECTURE = 93,   /* RFC 4578 §2.1 */
	DHCP_OPTION_IPV6_ONLY = 108,     /* RFC 8925 */
	DHCP_OPTION_DOMAIN_SEARCH = 119, /* RFC 3397 */
	DHCP_OPTION_END = 255,
};

/* Flags of option 81 (RFC 4702 §2.1). */
enum dhcp_fqdn_flag {
	DHCP_FQDN_SERVER_UPDATES = 1 << 0, /* S: the server enters the name into DNS */
	DHCP_FQDN_OVERRIDDEN = 1 << 1,     /* O: the client asked for another value of S */
	DHCP_FQDN_ENCODED = 1 << 2,        /* E: the name is in DNS wire format, not text */
	DHCP_FQDN_NO_UPDATES = 1 << 3,     /* N: the server enters nothing */
};

/* The fixed fields, but for htype and hlen, which are always those of Ethernet. */
struct dhcp_header {
	uint8_t op; /* enum dhcp_op */
	uint8_t hops;
	uint32_t xid;
	uint16_t secs;
	bool broadcast;
	ip4_t ciaddr, yiaddr, siaddr, giaddr;
	struct mac chaddr;
};

#define DHCP_CLIENT_ID_MAX 255
#define DHCP_NAME_MAX 255
#define DHCP_RELAY_MAX 512
#define DHCP_CLASS_MAX 255
#define DHCP_FILE_MAX 127 /* bytes of the file field without its NUL */

/* A message from a client.  A number, address or length is 0 when its option is absent. */
struct dhcp_message {
	struct dhcp_header header;
	uint8_t type; /* enum dhcp_type, or another value that the client sent; 0: BOOTP */
	ip4_t requested;
	ip4_t server_id;
	uint32_t lease_time;
	uint16_t max_size; /* bytes of the IP datagram, at least DHCP_DATAGRAM_MIN */
	bool has_parameters;
	uint8_t n_parameters; /* each code once, in the client's order (RFC 2132 §9.8) */
	uint8_t parameters[255];
	bool has_fqdn;      /* option 81 */
	uint8_t fqdn_flags; /* enum dhcp_fqdn_flag, as the client sent them */
	bool has_architecture;
	uint16_t architecture; /* option 93, the first one */
	uint16_t client_id_len, name_len, relay_len, vendor_class_len, user_class_len;
	uint8_t client_id[DHCP_CLIENT_ID_MAX];
	uint8_t name[DHCP_NAME_MAX];   /* of option 81, else 12 (RFC 4702 §3.1); unchecked bytes */
	uint8_t relay[DHCP_RELAY_MAX]; /* option 82 without code and length */
	uint8_t vendor_class[DHCP_CLASS_MAX], user_class[DHCP_CLASS_MAX];
};

/*
 * Parses a whole message.  -EBADMSG: truncated, an option exceeds its field or has an invalid length.
 * -EPROTONOSUPPORT: the client's hardware is not Ethernet.
 */
int dhcp_parse(const void *message, size_t len, struct dhcp_message *ret);

/*
 * Collects option @code of a reply from the options, file and sname fields into @ret.  Returns its length, -ENOENT,
 * -EBADMSG, or -E2BIG when it is longer than @size bytes.
 */
ssize_t dhcp_option_get(const void *message, size_t len, uint8_t code, void *ret, size_t size);

/*
 * Writes a message.  Put options in order of importance: an option that does not fit into the options field goes to
 * the file or sname field (option overload); one that does not fit there either is left out.
 */
struct dhcp_writer {
	struct bytes_writer options, file, sname;
	uint8_t *message;
	uint8_t last_code;
	const void *last;
	size_t last_len;
};

/* Writes to @buf at most @size bytes, which is at least DHCP_LEN_MIN. */
void dhcp_writer_init(struct dhcp_writer *w, void *buf, size_t size, const struct dhcp_header *h);
/* False when there is no room; then nothing was written.  A value of more than 255 bytes is split (RFC 3396 §5). */
bool dhcp_put(struct dhcp_writer *w, uint8_t code, const void *value, size_t len);
bool dhcp_put_u8(struct dhcp_writer *w, uint8_t code, uint8_t value);
bool dhcp_put_be16(struct dhcp_writer *w, uint8_t code, uint16_t value);
bool dhcp_put_be32(struct dhcp_writer *w, uint8_t code, uint32_t value);
/* Reserves room for the last option (option 82: RFC 3046 §2.1); @value is borrowed until dhcp_finish(). */
bool dhcp_put_last(struct dhcp_writer *w, uint8_t code, const void *value, size_t len);
/*
 * Puts the boot file's name @file into the field of that name, which then takes no options.  False when it is longer than DHCP_FILE_MAX, or
 * when options are there already; then nothing was written.
 */
bool dhcp_put_file(struct dhcp_writer *w, const char *file);
/* Ends and pads the message; returns its length. */
size_t dhcp_finish(struct dhcp_writer *w);

/*
 * Appends the text @domain in DNS wire format, as in option 119 (RFC 3397 §2), without compression.
 * False when it is not a domain name or there is no room; then nothing was written.
 */
bool dhcp_put_domain(struct bytes_writer *w, const char *domain);

#define DHCP_FQDN_NAME_MAX 255

/*
 * Writes option 81 with the name @host.@domain (RFC 4702 §2), in the encoding that @flags say.  @host "": no name; @domain NULL: a name
 * that is only @host.  False when the name is too long or there is no room; then nothing was written.
 */
bool dhcp_put_fqdn(struct dhcp_writer *w, uint8_t flags, const char *host, const char *domain);
