/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service/arp.h"

#include "base/macros.h"
#include "gateway/sink.h"
#include "lan/packet.h"
#include "wire/arp.h"

static enum service_verdict arp_input(struct service *s, usec_t now, const struct packet *p, struct sink *out)
{
	const struct arp_service *a = container_of(s, struct arp_service, service);
	if (p->eth.ethertype != ETH_TYPE_ARP)
		return SERVICE_NOT_MINE;
	const struct arp_message *m = &p->arp;
	if (m->operation != ARP_REQUEST || m->target_ip != a->ip)
		return SERVICE_TAKEN;
	uint8_t bytes[ETH_HEADER_LEN + ARP_LEN];
	struct bytes_writer w = bytes_writer(bytes, sizeof(bytes));
	eth_emit(&w, &(struct eth_header){ .dst = m->sender_mac, .src = a->mac, .ethertype = ETH_TYPE_ARP });
	arp_emit(&w, &(struct arp_message){ ARP_REPLY, a->mac, a->ip, m->sender_mac, m->sender_ip });
	sink_frame(out, now, bytes, w.len);
	return SERVICE_TAKEN;
}

static const struct service_ops arp_ops = {
	.name = "arp",
	.input = arp_input,
};

void arp_service_init(struct arp_service *s, struct mac mac, ip4_t ip)
{
	*s = (struct arp_service){ .service = { &arp_ops }, .mac = mac, .ip = ip };
}
