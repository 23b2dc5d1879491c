/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A resolv.conf.  Whatever it says, the servers come out as text that reads as the same servers. */
#include "host/resolv_conf.h"
#include "wire/dns_name.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool condition)
{
	if (!condition)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct resolv_conf conf;
	resolv_conf_parse((const char *)data, size, &conf);
	check(conf.servers.count > 0 && conf.servers.count <= DNS_SERVERS_MAX && conf.n_search <= RESOLV_SEARCH_MAX);
	for (unsigned i = 0; i < conf.n_search; i++) {
		struct dns_name name;
		check(dns_name_from_text(conf.search[i], &name) == 0 && name.len > 1);
	}
	for (unsigned i = 0; i < conf.servers.count; i++) {
		char text[DNS_SERVER_TEXT_SIZE];
		struct dns_server again;
		check(strlen(dns_server_format(&conf.servers.server[i], text)) < sizeof(text));
		check(dns_server_parse(text, &again) == 0 && dns_server_equal(&again, &conf.servers.server[i]));
	}
	return 0;
}
