/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/arp.h"

#include "wire/eth.h"

#include <errno.h>

#define HARDWARE_ETHERNET 1
#define HARDWARE_IEEE_802 6 /* receivers on an Ethernet take it as well (RFC 1042, RFC 2625 §4.3) */

#define ARP_TYPES_LEN 6 /* of the fields that say what the message is about */

int arp_parse(struct bytes_reader *r, struct arp_message *ret)
{
	const uint8_t *bytes = bytes_take(r, ARP_TYPES_LEN);
	if (!bytes)
		return -EBADMSG;
	struct bytes_reader types = bytes_reader(bytes, ARP_TYPES_LEN);
	uint16_t hardware = bytes_get_be16(&types), protocol = bytes_get_be16(&types);
	uint8_t hardware_len = bytes_get_u8(&types), protocol_len = bytes_get_u8(&types);
	bool is_ethernet = hardware == HARDWARE_ETHERNET || hardware == HARDWARE_IEEE_802;
	if (!is_ethernet || protocol != ETH_TYPE_IPV4 || hardware_len != 6 || protocol_len != 4)
		return -EPROTONOSUPPORT;
	bytes = bytes_take(r, ARP_LEN - ARP_TYPES_LEN);
	if (!bytes)
		return -EBADMSG;
	struct bytes_reader rest = bytes_reader(bytes, ARP_LEN - ARP_TYPES_LEN); /* of a constant length: the compiler checks it once */
	ret->operation = bytes_get_be16(&rest);
	bytes_get(&rest, ret->sender_mac.b, sizeof(ret->sender_mac.b));
	ret->sender_ip = bytes_get_be32(&rest);
	bytes_get(&rest, ret->target_mac.b, sizeof(ret->target_mac.b));
	ret->target_ip = bytes_get_be32(&rest);
	return 0;
}

void arp_emit(struct bytes_writer *w, const struct arp_message *m)
{
	bytes_put_be16(w, HARDWARE_ETHERNET);
	bytes_put_be16(w, ETH_TYPE_IPV4);
	bytes_put_u8(w, 6);
	bytes_put_u8(w, 4);
	bytes_put_be16(w, m->operation);
	bytes_put(w, m->sender_mac.b, sizeof(m->sender_mac.b));
	bytes_put_be32(w, m->sender_ip);
	bytes_put(w, m->target_mac.b, sizeof(m->target_mac.b));
	bytes_put_be32(w, m->target_ip);
}
