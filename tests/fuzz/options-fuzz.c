/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options as an embedder or a configuration file may set them: lines of NAME=VALUE.  What passes the check keeps
 * the promises of settings.h.
 */
#include "base/macros.h"
#include "options/options.h"
#include "options/settings.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_MAX 4096
#define REQUIRE(condition) \
	do { \
		if (!(condition)) \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_host(const struct settings *s, ip4_t ip)
{
	return prefix4_contains(s->subnet, ip) && ip != s->subnet.network && ip != prefix4_broadcast(s->subnet);
}

static void check_promises(const struct settings *s)
{
	REQUIRE(s->subnet.length >= 8 && s->subnet.length <= 30);
	REQUIRE(is_host(s, s->gateway) && is_host(s, s->dhcp_first) && is_host(s, s->dhcp_last));
	REQUIRE(s->dhcp_first <= s->dhcp_last && (s->gateway < s->dhcp_first || s->gateway > s->dhcp_last));
	REQUIRE(s->mtu == SETTINGS_MTU_AUTO || (s->mtu >= SETTINGS_MTU_MIN && s->mtu <= SETTINGS_MTU_MAX));
	REQUIRE(s->lease_time_s > 0 && s->domain[0] != '\0' && s->engine);
	REQUIRE(s->dns.count <= DNS_SERVERS_MAX);
	for (unsigned i = 0; i < s->dns.count; i++)
		REQUIRE(s->dns.server[i].endpoint.port != 0);
	for (size_t i = 0; i < s->n_hosts; i++) {
		REQUIRE(is_host(s, s->hosts[i].ip) && s->hosts[i].ip != s->gateway);
		for (size_t j = 0; j < i; j++)
			REQUIRE(!mac_equal(s->hosts[i].mac, s->hosts[j].mac) && s->hosts[i].ip != s->hosts[j].ip);
	}
}

static void set_line(struct settings *s, char *line)
{
	char error[100] = "";
	char *value = strchr(line, '=');
	if (!value)
		return;
	*value++ = '\0';
	int r = option_set(s, line, value, error, sizeof(error));
	REQUIRE((r < 0) == (error[0] != '\0'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[INPUT_MAX + 1] = "", *at = text, *line, error[100] = "";
	struct settings s;
	memcpy(text, data, MIN(size, (size_t)INPUT_MAX));
	option_set_defaults(&s);
	while ((line = strsep(&at, "\n")))
		set_line(&s, line);
	int r = settings_check(&s, error, sizeof(error));
	REQUIRE((r < 0) == (error[0] != '\0'));
	if (r == 0)
		check_promises(&s);
	settings_done(&s);
	return 0;
}
