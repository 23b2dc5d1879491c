/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/dhcp.h"

#include "base/macros.h"

#include <errno.h>

#define MAGIC_COOKIE 0x63825363
#define HARDWARE_ETHERNET 1
#define FLAG_BROADCAST 0x8000

#define CHADDR_LEN 16
#define SNAME_AT 44
#define SNAME_LEN 64
#define FILE_AT 108
#define FILE_LEN 128
#define PIECE_MAX 255 /* one option's value before RFC 3396 splits it */

/* Values of option 52 (RFC 2132 §9.3). */
enum overload {
	OVERLOAD_FILE = 1 << 0,
	OVERLOAD_SNAME = 1 << 1,
};

#define FQDN_NAME_AT 3 /* in option 81, after the flags and two response codes */
/* Both response codes of a server (RFC 4702 §2.2): no longer used. */
#define FQDN_RCODE 255

/* Collects the pieces of one option. */
struct gather {
	uint8_t *data;
	size_t size, len;
	bool present;
	bool too_long;
};

static void gather_add(struct gather *g, const uint8_t *piece, size_t len)
{
	g->present = true;
	if (len > g->size - g->len) {
		g->too_long = true;
		return;
	}
	if (len > 0)
		memcpy(g->data + g->len, piece, len);
	g->len += len;
}

/* Where the pieces of option @code go; NULL to skip it. */
typedef struct gather *(*gather_for)(void *opaque, uint8_t code);

/* Every option of one field.  A field may end without END: RFC 2131 §4.1 requires it, some clients omit it. */
static int walk_field(const uint8_t *field, size_t len, gather_for find, void *opaque)
{
	struct bytes_reader r = bytes_reader(field, len);
	while (r.left > 0) {
		uint8_t code = bytes_get_u8(&r);
		if (code == DHCP_OPTION_END)
			return 0;
		if (code == DHCP_OPTION_PAD)
			continue;
		size_t piece_len = bytes_get_u8(&r);
		const uint8_t *piece = bytes_take(&r, piece_len);
		if (!piece)
			return -EBADMSG;
		struct gather *g = find(opaque, code);
		if (g)
			gather_add(g, piece, piece_len);
	}
	return 0;
}

/* All fields in the order of RFC 3396 §5: options, file, sname.  The first walk collects @overload. */
static int walk_message(const uint8_t *message, size_t len, const struct gather *overload, gather_for find, void *opaque)
{
	if (walk_field(message + DHCP_HEADER_LEN, len - DHCP_HEADER_LEN, find, opaque) < 0)
		return -EBADMSG;
	if (!overload->present)
		return 0;
	if (overload->too_long || overload->len != 1)
		return -EBADMSG;
	unsigned fields = overload->data[0];
	if (fields & OVERLOAD_FILE && walk_field(message + FILE_AT, FILE_LEN, find, opaque) < 0)
		return -EBADMSG;
	if (fields & OVERLOAD_SNAME && walk_field(message + SNAME_AT, SNAME_LEN, find, opaque) < 0)
		return -EBADMSG;
	return 0;
}

/* The options that a server reads. */
enum wanted {
	WANT_OVERLOAD,
	WANT_TYPE,
	WANT_REQUESTED_IP,
	WANT_SERVER_ID,
	WANT_LEASE_TIME,
	WANT_MAX_SIZE,
	WANT_PARAMETERS,
	WANT_CLIENT_ID,
	WANT_HOST_NAME,
	WANT_FQDN,
	WANT_RELAY,
	WANT_VENDOR_CLASS,
	WANT_USER_CLASS,
	WANT_ARCHITECTURE,
	WANT_COUNT,
};

