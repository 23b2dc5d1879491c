/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/ip.h"

void ip_emit(struct bytes_writer *w, const struct ip_header *h, size_t payload_len)
{
	if (ip_is_v4(&h->dst))
		ipv4_emit(w, &(struct ipv4_header){
				     .tos = h->traffic_class,
				     .total_len = (uint16_t)(IPV4_HEADER_LEN + payload_len),
				     .id = h->id,
				     .dont_fragment = h->dont_fragment,
				     .ttl = h->hop_limit,
				     .protocol = h->protocol,
				     .src = ip_to_ip4(&h->src),
				     .dst = ip_to_ip4(&h->dst),
			     });
	else
		ipv6_emit(w, &(struct ipv6_header){
				     .traffic_class = h->traffic_class,
				     .payload_len = (uint16_t)payload_len,
				     .next_header = h->protocol,
				     .hop_limit = h->hop_limit,
				     .src = h->src,
				     .dst = h->dst,
			     });
}
