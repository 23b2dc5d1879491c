/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "network/idle_options.h"

#include "base/log.h"
#include "base/macros.h"
#include "options/settings.h"

#include <string.h>

struct given {
	const char *name;
	bool given;
};

/* Warns of each of the @n @options that is given: @because, it has no effect. */
static void warn_of_given(struct log *log, const struct given *options, size_t n, const char *because, const char *detail)
{
	for (size_t i = 0; i < n; i++)
		if (options[i].given)
			log_warning(log, "%s has no effect with %s%s", options[i].name, because, detail);
}

static void warn_of_engine(const struct settings *s, struct log *log)
{
	const struct given options[] = {
		{ "keep-tcp-ports", s->keep_tcp_ports && !s->engine->keep_tcp_ports },
		{ "udp-filtering", s->udp_filtering != ENGINE_FILTER_ADDRESS && !s->engine->udp_filtering },
		{ "forward", s->n_forwards > 0 && s->engine->isolated },
		{ "dns", (s->dns.count > 0 || s->dns_routes.count > 0) && s->engine->isolated },
		{ "host-loopback", s->host_loopback && s->engine->isolated },
	};
	warn_of_given(log, options, ARRAY_SIZE(options), "engine ", s->engine->name);
}

static void warn_of_missing_services(const struct settings *s, struct log *log)
{
	const struct given dhcp[] = {
		{ "dhcp-host", s->n_dhcp_hosts > 0 },
		{ "dhcp-option", s->n_dhcp_options > 0 },
		{ "dhcp-tag", s->n_dhcp_tags > 0 },
		{ "dhcp-boot", s->n_dhcp_boots > 0 },
	};
	const struct given others[] = {
		{ "dns", s->dns.count > 0 || s->dns_routes.count > 0 },
		{ "name", s->n_names > 0 || s->n_records > 0 },
		{ "tftp-root", s->tftp_root[0] != '\0' },
		{ "http-root", s->http_root[0] != '\0' },
		{ "forward", s->n_forwards > 0 },
	};
	if (s->no_dhcp || s->no_gateway)
		warn_of_given(log, dhcp, ARRAY_SIZE(dhcp), s->no_gateway ? "no-gateway" : "no-dhcp", "");
	if (s->no_gateway)
		warn_of_given(log, others, ARRAY_SIZE(others), "no-gateway", "");
}

static void warn_of_boot_files_without_server(const struct settings *s, struct log *log)
{
	for (size_t i = 0; s->tftp_root[0] == '\0' && i < s->n_dhcp_boots; i++) {
		const struct dhcp_boot_rule *b = &s->dhcp_boots[i];
		if (b->server == 0 && b->file[0] && !strstr(b->file, "://"))
			log_warning(
				log,
				"dhcp-boot %s: the gateway serves no files by TFTP: set tftp-root, or append the address of another server",
				b->file);
	}
}

static bool is_given_tag(const struct settings *s, const char *tag)
{
	bool given = strcmp(tag, DHCP_TAG_KNOWN) == 0;
	for (size_t i = 0; !given && i < s->n_dhcp_tags; i++)
		given = strcmp(tag, s->dhcp_tags[i].tag) == 0;
	for (size_t i = 0; !given && i < s->n_hosts; i++)
		given = strcmp(tag, s->hosts[i].tag) == 0;
	for (size_t i = 0; !given && i < s->n_dhcp_hosts; i++)
		given = strcmp(tag, s->dhcp_hosts[i].tag) == 0;
	return given;
}

static void warn_of_tags(const struct settings *s, const struct dhcp_condition *when, const char *option, struct log *log)
{
	for (unsigned i = 0; i < when->n; i++)
		if (!is_given_tag(s, when->tags[i].tag))
			log_warning(log, "%s: no guest has the tag %s: give it with dhcp-tag, or with tag= in host or dhcp-host", option,
				    when->tags[i].tag);
}

void idle_options_warn(const struct settings *s, struct log *log)
{
	warn_of_engine(s, log);
	warn_of_missing_services(s, log);
	if (s->no_dhcp || s->no_gateway)
		return;
	warn_of_boot_files_without_server(s, log);
	for (size_t i = 0; i < s->n_dhcp_options; i++)
		warn_of_tags(s, &s->dhcp_options[i].when, "dhcp-option", log);
	for (size_t i = 0; i < s->n_dhcp_boots; i++)
		warn_of_tags(s, &s->dhcp_boots[i].when, "dhcp-boot", log);
}