/* @exact_len: the length that the option must have; 0: any up to @size. */
static const struct {
	uint8_t code;
	uint8_t exact_len;
	uint16_t size;
} wanted[WANT_COUNT] = {
	[WANT_OVERLOAD] = { DHCP_OPTION_OVERLOAD, 1, 1 },
	[WANT_TYPE] = { DHCP_OPTION_TYPE, 1, 1 },
	[WANT_REQUESTED_IP] = { DHCP_OPTION_REQUESTED_IP, 4, 4 },
	[WANT_SERVER_ID] = { DHCP_OPTION_SERVER_ID, 4, 4 },
	[WANT_LEASE_TIME] = { DHCP_OPTION_LEASE_TIME, 4, 4 },
	[WANT_MAX_SIZE] = { DHCP_OPTION_MAX_SIZE, 2, 2 },
	[WANT_PARAMETERS] = { DHCP_OPTION_PARAMETERS, 0, 512 },
	[WANT_CLIENT_ID] = { DHCP_OPTION_CLIENT_ID, 0, DHCP_CLIENT_ID_MAX },
	[WANT_HOST_NAME] = { DHCP_OPTION_HOST_NAME, 0, DHCP_NAME_MAX },
	[WANT_FQDN] = { DHCP_OPTION_FQDN, 0, DHCP_NAME_MAX },
	[WANT_RELAY] = { DHCP_OPTION_RELAY, 0, DHCP_RELAY_MAX },
	[WANT_VENDOR_CLASS] = { DHCP_OPTION_VENDOR_CLASS, 0, DHCP_CLASS_MAX },
	[WANT_USER_CLASS] = { DHCP_OPTION_USER_CLASS, 0, DHCP_CLASS_MAX },
	[WANT_ARCHITECTURE] = { DHCP_OPTION_ARCHITECTURE, 0, 64 },
};

#define WANTED_BYTES \
	(1 + 1 + 4 + 4 + 4 + 2 + 512 + DHCP_CLIENT_ID_MAX + DHCP_NAME_MAX + DHCP_NAME_MAX + DHCP_RELAY_MAX + 2 * DHCP_CLASS_MAX + 64)

struct request_options {
	struct gather g[WANT_COUNT];
	uint8_t bytes[WANTED_BYTES];
};

static void request_options_init(struct request_options *o)
{
	uint8_t *next = o->bytes;
	for (unsigned i = 0; i < WANT_COUNT; i++) {
		o->g[i] = (struct gather){ .data = next, .size = wanted[i].size };
		next += wanted[i].size;
	}
}

static struct gather *find_wanted(void *opaque, uint8_t code)
{
	struct request_options *o = opaque;
	for (unsigned i = 0; i < WANT_COUNT; i++)
		if (wanted[i].code == code)
			return &o->g[i];
	return NULL;
}

static int check_lengths(const struct request_options *o)
{
	for (unsigned i = 0; i < WANT_COUNT; i++) {
		const struct gather *g = &o->g[i];
		if (g->too_long || (g->present && wanted[i].exact_len && g->len != wanted[i].exact_len))
			return -EBADMSG;
	}
	return 0;
}

static uint32_t gathered_number(const struct gather *g)
{
	uint32_t v = 0;
	for (size_t i = 0; i < g->len; i++)
		v = v << 8 | g->data[i];
	return v;
}

static uint16_t gathered_bytes(const struct gather *g, uint8_t *to)
{
	memcpy(to, g->data, g->len);
	return (uint16_t)g->len;
}

static void take_parameters(const struct gather *g, struct dhcp_message *m)
{
	bool seen[256] = { [DHCP_OPTION_PAD] = true };
	m->has_parameters = g->present;
	for (size_t i = 0; i < g->len && m->n_parameters < sizeof(m->parameters); i++) {
		uint8_t code = g->data[i];
		if (!seen[code])
			m->parameters[m->n_parameters++] = code;
		seen[code] = true;
	}
}

/* The name in option 81: text, or the first label of a DNS name. */
static void take_fqdn(const struct gather *g, struct dhcp_message *m)
{
	m->has_fqdn = g->len >= FQDN_NAME_AT;
	m->fqdn_flags = m->has_fqdn ? g->data[0] : 0;
	if (g->len <= FQDN_NAME_AT)
		return;
	const uint8_t *name = g->data + FQDN_NAME_AT;
	size_t len = g->len - FQDN_NAME_AT;
	if (g->data[0] & DHCP_FQDN_ENCODED) {
		size_t label_len = name[0];
		if (label_len > len - 1)
			return;
		name++;
		len = label_len;
	}
	if (len == 0)
		return;
	memcpy(m->name, name, len);
	m->name_len = (uint16_t)len;
}

