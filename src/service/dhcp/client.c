/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service/dhcp/client.h"

#include "base/macros.h"
#include "lan/frame.h"
#include "lan/packet.h"
#include "wire/dhcp.h"
#include "wire/dns_name.h"
#include "wire/udp.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define MESSAGE_MAX DHCP_DATAGRAM_MIN
#define TTL 64
/* The server is on the segment: it answers at once, or after its ARP probe of the address. */
#define FIRST_RETRY USEC_PER_SEC
#define RETRY_DOUBLINGS_MAX 4u
#define REQUESTS_MAX 4u
#define RENEW_RETRY_MIN (60 * USEC_PER_SEC) /* RFC 2131 §4.4.5 */
#define LEASE_MIN_S 10u
#define PREFIX_DEFAULT 24u
#define MTU_MIN 68u /* RFC 2132 §5.1 */

void dhcp_client_init(struct dhcp_client *c, const struct dhcp_client_config *config)
{
	*c = (struct dhcp_client){ .config = *config, .xid = config->xid, .deadline = USEC_INFINITY };
}

static bool has_lease(const struct dhcp_client *c)
{
	return c->state >= DHCP_CLIENT_BOUND;
}

/* --- sending --- */

/* Destination MAC, source and destination address of a message: broadcast from 0.0.0.0, or unicast to the server. */
struct message_route {
	struct mac mac;
	ip4_t src, dst;
};

static const struct message_route to_all = { MAC_BROADCAST, 0, IP4_BROADCAST };

static struct message_route to_server(const struct dhcp_client *c)
{
	return (struct message_route){ c->lease.server_mac, c->lease.address, c->lease.server };
}

static void send_message(const struct dhcp_client *c, const struct message_route *route, const void *message, size_t len)
{
	uint8_t frame[ETH_HEADER_LEN + IPV4_HEADER_LEN + UDP_HEADER_LEN + MESSAGE_MAX];
	struct bytes_writer w = bytes_writer(frame, sizeof(frame));
	eth_emit(&w, &(struct eth_header){ .dst = route->mac, .src = c->config.mac, .ethertype = ETH_TYPE_IPV4 });
	struct ipv4_header ip = { .ttl = TTL, .protocol = IP_PROTOCOL_UDP, .src = route->src, .dst = route->dst };
	ip.total_len = (uint16_t)(IPV4_HEADER_LEN + UDP_HEADER_LEN + len);
	ipv4_emit(&w, &ip);
	udp_emit_ipv4(&w, route->src, route->dst, DHCP_CLIENT_PORT, DHCP_SERVER_PORT, message, len);
	if (!w.failed)
		c->config.ops->send(c->config.opaque, frame, w.len);
}

static void begin_message(const struct dhcp_client *c, usec_t now, enum dhcp_type type, ip4_t ciaddr, struct dhcp_writer *w, uint8_t *buf)
{
	struct dhcp_header h = { .op = DHCP_BOOTREQUEST, .xid = c->xid, .ciaddr = ciaddr, .chaddr = c->config.mac };
	h.secs = (uint16_t)MIN((now - c->began) / USEC_PER_SEC, (usec_t)UINT16_MAX);
	dhcp_writer_init(w, buf, MESSAGE_MAX, &h);
	dhcp_put_u8(w, DHCP_OPTION_TYPE, (uint8_t)type);
}

static void put_requested_options(const struct dhcp_client *c, struct dhcp_writer *w)
{
	static const uint8_t wanted[] = { DHCP_OPTION_SUBNET_MASK, DHCP_OPTION_ROUTER, DHCP_OPTION_DNS, DHCP_OPTION_DOMAIN,
					  DHCP_OPTION_MTU,         DHCP_OPTION_T1,     DHCP_OPTION_T2,  DHCP_OPTION_DOMAIN_SEARCH };
	dhcp_put(w, DHCP_OPTION_PARAMETERS, wanted, sizeof(wanted));
	if (c->config.name)
		dhcp_put(w, DHCP_OPTION_HOST_NAME, c->config.name, strlen(c->config.name));
}

