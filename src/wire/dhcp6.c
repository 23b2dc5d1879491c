/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/dhcp6.h"

#include <errno.h>

enum {
	IA_TIMES_LEN = 8,         /* T1 and T2 */
	IA_ADDRESS_TIMES_LEN = 8, /* preferred and valid lifetime */
	OPTION_HEADER_LEN = 4,
	HARDWARE_ETHERNET = 1,
	DUID_LL = 3,
};

static bool next_option(struct bytes_reader *r, uint16_t *ret_code, struct bytes_reader *ret_value)
{
	if (r->left == 0)
		return false;
	*ret_code = bytes_get_be16(r);
	size_t len = bytes_get_be16(r);
	const uint8_t *value = bytes_take(r, len);
	if (!value)
		return false;
	*ret_value = bytes_reader(value, len);
	return true;
}

static void parse_ia_options(struct bytes_reader *r, struct dhcp6_ia *ia)
{
	uint16_t code;
	struct bytes_reader value;
	while (next_option(r, &code, &value)) {
		if (code != DHCP6_OPTION_IA_ADDRESS || ia->n_addresses == DHCP6_ADDRESSES_MAX)
			continue;
		struct ip_addr addr;
		bytes_get(&value, addr.b, sizeof(addr.b));
		bytes_skip(&value, IA_ADDRESS_TIMES_LEN);
		r->failed |= value.failed;
		ia->addresses[ia->n_addresses++] = addr;
	}
}

static bool parse_ia(uint16_t code, struct bytes_reader *r, struct dhcp6_message *m)
{
	struct dhcp6_ia ia = { .option = code, .iaid = bytes_get_be32(r) };
	if (code != DHCP6_OPTION_IA_TA)
		bytes_skip(r, IA_TIMES_LEN);
	if (code != DHCP6_OPTION_IA_PD)
		parse_ia_options(r, &ia);
	if (m->n_ias < DHCP6_IAS_MAX)
		m->ias[m->n_ias++] = ia;
	return !r->failed;
}

/* RFC 8415 §11.1: a type of two bytes and at least one more. */
static bool parse_duid(struct bytes_reader *r, struct dhcp6_duid *ret)
{
	if (r->left < 3 || r->left > DHCP6_DUID_MAX || ret->len > 0)
		return false;
	ret->len = r->left;
	bytes_get(r, ret->bytes, r->left);
	return true;
}

static bool parse_requested(struct bytes_reader *r, struct dhcp6_message *m)
{
	m->has_requested = true;
	while (r->left > 0 && !r->failed) {
		uint16_t code = bytes_get_be16(r);
		m->wants_dns |= code == DHCP6_OPTION_DNS;
		m->wants_search |= code == DHCP6_OPTION_SEARCH;
		m->wants_refresh_time |= code == DHCP6_OPTION_REFRESH_TIME;
		m->wants_fqdn |= code == DHCP6_OPTION_FQDN;
	}
	return !r->failed;
}

/* RFC 4704 §4: a name may be partial, without the root's label, or missing. */
static bool parse_fqdn(struct bytes_reader *r, struct dhcp6_message *m)
{
	m->has_fqdn = true;
	m->fqdn_flags = bytes_get_u8(r);
	size_t len = r->left > 0 ? bytes_get_u8(r) : 0;
	const uint8_t *label = len > 0 && len <= DNS_LABEL_MAX ? bytes_take(r, len) : NULL;
	if (label) {
		m->name = label;
		m->name_len = len;
	}
	return !r->failed && len <= DNS_LABEL_MAX;
}

static bool parse_option(uint16_t code, struct bytes_reader *value, struct dhcp6_message *m)
{
	switch (code) {
	case DHCP6_OPTION_CLIENT_ID: return parse_duid(value, &m->client);
	case DHCP6_OPTION_SERVER_ID: return parse_duid(value, &m->server);
	case DHCP6_OPTION_REQUESTED: return parse_requested(value, m);
	case DHCP6_OPTION_RAPID_COMMIT: m->rapid_commit = true; return true;
	case DHCP6_OPTION_FQDN: return parse_fqdn(value, m);
	case DHCP6_OPTION_IA_NA:
	case DHCP6_OPTION_IA_TA:
	case DHCP6_OPTION_IA_PD: return parse_ia(code, value, m);
	default: return true;
	}
}

