/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service/dhcp/rules.h"

#include "service/dhcp/reservation.h"
#include "wire/dhcp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool dhcp_rules_may_set(uint8_t code)
{
	switch (code) {
	case DHCP_OPTION_PAD:
	case DHCP_OPTION_SUBNET_MASK:
	case DHCP_OPTION_CLIENT_ID:
	case DHCP_OPTION_FQDN:
	case DHCP_OPTION_RELAY:
	case DHCP_OPTION_END: return false;
	default: return code < DHCP_OPTION_REQUESTED_IP || code > DHCP_OPTION_T2;
	}
}

static bool is_of_class(const struct dhcp_tag_rule *t, const struct dhcp_message *m)
{
	size_t len = strlen(t->text);
	switch (t->by) {
	case DHCP_CLASS_VENDOR: return m->vendor_class_len >= len && memcmp(m->vendor_class, t->text, len) == 0;
	case DHCP_CLASS_USER: return memmem(m->user_class, m->user_class_len, t->text, len) != NULL;
	case DHCP_CLASS_ARCHITECTURE: return m->has_architecture && m->architecture == t->architecture;
	}
	return false;
}

static bool has_tag(const struct dhcp_rules *r, const char *tag, const struct dhcp_rules_client *client)
{
	const struct reservation *own = client->reservation;
	if (own && (strcmp(tag, DHCP_TAG_KNOWN) == 0 || strcmp(tag, own->tag) == 0))
		return true;
	for (size_t i = 0; i < r->n_tags; i++)
		if (strcmp(r->tags[i].tag, tag) == 0 && is_of_class(&r->tags[i], client->message))
			return true;
	return false;
}

bool dhcp_rules_apply(const struct dhcp_rules *r, const struct dhcp_condition *when, const struct dhcp_rules_client *client)
{
	for (unsigned i = 0; i < when->n; i++)
		if (has_tag(r, when->tags[i].tag, client) == when->tags[i].absent)
			return false;
	return true;
}

const struct dhcp_option_rule *dhcp_rules_option(const struct dhcp_rules *r, uint8_t code, const struct dhcp_rules_client *client)
{
	const struct dhcp_option_rule *found = NULL;
	for (size_t i = 0; i < r->n_options; i++) {
		const struct dhcp_option_rule *o = &r->options[i];
		if (o->code == code && (!found || o->when.n > found->when.n) && dhcp_rules_apply(r, &o->when, client))
			found = o;
	}
	return found;
}

const struct dhcp_boot_rule *dhcp_rules_boot(const struct dhcp_rules *r, const struct dhcp_rules_client *client)
{
	const struct dhcp_boot_rule *found = NULL;
	for (size_t i = 0; i < r->n_boots; i++) {
		const struct dhcp_boot_rule *b = &r->boots[i];
		if ((!found || b->when.n > found->when.n) && dhcp_rules_apply(r, &b->when, client))
			found = b;
	}
	return found && found->file[0] ? found : NULL;
}

static int copy_list(const void *from, size_t n, size_t size, const void **ret)
{
	void *copy = calloc(n + 1, size);
	if (copy && n > 0)
		memcpy(copy, from, n * size);
	*ret = copy;
	return copy ? 0 : -ENOMEM;
}

int dhcp_rules_copy(const struct dhcp_rules *from, struct dhcp_rules *ret)
{
	const void *tags = NULL, *options = NULL, *boots = NULL;
	int r = copy_list(from->tags, from->n_tags, sizeof(*from->tags), &tags);
	if (r == 0)
		r = copy_list(from->options, from->n_options, sizeof(*from->options), &options);
	if (r == 0)
		r = copy_list(from->boots, from->n_boots, sizeof(*from->boots), &boots);
	struct dhcp_rules copy = { tags, from->n_tags, options, from->n_options, boots, from->n_boots };
	if (r == 0)
		*ret = copy;
	else
		dhcp_rules_done(&copy);
	return r;
}

void dhcp_rules_done(struct dhcp_rules *r)
{
	free((void *)r->tags);
	free((void *)r->options);
	free((void *)r->boots);
	*r = (struct dhcp_rules){ 0 };
}