static void send_discover(const struct dhcp_client *c, usec_t now)
{
	uint8_t buf[MESSAGE_MAX];
	struct dhcp_writer w;
	begin_message(c, now, DHCP_DISCOVER, 0, &w, buf);
	put_requested_options(c, &w);
	send_message(c, &to_all, buf, dhcp_finish(&w));
}

/* RFC 2131 §4.3.2: SELECTING names server and requested address, RENEWING and REBINDING have only ciaddr. */
static void send_request(const struct dhcp_client *c, usec_t now)
{
	uint8_t buf[MESSAGE_MAX];
	struct dhcp_writer w;
	begin_message(c, now, DHCP_REQUEST, has_lease(c) ? c->lease.address : 0, &w, buf);
	if (!has_lease(c)) {
		dhcp_put_be32(&w, DHCP_OPTION_REQUESTED_IP, c->offered);
		dhcp_put_be32(&w, DHCP_OPTION_SERVER_ID, c->server);
	}
	put_requested_options(c, &w);
	struct message_route route = c->state == DHCP_CLIENT_RENEWING ? to_server(c) : to_all;
	if (c->state == DHCP_CLIENT_REBINDING)
		route.src = c->lease.address;
	send_message(c, &route, buf, dhcp_finish(&w));
}

static void send_release(const struct dhcp_client *c, usec_t now)
{
	uint8_t buf[MESSAGE_MAX];
	struct dhcp_writer w;
	begin_message(c, now, DHCP_RELEASE, c->lease.address, &w, buf);
	dhcp_put_be32(&w, DHCP_OPTION_SERVER_ID, c->lease.server);
	struct message_route route = to_server(c);
	send_message(c, &route, buf, dhcp_finish(&w));
}

/* --- states --- */

static void begin_exchange(struct dhcp_client *c, usec_t now, enum dhcp_client_state state)
{
	c->state = state;
	c->xid++;
	c->began = now;
	c->tries = 0;
}

static usec_t retry_after(struct dhcp_client *c, usec_t now)
{
	return now + (FIRST_RETRY << MIN(c->tries++, RETRY_DOUBLINGS_MAX));
}

void dhcp_client_start(struct dhcp_client *c, usec_t now)
{
	begin_exchange(c, now, DHCP_CLIENT_SELECTING);
	c->deadline = retry_after(c, now);
	send_discover(c, now);
}

static void lose(struct dhcp_client *c, usec_t now)
{
	bool had = has_lease(c);
	c->state = DHCP_CLIENT_STOPPED;
	if (had)
		c->config.ops->lost(c->config.opaque);
	dhcp_client_start(c, now);
}

static void request(struct dhcp_client *c, usec_t now)
{
	c->state = DHCP_CLIENT_REQUESTING;
	c->tries = 0;
	c->deadline = retry_after(c, now);
	send_request(c, now);
}

static void request_again(struct dhcp_client *c, usec_t now)
{
	if (c->tries >= REQUESTS_MAX) {
		dhcp_client_start(c, now);
		return;
	}
	c->deadline = retry_after(c, now);
	send_request(c, now);
}

/* Retries after half of the remaining time, but not more than once a minute (RFC 2131 §4.4.5). */
static void extend(struct dhcp_client *c, usec_t now, usec_t until)
{
	usec_t half = (until - now) / 2;
	c->deadline = half < RENEW_RETRY_MIN ? until : now + half;
	send_request(c, now);
}

void dhcp_client_expire(struct dhcp_client *c, usec_t now)
{
	if (c->deadline > now)
		return;
	if (c->state == DHCP_CLIENT_SELECTING) {
		c->deadline = retry_after(c, now);
		send_discover(c, now);
	} else if (c->state == DHCP_CLIENT_REQUESTING) {
		request_again(c, now);
	} else if (now >= c->end) {
		lose(c, now);
	} else if (now >= c->t2) {
		if (c->state != DHCP_CLIENT_REBINDING)
			begin_exchange(c, now, DHCP_CLIENT_REBINDING);
		extend(c, now, c->end);
	} else {
		if (c->state != DHCP_CLIENT_RENEWING)
			begin_exchange(c, now, DHCP_CLIENT_RENEWING);
		extend(c, now, c->t2);
	}
}

