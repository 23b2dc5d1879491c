/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "network/host_names.h"

#include "base/log.h"
#include "host/file_follower.h"
#include "host/hosts_file.h"
#include "host/resolv_conf.h"
#include "host/resolv_follower.h"
#include "service/dhcp/dhcp.h"
#include "service/dns/dns.h"
#include "service/dns/records.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RESOLV_CONF_PATH "/etc/resolv.conf"
#define HOSTS_PATH "/etc/hosts"
/* Some 30,000 names. */
#define HOSTS_FILE_MAX ((size_t)1024 * 1024)

/* --- resolv.conf --- */

/* systemd-resolved's list of the servers of all links, beside which its stub knows which server is for which domain. */
#define RESOLVED_UPLINK_PATH "/run/systemd/resolve/resolv.conf"
#define RESOLVED_STUB "127.0.0.53"

static bool is_list_of_resolved(void)
{
	char path[PATH_MAX];
	return realpath(RESOLV_CONF_PATH, path) && strcmp(path, RESOLVED_UPLINK_PATH) == 0;
}

/* The host's servers.  Programs of the host that ask resolved get its split DNS, so the stub comes first; a closed port costs nothing. */
static struct dns_server_list servers_of_host(const struct resolv_conf *conf)
{
	struct dns_server_list list = { 0 };
	struct dns_server stub;
	if (is_list_of_resolved() && dns_server_parse(RESOLVED_STUB, &stub) == 0)
		dns_server_list_add(&list, &stub);
	for (unsigned i = 0; i < conf->servers.count; i++)
		dns_server_list_add(&list, &conf->servers.server[i]);
	return list;
}

static void use_servers(struct host_names *h)
{
	struct dns_outside outside = h->given;
	const struct resolv_conf *conf = h->resolv ? resolv_follower_conf(h->resolv) : NULL;
	if (conf && outside.servers.count == 0) {
		outside.servers = servers_of_host(conf);
		outside.rotate = conf->rotate;
		outside.over_tcp = conf->use_vc;
	}
	outside.no_aaaa = conf && conf->no_aaaa;
	dns_set_outside(h->dns, &outside);
}

static void use_search_list(struct host_names *h)
{
	const char *domains[RESOLV_SEARCH_MAX];
	const struct resolv_conf *conf = resolv_follower_conf(h->resolv);
	for (unsigned i = 0; i < conf->n_search; i++)
		domains[i] = conf->search[i];
	dhcp_set_search(h->dhcp, domains, conf->n_search);
}

static void conf_changed(void *opaque, const struct resolv_conf *conf)
{
	use_servers(opaque);
	use_search_list(opaque);
}

static int follow_resolv_conf(struct host_names *h)
{
	int r = resolv_follower_new(
		&(struct resolv_follower_config){ .poller = h->poller, .log = h->log, .changed = conf_changed, .opaque = h }, &h->resolv);
	if (r == 0)
		use_search_list(h);
	return r;
}

/* --- /etc/hosts --- */

static void hosts_read(void *opaque, const char *text, size_t len)
{
	struct host_names *h = opaque;
	char name[HOST_NAME_MAX + 1] = "";
	if (gethostname(name, sizeof(name) - 1) < 0)
		name[0] = '\0';
	struct hosts_file_self self = { .host_name = name, .addr = h->self };
	struct dns_records records = { .key = h->key };
	int r = hosts_file_parse(text, len, &self, &records);
	if (r < 0)
		log_warning(h->log, "dns: " HOSTS_PATH ": only the first names are used: %s", strerror(-r));
	dns_set_hosts(h->dns, &records);
}

static int follow_hosts(struct host_names *h)
{
	return file_follower_new(&(struct file_follower_config){ .poller = h->poller,
								 .log = h->log,
								 .path = HOSTS_PATH,
								 .max_size = HOSTS_FILE_MAX,
								 .read = hosts_read,
								 .opaque = h },
				 &h->hosts);
}

int host_names_init(struct host_names *h, const struct host_names_config *config)
{
	*h = (struct host_names){
		.poller = config->poller,
		.log = config->log,
		.dns = config->dns,
		.dhcp = config->dhcp,
		.self = ip_from_ip4(config->gateway),
		.key = config->key,
	};
	int r = follow_hosts(h);
	return r < 0 || config->isolated ? r : follow_resolv_conf(h);
}

void host_names_done(struct host_names *h)
{
	file_follower_free(h->hosts);
	resolv_follower_free(h->resolv);
	*h = (struct host_names){ 0 };
}

void host_names_set_servers(struct host_names *h, const struct dns_server_list *servers, const struct dns_route_list *routes)
{
	h->given = (struct dns_outside){ .servers = *servers, .routes = *routes };
	use_servers(h);
}