static void take_options(const struct request_options *o, struct dhcp_message *m)
{
	m->type = (uint8_t)gathered_number(&o->g[WANT_TYPE]);
	m->requested = gathered_number(&o->g[WANT_REQUESTED_IP]);
	m->server_id = gathered_number(&o->g[WANT_SERVER_ID]);
	m->lease_time = gathered_number(&o->g[WANT_LEASE_TIME]);
	m->max_size = (uint16_t)MAX(gathered_number(&o->g[WANT_MAX_SIZE]), (uint32_t)DHCP_DATAGRAM_MIN);
	m->client_id_len = gathered_bytes(&o->g[WANT_CLIENT_ID], m->client_id);
	m->relay_len = gathered_bytes(&o->g[WANT_RELAY], m->relay);
	m->name_len = gathered_bytes(&o->g[WANT_HOST_NAME], m->name);
	m->vendor_class_len = gathered_bytes(&o->g[WANT_VENDOR_CLASS], m->vendor_class);
	m->user_class_len = gathered_bytes(&o->g[WANT_USER_CLASS], m->user_class);
	m->has_architecture = o->g[WANT_ARCHITECTURE].len >= 2;
	if (m->has_architecture)
		m->architecture = (uint16_t)(o->g[WANT_ARCHITECTURE].data[0] << 8 | o->g[WANT_ARCHITECTURE].data[1]);
	take_fqdn(&o->g[WANT_FQDN], m);
	take_parameters(&o->g[WANT_PARAMETERS], m);
}

static int parse_header(struct bytes_reader *r, struct dhcp_header *ret)
{
	struct dhcp_header h = { .op = bytes_get_u8(r) };
	uint8_t htype = bytes_get_u8(r), hlen = bytes_get_u8(r);
	h.hops = bytes_get_u8(r);
	h.xid = bytes_get_be32(r);
	h.secs = bytes_get_be16(r);
	h.broadcast = bytes_get_be16(r) & FLAG_BROADCAST;
	h.ciaddr = bytes_get_be32(r);
	h.yiaddr = bytes_get_be32(r);
	h.siaddr = bytes_get_be32(r);
	h.giaddr = bytes_get_be32(r);
	bytes_get(r, h.chaddr.b, sizeof(h.chaddr.b));
	bytes_skip(r, CHADDR_LEN - sizeof(h.chaddr.b) + SNAME_LEN + FILE_LEN);
	if (r->failed)
		return -EBADMSG;
	if (htype != HARDWARE_ETHERNET || hlen != sizeof(h.chaddr.b))
		return -EPROTONOSUPPORT;
	*ret = h;
	return 0;
}

int dhcp_parse(const void *message, size_t len, struct dhcp_message *ret)
{
	struct bytes_reader r = bytes_reader(message, len);
	struct dhcp_message m = { .max_size = DHCP_DATAGRAM_MIN };
	int err = parse_header(&r, &m.header);
	if (err < 0)
		return err;
	bool is_dhcp = bytes_get_be32(&r) == MAGIC_COOKIE;
	if (is_dhcp) {
		struct request_options o;
		request_options_init(&o);
		if (walk_message(message, len, &o.g[WANT_OVERLOAD], find_wanted, &o) < 0 || check_lengths(&o) < 0)
			return -EBADMSG;
		take_options(&o, &m);
	}
	*ret = m;
	return 0;
}

struct one_option {
	uint8_t code;
	struct gather value, overload;
};

static struct gather *find_one(void *opaque, uint8_t code)
{
	struct one_option *o = opaque;
	if (code == o->code)
		return &o->value;
	return code == DHCP_OPTION_OVERLOAD ? &o->overload : NULL;
}