usec_t dhcp_client_deadline(const struct dhcp_client *c)
{
	return c->deadline;
}

void dhcp_client_release(struct dhcp_client *c, usec_t now)
{
	if (has_lease(c)) {
		begin_exchange(c, now, c->state);
		send_release(c, now);
	}
	c->state = DHCP_CLIENT_STOPPED;
	c->deadline = USEC_INFINITY;
}

/* --- answers --- */

struct answer {
	const uint8_t *bytes;
	size_t len;
	struct mac from;
	struct dhcp_message message;
};

/* Reads up to @n addresses of option @code; returns their number. */
static unsigned get_addresses(const struct answer *a, uint8_t code, ip4_t *ret, unsigned n)
{
	uint8_t bytes[255];
	ssize_t len = dhcp_option_get(a->bytes, a->len, code, bytes, sizeof(bytes));
	struct bytes_reader r = bytes_reader(bytes, len < 0 ? 0 : (size_t)len);
	unsigned count = 0;
	while (count < n && r.left >= sizeof(ip4_t))
		ret[count++] = bytes_get_be32(&r);
	return count;
}

static uint32_t get_number(const struct answer *a, uint8_t code, size_t size)
{
	uint8_t bytes[4];
	if (dhcp_option_get(a->bytes, a->len, code, bytes, sizeof(bytes)) != (ssize_t)size)
		return 0;
	struct bytes_reader r = bytes_reader(bytes, size);
	return size == 2 ? bytes_get_be16(&r) : bytes_get_be32(&r);
}

/* Only characters of a domain name: the text is written to a resolv.conf that other programs read. */
static void get_domain(const struct answer *a, char ret[static DHCP_CLIENT_DOMAIN_MAX + 1])
{
	char text[DHCP_CLIENT_DOMAIN_MAX + 1];
	ssize_t len = dhcp_option_get(a->bytes, a->len, DHCP_OPTION_DOMAIN, text, DHCP_CLIENT_DOMAIN_MAX);
	while (len > 0 && text[len - 1] == '\0')
		len--;
	for (ssize_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) && text[i] != '-' && text[i] != '.')
			return;
	if (len > 0)
		memcpy(ret, text, (size_t)len);
}

/* Option 119 (RFC 3397), up to the first name that is invalid, compressed or too long for the room; lanlet compresses none. */
static void get_search(const struct answer *a, char ret[static DHCP_CLIENT_SEARCH_MAX + 1])
{
	uint8_t bytes[DHCP_CLIENT_SEARCH_MAX];
	char text[DNS_NAME_TEXT_SIZE];
	ssize_t len = dhcp_option_get(a->bytes, a->len, DHCP_OPTION_DOMAIN_SEARCH, bytes, sizeof(bytes));
	struct bytes_reader r = bytes_reader(bytes, len > 0 ? (size_t)len : 0);
	struct dns_name name;
	size_t used = 0;
	while (r.left > 0 && dns_name_parse(&r, bytes, &name) == 0 && !strchr(dns_name_text(&name, text), '?')) {
		int n = snprintf(ret + used, DHCP_CLIENT_SEARCH_MAX + 1 - used, "%s%s", used > 0 ? " " : "", text);
		if (n < 0 || (size_t)n > DHCP_CLIENT_SEARCH_MAX - used)
			break;
		used += (size_t)n;
	}
	ret[used] = '\0';
}

static unsigned prefix_length_of(ip4_t mask)
{
	unsigned length = 0;
	while (length < 32 && mask & (ip4_t)0x80000000 >> length)
		length++;
	return length;
}

static bool is_host(ip4_t ip)
{
	return ip >> 24 != 0 && ip >> 24 != 127 && ip >> 28 < 14;
}

