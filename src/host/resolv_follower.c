/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/resolv_follower.h"

#include "base/log.h"
#include "host/file_follower.h"
#include "host/resolv_conf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_PATH "/etc/resolv.conf"
#define FILE_MAX ((size_t)64 * 1024)

struct resolv_follower {
	struct resolv_follower_config config;
	struct file_follower *file;
	struct resolv_conf conf;
	bool ready; /* the first reading is over */
};

static void log_servers(const struct resolv_follower *f)
{
	char line[DNS_SERVERS_MAX * (DNS_SERVER_TEXT_SIZE + 1) + 1] = "", text[DNS_SERVER_TEXT_SIZE];
	for (unsigned i = 0; i < f->conf.servers.count; i++) {
		strcat(line, " ");
		strcat(line, dns_server_format(&f->conf.servers.server[i], text));
	}
	log_info(f->config.log, "dns: name servers of %s:%s", f->config.path, line);
}

static void file_read(void *opaque, const char *text, size_t len)
{
	struct resolv_follower *f = opaque;
	struct resolv_conf conf;
	resolv_conf_parse(text, len, &conf);
	if (resolv_conf_equal(&conf, &f->conf))
		return;
	bool same_servers = dns_server_list_equal(&conf.servers, &f->conf.servers);
	f->conf = conf;
	if (!same_servers)
		log_servers(f);
	if (f->ready)
		f->config.changed(f->config.opaque, &f->conf);
}

int resolv_follower_new(const struct resolv_follower_config *config, struct resolv_follower **ret)
{
	struct resolv_follower *f = calloc(1, sizeof(*f));
	if (!f)
		return -ENOMEM;
	f->config = *config;
	if (!f->config.path)
		f->config.path = DEFAULT_PATH;
	resolv_conf_parse("", 0, &f->conf);
	int r = file_follower_new(&(struct file_follower_config){ .poller = config->poller,
								  .log = config->log,
								  .path = f->config.path,
								  .max_size = FILE_MAX,
								  .read = file_read,
								  .opaque = f },
				  &f->file);
	if (r < 0) {
		free(f);
		return r;
	}
	f->ready = true;
	*ret = f;
	return 0;
}

void resolv_follower_free(struct resolv_follower *f)
{
	if (!f)
		return;
	file_follower_free(f->file);
	free(f);
}

const struct resolv_conf *resolv_follower_conf(const struct resolv_follower *f)
{
	return &f->conf;
}