ssize_t dhcp_option_get(const void *message, size_t len, uint8_t code, void *ret, size_t size)
{
	if (len < DHCP_HEADER_LEN)
		return -EBADMSG;
	uint8_t fields;
	struct one_option o = {
		.code = code,
		.value = { .data = ret, .size = size },
		.overload = { .data = &fields, .size = sizeof(fields) },
	};
	const struct gather *overload = code == DHCP_OPTION_OVERLOAD ? &o.value : &o.overload;
	if (walk_message(message, len, overload, find_one, &o) < 0)
		return -EBADMSG;
	if (!o.value.present)
		return -ENOENT;
	return o.value.too_long ? -E2BIG : (ssize_t)o.value.len;
}

static void emit_header(struct bytes_writer *w, const struct dhcp_header *h)
{
	bytes_put_u8(w, h->op);
	bytes_put_u8(w, HARDWARE_ETHERNET);
	bytes_put_u8(w, sizeof(h->chaddr.b));
	bytes_put_u8(w, h->hops);
	bytes_put_be32(w, h->xid);
	bytes_put_be16(w, h->secs);
	bytes_put_be16(w, h->broadcast ? FLAG_BROADCAST : 0);
	bytes_put_be32(w, h->ciaddr);
	bytes_put_be32(w, h->yiaddr);
	bytes_put_be32(w, h->siaddr);
	bytes_put_be32(w, h->giaddr);
	bytes_put(w, h->chaddr.b, sizeof(h->chaddr.b));
	bytes_put_zeros(w, CHADDR_LEN - sizeof(h->chaddr.b) + SNAME_LEN + FILE_LEN);
	bytes_put_be32(w, MAGIC_COOKIE);
}

#define END_LEN 1
#define OVERLOAD_OPTION_LEN 3

/* Reserves room for END in each field, and for option 52 in the options field. */
void dhcp_writer_init(struct dhcp_writer *w, void *buf, size_t size, const struct dhcp_header *h)
{
	assert(size >= DHCP_LEN_MIN);
	memset(buf, 0, size);
	struct bytes_writer header = bytes_writer(buf, DHCP_HEADER_LEN);
	emit_header(&header, h);
	uint8_t *message = buf;
	*w = (struct dhcp_writer){
		.message = message,
		.options = bytes_writer(message + DHCP_HEADER_LEN, size - DHCP_HEADER_LEN - OVERLOAD_OPTION_LEN - END_LEN),
		.file = bytes_writer(message + FILE_AT, FILE_LEN - END_LEN),
		.sname = bytes_writer(message + SNAME_AT, SNAME_LEN - END_LEN),
	};
}

/* With a code and a length in front of each piece. */
static size_t encoded_len(size_t len)
{
	size_t pieces = len == 0 ? 1 : (len + PIECE_MAX - 1) / PIECE_MAX;
	return len + 2 * pieces;
}

static void put_pieces(struct bytes_writer *field, uint8_t code, const uint8_t *value, size_t len)
{
	do {
		size_t piece = MIN(len, (size_t)PIECE_MAX);
		bytes_put_u8(field, code);
		bytes_put_u8(field, (uint8_t)piece);
		bytes_put(field, value, piece);
		value += piece;
		len -= piece;
	} while (len > 0);
}

bool dhcp_put(struct dhcp_writer *w, uint8_t code, const void *value, size_t len)
{
	struct bytes_writer *fields[] = { &w->options, &w->file, &w->sname };
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (encoded_len(len) > fields[i]->size - fields[i]->len)
			continue;
		put_pieces(fields[i], code, value, len);
		return true;
	}
	return false;
}

bool dhcp_put_u8(struct dhcp_writer *w, uint8_t code, uint8_t value)
{
	return dhcp_put(w, code, &value, sizeof(value));
}

bool dhcp_put_be16(struct dhcp_writer *w, uint8_t code, uint16_t value)
{
	return dhcp_put(w, code, (uint8_t[]){ (uint8_t)(value >> 8), (uint8_t)value }, 2);
}

