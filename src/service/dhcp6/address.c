/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service/dhcp6/address.h"

#include "gateway/ip6.h"
#include "service/dhcp/reservation.h"
#include "service/dhcp6/binding.h"
#include "service/dhcp6/dhcp6.h"

/* A hash of the client's DUID and @ia, of @times, and of @mac when that is given. */
static uint64_t hash_of(const struct dhcp6 *d, const struct dhcp6_message *m, const struct dhcp6_ia *ia, uint8_t times,
			const struct mac *mac)
{
	uint8_t bytes[DHCP6_DUID_MAX + 5 + sizeof(*mac)];
	struct bytes_writer w = bytes_writer(bytes, sizeof(bytes));
	bytes_put_be32(&w, ia->iaid);
	bytes_put_u8(&w, times);
	bytes_put(&w, m->client.bytes, m->client.len);
	if (mac)
		bytes_put(&w, mac->b, sizeof(mac->b));
	return hash_bytes(&d->config.key, bytes, w.len);
}

/* Its index; d->n_declined when the client has declined nothing. */
static unsigned find_declined(const struct dhcp6 *d, uint64_t client, struct mac sender)
{
	unsigned i = 0;
	while (i < d->n_declined && (d->declined[i].client != client || !mac_equal(d->declined[i].sender, sender)))
		i++;
	return i;
}

ip4_t dhcp6_reserved_by(const struct prefix6 *prefix, const struct ip_addr *addr)
{
	static const uint8_t zeros[4];
	if (!prefix6_contains(prefix, addr) || memcmp(addr->b + 8, zeros, sizeof(zeros)) != 0)
		return 0;
	return IP4(addr->b[12], addr->b[13], addr->b[14], addr->b[15]);
}

/* Reserved addresses have an interface identifier below 2^32, and all others one above. */
static struct ip_addr address_of_hash(const struct dhcp6 *d, uint64_t id)
{
	struct ip_addr addr = d->config.ip6->prefix.network;
	if (id >> 32 == 0)
		id |= (uint64_t)1 << 32;
	for (size_t i = 0; i < 8; i++)
		addr.b[8 + i] = (uint8_t)(id >> (56 - 8 * i));
	return addr;
}

static struct ip_addr reserved_address(const struct dhcp6 *d, ip4_t ip)
{
	struct ip_addr addr = d->config.ip6->prefix.network, v4 = ip_from_ip4(ip);
	memcpy(addr.b + 12, v4.b + 12, 4);
	return addr;
}

struct ip_addr dhcp6_address_of(const struct dhcp6 *d, usec_t now, const struct dhcp6_message *m, unsigned index, struct mac mac,
				struct mac sender)
{
	const struct dhcp6_ia *ia = &m->ias[index];
	const struct reservation *r = d->config.reservations ? reservation_of_mac(d->config.reservations, mac) : NULL;
	if (index == 0 && r && r->ip != 0)
		return reserved_address(d, r->ip);
	const struct lease6 *own = dhcp6_binding_of(d, now, m, ia, mac);
	if (own && !dhcp6_reserved_by(&d->config.ip6->prefix, &own->addr))
		return own->addr;
	unsigned declined = find_declined(d, hash_of(d, m, ia, 0, NULL), sender);
	uint8_t times = declined < d->n_declined ? d->declined[declined].times : 0;
	struct ip_addr addr = address_of_hash(d, hash_of(d, m, ia, times, NULL)),
		       special = address_of_hash(d, hash_of(d, m, ia, times, &mac));
	/* Leases from before a restart have no MAC: one of two copies of a machine gets its own address again. */
	bool has_special = !mac_is_zero(mac) && dhcp6_find_address(d, now, &special);
	return has_special || dhcp6_binding_is_of_another(d, now, &addr, mac) ? special : addr;
}

/* Ports come and go, and the records of those that are gone are not needed. */
static void forget_oldest(struct dhcp6 *d)
{
	memmove(d->declined, d->declined + 1, --d->n_declined * sizeof(d->declined[0]));
}

bool dhcp6_address_declined(struct dhcp6 *d, const struct dhcp6_message *m, const struct dhcp6_ia *ia, struct mac sender, unsigned port_id)
{
	uint64_t client = hash_of(d, m, ia, 0, NULL);
	unsigned found = find_declined(d, client, sender), of_port = 0;
	for (unsigned i = 0; i < d->n_declined; i++)
		of_port += d->declined[i].port_id == port_id;
	if (found == d->n_declined) {
		if (of_port >= DHCP6_DECLINED_PER_PORT)
			return false;
		if (d->n_declined == DHCP6_DECLINED_MAX)
			forget_oldest(d);
		found = d->n_declined++;
		d->declined[found] = (struct dhcp6_declined){ .client = client, .sender = sender, .port_id = port_id };
	}
	if (d->declined[found].times == UINT8_MAX)
		return false;
	d->declined[found].times++;
	return true;
}
