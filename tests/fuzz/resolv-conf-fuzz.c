/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A resolv.conf.  Whatever it says, the servers come out as text that reads as the same servers. */
#include "host/resolv_conf.h"
#include "service/dns/server.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool condition)
{
	if (!condition)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dns_server_list list;
	resolv_conf_parse((const char *)data, size, &list);
	check(list.count <= DNS_SERVERS_MAX);
	for (unsigned i = 0; i < list.count; i++) {
		char text[DNS_SERVER_TEXT_SIZE];
		struct dns_server again;
		check(strlen(dns_server_format(&list.server[i], text)) < sizeof(text));
		check(dns_server_parse(text, &again) == 0 && dns_server_equal(&again, &list.server[i]));
	}
	return 0;
}