bool dhcp_put_be32(struct dhcp_writer *w, uint8_t code, uint32_t value)
{
	return dhcp_put(w, code, (uint8_t[]){ (uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value }, 4);
}

bool dhcp_put_last(struct dhcp_writer *w, uint8_t code, const void *value, size_t len)
{
	assert(!w->last);
	if (encoded_len(len) > w->options.size - w->options.len)
		return false;
	w->options.size -= encoded_len(len);
	w->last_code = code;
	w->last = value;
	w->last_len = len;
	return true;
}

bool dhcp_put_file(struct dhcp_writer *w, const char *file)
{
	size_t len = strlen(file);
	if (len > DHCP_FILE_MAX || w->file.len > 0)
		return false;
	memcpy(w->message + FILE_AT, file, len + 1);
	w->file.size = 0; /* no room for options */
	return true;
}

/* Ends @field if it holds options. */
static bool end_overloaded(struct bytes_writer *field)
{
	if (field->len == 0)
		return false;
	field->size += END_LEN;
	bytes_put_u8(field, DHCP_OPTION_END);
	return true;
}

size_t dhcp_finish(struct dhcp_writer *w)
{
	uint8_t overload = end_overloaded(&w->file) ? OVERLOAD_FILE : 0;
	overload |= end_overloaded(&w->sname) ? OVERLOAD_SNAME : 0;
	w->options.size += OVERLOAD_OPTION_LEN + END_LEN + (w->last ? encoded_len(w->last_len) : 0);
	if (overload)
		put_pieces(&w->options, DHCP_OPTION_OVERLOAD, &overload, 1);
	if (w->last)
		put_pieces(&w->options, w->last_code, w->last, w->last_len);
	bytes_put_u8(&w->options, DHCP_OPTION_END);
	return MAX((size_t)DHCP_HEADER_LEN + w->options.len, (size_t)DHCP_LEN_MIN);
}

#define LABEL_MAX 63
#define DOMAIN_MAX 255

bool dhcp_put_domain(struct bytes_writer *w, const char *domain)
{
	uint8_t encoded[DOMAIN_MAX];
	struct bytes_writer e = bytes_writer(encoded, sizeof(encoded));
	while (*domain) {
		size_t len = strcspn(domain, ".");
		if (len == 0 || len > LABEL_MAX)
			return false;
		bytes_put_u8(&e, (uint8_t)len);
		bytes_put(&e, domain, len);
		domain += len;
		domain += *domain == '.';
	}
	bytes_put_u8(&e, 0);
	if (e.failed || e.len == 1 || e.len > w->size - w->len)
		return false;
	bytes_put(w, encoded, e.len);
	return !w->failed;
}

/* As text, or as labels; a name without a domain is not terminated (RFC 4702 §2.3.2). */
static bool put_fqdn_name(struct bytes_writer *w, bool encoded, const char *host, const char *domain)
{
	char name[DHCP_FQDN_NAME_MAX + 1];
	size_t host_len = strlen(host), domain_len = domain ? strlen(domain) : 0;
	if (host_len + 1 + domain_len >= sizeof(name))
		return false;
	memcpy(name, host, host_len + 1);
	if (domain) {
		name[host_len] = '.';
		memcpy(name + host_len + 1, domain, domain_len + 1);
	}
	if (!encoded)
		bytes_put(w, name, strlen(name));
	else if (!dhcp_put_domain(w, name))
		return false;
	else if (!domain)
		w->len--;
	return !w->failed;
}

bool dhcp_put_fqdn(struct dhcp_writer *w, uint8_t flags, const char *host, const char *domain)
{
	uint8_t value[FQDN_NAME_AT + DHCP_FQDN_NAME_MAX] = { flags, FQDN_RCODE, FQDN_RCODE };
	struct bytes_writer name = bytes_writer(value + FQDN_NAME_AT, DHCP_FQDN_NAME_MAX);
	if (host[0] && !put_fqdn_name(&name, flags & DHCP_FQDN_ENCODED, host, domain))
		return false;
	return dhcp_put(w, DHCP_OPTION_FQDN, value, FQDN_NAME_AT + name.len);
}