/* What a relay adds.  *@ret_inner is the message in its envelope. */
static bool parse_relay(struct bytes_reader *r, struct dhcp6_message *m, struct bytes_reader *ret_inner)
{
	if (m->n_relays == DHCP6_RELAYS_MAX)
		return false;
	struct dhcp6_relay *relay = &m->relays[m->n_relays++];
	*relay = (struct dhcp6_relay){ .hops = bytes_get_u8(r) };
	bytes_get(r, relay->link.b, sizeof(relay->link.b));
	bytes_get(r, relay->peer.b, sizeof(relay->peer.b));
	bool found = false;
	uint16_t code;
	struct bytes_reader value;
	m->mac = (struct mac){ { 0 } }; /* one that is nearer to the client knows better */
	while (next_option(r, &code, &value)) {
		if (code == DHCP6_OPTION_RELAY_MESSAGE && !found) {
			*ret_inner = value;
			found = true;
		} else if (code == DHCP6_OPTION_INTERFACE_ID) {
			relay->interface_id = value.at;
			relay->interface_id_len = value.left;
		} else if (code == DHCP6_OPTION_LINK_LAYER && value.left == 8 && bytes_get_be16(&value) == HARDWARE_ETHERNET) {
			bytes_get(&value, m->mac.b, sizeof(m->mac.b));
		}
	}
	return found && !r->failed;
}

int dhcp6_parse(const void *bytes, size_t len, struct dhcp6_message *ret)
{
	struct bytes_reader r = bytes_reader(bytes, len), inner, value;
	*ret = (struct dhcp6_message){ .type = bytes_get_u8(&r) };
	while (ret->type == DHCP6_RELAY_FORWARD) {
		if (!parse_relay(&r, ret, &inner))
			return -EBADMSG;
		r = inner;
		ret->type = bytes_get_u8(&r);
	}
	ret->xid = (uint32_t)bytes_get_u8(&r) << 16;
	ret->xid |= bytes_get_be16(&r);
	uint16_t code;
	while (next_option(&r, &code, &value))
		if (!parse_option(code, &value, ret))
			return -EBADMSG;
	return r.failed ? -EBADMSG : 0;
}

static void parse_answer_address(struct bytes_reader *r, struct dhcp6_answer *a)
{
	struct ip_addr addr = { { 0 } };
	bytes_get(r, addr.b, sizeof(addr.b));
	uint32_t preferred = bytes_get_be32(r), valid = bytes_get_be32(r);
	if (r->failed || valid == 0 || preferred > valid || !ip_is_unspecified(&a->address))
		return;
	a->address = addr;
	a->preferred = preferred;
	a->valid = valid;
}

static void parse_answer_ia(struct bytes_reader *r, struct dhcp6_answer *a)
{
	uint16_t code;
	struct bytes_reader value;
	a->iaid = bytes_get_be32(r);
	a->t1 = bytes_get_be32(r);
	a->t2 = bytes_get_be32(r);
	while (next_option(r, &code, &value)) {
		if (code == DHCP6_OPTION_IA_ADDRESS)
			parse_answer_address(&value, a);
		else if (code == DHCP6_OPTION_STATUS)
			a->refused |= bytes_get_be16(&value) != DHCP6_SUCCESS;
	}
}