static bool read_lease(const struct answer *a, struct dhcp_client_lease *ret)
{
	const struct dhcp_message *m = &a->message;
	struct dhcp_client_lease l = { .address = m->header.yiaddr, .server = m->server_id, .server_mac = a->from };
	ip4_t mask;
	if (!is_host(l.address) || !is_host(l.server) || mac_is_group(l.server_mac))
		return false;
	l.prefix_length = get_addresses(a, DHCP_OPTION_SUBNET_MASK, &mask, 1) == 1 ? prefix_length_of(mask) : PREFIX_DEFAULT;
	if (get_addresses(a, DHCP_OPTION_ROUTER, &l.router, 1) == 0 || !is_host(l.router))
		l.router = 0;
	l.n_dns = get_addresses(a, DHCP_OPTION_DNS, l.dns, DHCP_CLIENT_DNS_MAX);
	get_domain(a, l.domain);
	get_search(a, l.search);
	uint32_t mtu = get_number(a, DHCP_OPTION_MTU, 2);
	l.mtu = mtu >= MTU_MIN ? (uint16_t)mtu : 0;
	l.lease_s = MAX(m->lease_time, LEASE_MIN_S);
	*ret = l;
	return true;
}

static usec_t after_seconds(usec_t now, uint32_t seconds)
{
	return now + seconds * USEC_PER_SEC;
}

/* RFC 2131 §4.4.5: T1 and T2 from the server unless they are out of order. */
static void set_times(struct dhcp_client *c, const struct answer *a)
{
	uint32_t lease = c->lease.lease_s, t1 = get_number(a, DHCP_OPTION_T1, 4), t2 = get_number(a, DHCP_OPTION_T2, 4);
	if (t2 == 0 || t2 >= lease)
		t2 = lease / 8 * 7;
	if (t1 == 0 || t1 > t2)
		t1 = MIN(lease / 2, t2);
	bool infinite = lease == DHCP_LEASE_INFINITE;
	c->t1 = infinite ? USEC_INFINITY : after_seconds(c->began, t1);
	c->t2 = infinite ? USEC_INFINITY : after_seconds(c->began, t2);
	c->end = infinite ? USEC_INFINITY : after_seconds(c->began, lease);
	c->deadline = c->t1;
}

static void acknowledged(struct dhcp_client *c, const struct answer *a)
{
	struct dhcp_client_lease lease;
	if (!read_lease(a, &lease) || (has_lease(c) && lease.address != c->lease.address))
		return;
	c->state = DHCP_CLIENT_BOUND;
	c->lease = lease;
	set_times(c, a);
	c->config.ops->bound(c->config.opaque, &c->lease);
}

static void answered(struct dhcp_client *c, usec_t now, const struct answer *a)
{
	const struct dhcp_message *m = &a->message;
	bool asked = c->state == DHCP_CLIENT_REQUESTING || c->state == DHCP_CLIENT_RENEWING || c->state == DHCP_CLIENT_REBINDING;
	if (c->state == DHCP_CLIENT_SELECTING && m->type == DHCP_OFFER && is_host(m->header.yiaddr) && is_host(m->server_id)) {
		c->offered = m->header.yiaddr;
		c->server = m->server_id;
		request(c, now);
	} else if (asked && m->type == DHCP_ACK) {
		acknowledged(c, a);
	} else if (asked && m->type == DHCP_NAK) {
		lose(c, now);
	}
}

bool dhcp_client_input(struct dhcp_client *c, usec_t now, const void *frame, size_t len)
{
	struct iovec iov;
	struct frame f = frame_of(&iov, frame, len);
	struct packet p;
	struct udp_view udp;
	enum drop_reason why;
	if (packet_parse(&f, NULL, NULL, &p, &why) < 0 || packet_udp(&p, &udp) < 0 || udp.dst.port != DHCP_CLIENT_PORT)
		return false;
	struct answer a = { .bytes = udp.payload, .len = udp.len, .from = p.eth.src };
	const struct dhcp_header *h = &a.message.header;
	if (dhcp_parse(a.bytes, a.len, &a.message) < 0 || h->op != DHCP_BOOTREPLY || !mac_equal(h->chaddr, c->config.mac) ||
	    h->xid != c->xid)
		return false;
	answered(c, now, &a);
	return true;
}
