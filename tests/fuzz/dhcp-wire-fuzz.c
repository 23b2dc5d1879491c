/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One DHCP message through the parser; its values are written to a message of any size and parse the same. */
#include "base/macros.h"
#include "wire/dhcp.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool condition)
{
	if (!condition)
		abort();
}

static bool put_again(struct dhcp_writer *w, const struct dhcp_message *m)
{
	bool all = true;
	if (m->relay_len)
		all = dhcp_put_last(w, DHCP_OPTION_RELAY, m->relay, m->relay_len);
	if (m->type)
		all &= dhcp_put_u8(w, DHCP_OPTION_TYPE, m->type);
	if (m->requested)
		all &= dhcp_put_be32(w, DHCP_OPTION_REQUESTED_IP, m->requested);
	if (m->server_id)
		all &= dhcp_put_be32(w, DHCP_OPTION_SERVER_ID, m->server_id);
	if (m->lease_time)
		all &= dhcp_put_be32(w, DHCP_OPTION_LEASE_TIME, m->lease_time);
	all &= dhcp_put_be16(w, DHCP_OPTION_MAX_SIZE, m->max_size);
	if (m->client_id_len)
		all &= dhcp_put(w, DHCP_OPTION_CLIENT_ID, m->client_id, m->client_id_len);
	if (m->name_len)
		all &= dhcp_put(w, DHCP_OPTION_HOST_NAME, m->name, m->name_len);
	if (m->has_parameters)
		all &= dhcp_put(w, DHCP_OPTION_PARAMETERS, m->parameters, m->n_parameters);
	return all;
}

static void check_same(const struct dhcp_message *a, const struct dhcp_message *b)
{
	check(a->header.xid == b->header.xid && a->header.giaddr == b->header.giaddr && mac_equal(a->header.chaddr, b->header.chaddr));
	check(a->type == b->type && a->requested == b->requested && a->server_id == b->server_id);
	check(a->lease_time == b->lease_time && a->max_size == b->max_size);
	check(a->client_id_len == b->client_id_len && memcmp(a->client_id, b->client_id, a->client_id_len) == 0);
	check(a->name_len == b->name_len && memcmp(a->name, b->name, a->name_len) == 0);
	check(a->relay_len == b->relay_len && memcmp(a->relay, b->relay, a->relay_len) == 0);
	check(a->n_parameters == b->n_parameters && memcmp(a->parameters, b->parameters, a->n_parameters) == 0);
}

static void write_and_parse(const struct dhcp_message *m, size_t size)
{
	uint8_t *buf = malloc(size);
	check(buf != NULL);
	struct dhcp_writer w;
	struct dhcp_message again;
	dhcp_writer_init(&w, buf, size, &m->header);
	bool all = put_again(&w, m);
	size_t len = dhcp_finish(&w);
	check(len <= size && dhcp_parse(buf, len, &again) == 0);
	if (all)
		check_same(m, &again);
	free(buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dhcp_message m;
	uint8_t value[64];
	(void)dhcp_option_get(data, size, DHCP_OPTION_RELAY, value, sizeof(value));
	if (dhcp_parse(data, size, &m) < 0)
		return 0;
	write_and_parse(&m, DHCP_LEN_MIN);
	write_and_parse(&m, DHCP_DATAGRAM_MIN - 28);
	write_and_parse(&m, 4096);
	return 0;
}