static bool parse_answer_option(uint16_t code, struct bytes_reader *v, struct dhcp6_answer *a)
{
	switch (code) {
	case DHCP6_OPTION_CLIENT_ID: return parse_duid(v, &a->client);
	case DHCP6_OPTION_SERVER_ID: return parse_duid(v, &a->server);
	case DHCP6_OPTION_STATUS: a->refused |= bytes_get_be16(v) != DHCP6_SUCCESS; break;
	case DHCP6_OPTION_RAPID_COMMIT: a->rapid_commit = true; break;
	case DHCP6_OPTION_IA_NA: parse_answer_ia(v, a); break;
	case DHCP6_OPTION_DNS:
		while (v->left > 0 && a->n_dns < DHCP6_DNS_MAX && !v->failed)
			bytes_get(v, a->dns[a->n_dns++].b, sizeof(a->dns[0].b));
		break;
	case DHCP6_OPTION_SEARCH: return a->search.len > 1 || dns_name_parse(v, v->at, &a->search) == 0;
	default: break;
	}
	return !v->failed;
}

int dhcp6_parse_answer(const void *bytes, size_t len, struct dhcp6_answer *ret)
{
	struct bytes_reader r = bytes_reader(bytes, len), value;
	*ret = (struct dhcp6_answer){ .type = bytes_get_u8(&r), .search.len = 1 };
	ret->xid = (uint32_t)bytes_get_u8(&r) << 16;
	ret->xid |= bytes_get_be16(&r);
	uint16_t code;
	while (next_option(&r, &code, &value))
		if (!parse_answer_option(code, &value, ret))
			return -EBADMSG;
	return r.failed ? -EBADMSG : 0;
}

struct dhcp6_duid dhcp6_duid_of_mac(struct mac mac)
{
	struct dhcp6_duid duid = { 0 };
	struct bytes_writer w = bytes_writer(duid.bytes, sizeof(duid.bytes));
	bytes_put_be16(&w, DUID_LL);
	bytes_put_be16(&w, HARDWARE_ETHERNET);
	bytes_put(&w, mac.b, sizeof(mac.b));
	duid.len = w.len;
	return duid;
}

void dhcp6_put_header(struct bytes_writer *w, enum dhcp6_type type, uint32_t xid)
{
	bytes_put_be32(w, (uint32_t)type << 24 | (xid & 0xffffff));
}

void dhcp6_put_option(struct bytes_writer *w, enum dhcp6_option code, const void *value, size_t len)
{
	bytes_put_be16(w, (uint16_t)code);
	bytes_put_be16(w, (uint16_t)len);
	bytes_put(w, value, len);
}

size_t dhcp6_begin(struct bytes_writer *w, enum dhcp6_option code)
{
	size_t begun = w->len;
	dhcp6_put_option(w, code, NULL, 0);
	return begun;
}

void dhcp6_end(struct bytes_writer *w, size_t begun)
{
	if (w->failed)
		return;
	struct bytes_writer field = bytes_writer(w->data + begun + 2, 2);
	bytes_put_be16(&field, (uint16_t)(w->len - begun - OPTION_HEADER_LEN));
}

void dhcp6_put_status(struct bytes_writer *w, enum dhcp6_status status)
{
	dhcp6_put_option(w, DHCP6_OPTION_STATUS, (uint8_t[]){ 0, (uint8_t)status }, 2);
}

void dhcp6_put_address(struct bytes_writer *w, const struct ip_addr *addr, uint32_t preferred, uint32_t valid)
{
	size_t begun = dhcp6_begin(w, DHCP6_OPTION_IA_ADDRESS);
	bytes_put(w, addr->b, sizeof(addr->b));
	bytes_put_be32(w, preferred);
	bytes_put_be32(w, valid);
	dhcp6_end(w, begun);
}

size_t dhcp6_begin_relay(struct bytes_writer *w, const struct dhcp6_relay *relay)
{
	bytes_put_u8(w, DHCP6_RELAY_REPLY);
	bytes_put_u8(w, relay->hops);
	bytes_put(w, relay->link.b, sizeof(relay->link.b));
	bytes_put(w, relay->peer.b, sizeof(relay->peer.b));
	if (relay->interface_id)
		dhcp6_put_option(w, DHCP6_OPTION_INTERFACE_ID, relay->interface_id, relay->interface_id_len);
	return dhcp6_begin(w, DHCP6_OPTION_RELAY_MESSAGE);
}
