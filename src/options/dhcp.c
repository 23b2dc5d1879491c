/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the DHCP server gives out: reservations without a MAC, options of the user's own, tags for kinds of clients, and boot files. */
#include "base/macros.h"
#include "options/option.h"
#include "options/settings.h"
#include "options/value.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALUE_SIZE 2048u

/* Architectures of RFC 4578 §2.1 and IANA's "Processor Architecture Types" that boot virtual machines. */
#define ARCHITECTURES(X) \
	X("bios", 0) \
	X("efi-ia32", 6) \
	X("efi-x64", 7) \
	X("efi-bc", 9) \
	X("efi-arm32", 10) \
	X("efi-arm64", 11) \
	X("efi-ia32-http", 15) \
	X("efi-x64-http", 16) \
	X("efi-arm32-http", 18) \
	X("efi-arm64-http", 19) \
	X("efi-riscv64", 27) \
	X("efi-riscv64-http", 28) \
	X("efi-loongarch64", 39) \
	X("efi-loongarch64-http", 40)

static const struct {
	const char *name;
	uint16_t number;
} architectures[] = {
#define ROW(name, number) { name, number },
	ARCHITECTURES(ROW)
#undef ROW
};

#define WORD(name, number) name ", "
static const char unknown_architecture[] = "the architecture is one of " ARCHITECTURES(WORD) "or a number";
#undef WORD

static int parse_architecture(const char *text, uint16_t *ret, const char **ret_why)
{
	uint32_t number;
	for (size_t i = 0; i < ARRAY_SIZE(architectures); i++) {
		if (strcmp(architectures[i].name, text) != 0)
			continue;
		*ret = architectures[i].number;
		return 0;
	}
	if (value_unsigned(text, 0, UINT16_MAX, &number) < 0) {
		*ret_why = unknown_architecture;
		return -EINVAL;
	}
	*ret = (uint16_t)number;
	return 0;
}

/* Appends @element, of @size bytes, to the @n elements of *@list.  NULL without memory. */
static void *append(void **list, size_t *n, size_t size, const void *element)
{
	void *grown = reallocarray(*list, *n + 1, size);
	if (!grown)
		return NULL;
	memcpy((char *)grown + *n * size, element, size);
	*list = grown;
	++*n;
	return grown;
}

static int add_rule(void **list, size_t *n, size_t size, const void *element, const char **ret_why)
{
	if (*n >= DHCP_RULES_MAX) {
		*ret_why = "no more than 256 are possible";
		return -EINVAL;
	}
	return append(list, n, size, element) ? 0 : -ENOMEM;
}

/* Takes "tag:NAME," and "tag:!NAME," from the front of *@text, which is written to. */
static int take_condition(char **text, struct dhcp_condition *ret, const char **ret_why)
{
	while (strncmp(*text, "tag:", strlen("tag:")) == 0) {
		char *word = strsep(text, ",") + strlen("tag:");
		if (!*text || ret->n == DHCP_CONDITION_TAGS) {
			*ret_why = *text ? "a rule has at most four tags" : NULL;
			return -EINVAL;
		}
		ret->tags[ret->n].absent = *word == '!';
		if (value_tag(word + (*word == '!'), ret->tags[ret->n].tag, ret_why) < 0)
			return -EINVAL;
		ret->n++;
	}
	return 0;
}

/* --- hosts without a MAC --- */

/* "id:01:ff:…", bytes in hexadecimal, or "id:TEXT"; "name:LABEL". */
static int parse_client(const char *text, struct reservation *ret, const char **ret_why)
{
	uint8_t id[DHCP_OPTION_VALUE_MAX];
	const char *why;
	if (strncmp(text, "name:", strlen("name:")) == 0) {
		ret->by_name = true;
		return value_label(text + strlen("name:"), ret->name, sizeof(ret->name));
	}
	if (strncmp(text, "id:", strlen("id:")) != 0)
		return -EINVAL;
	text += strlen("id:");
	int len = strchr(text, ':') ? dhcp_option_parse(DHCP_KIND_BYTES, text, id, &why) : (int)strnlen(text, sizeof(id));
	if (!strchr(text, ':'))
		memcpy(id, text, (size_t)len);
	if (len <= 0 || (size_t)len > sizeof(ret->id) || !value_is_text(text)) {
		*ret_why = "a client id has 1 to 64 bytes";
		return -EINVAL;
	}
	memcpy(ret->id, id, (size_t)len);
	ret->id_len = (uint8_t)len;
	return 0;
}

int settings_client_parse(const char *text, struct reservation *ret)
{
	const char *why;
	*ret = (struct reservation){ 0 };
	return parse_client(text, ret, &why);
}

/* An id that is text is written as such, when it is not what bytes are written like. */
static bool is_plain(const struct reservation *r)
{
	for (size_t i = 0; i < r->id_len; i++)
		if (r->id[i] <= ' ' || r->id[i] > '~' || r->id[i] == ':' || r->id[i] == ',')
			return false;
	return true;
}

char *settings_client_format(const struct reservation *r, char text[static SETTINGS_CLIENT_TEXT_SIZE])
{
	size_t size = SETTINGS_CLIENT_TEXT_SIZE, len;
	if (r->by_name)
		snprintf(text, size, "name:%s", r->name);
	else if (is_plain(r))
		snprintf(text, size, "id:%.*s", (int)r->id_len, (const char *)r->id);
	else
		for (size_t i = len = 0; i < r->id_len; i++)
			len += (size_t)snprintf(text + len, size - len, "%s%02x", i == 0 ? "id:" : ":", r->id[i]);
	return text;
}

char *settings_dhcp_host_format(const struct reservation *r, char text[static SETTINGS_DHCP_HOST_TEXT_SIZE])
{
	char client[SETTINGS_CLIENT_TEXT_SIZE], ip[IP4_TEXT_SIZE], time[SETTINGS_LEASE_TIME_TEXT_SIZE];
	bool named = r->name[0] && !r->by_name;
	settings_lease_time_format(r->lease_time_s, time);
	snprintf(text, SETTINGS_DHCP_HOST_TEXT_SIZE, "%s,%s%s%s%s%s%s%s", settings_client_format(r, client), ip4_format(r->ip, ip),
		 named ? "," : "", named ? r->name : "", r->tag[0] ? ",tag=" : "", r->tag, time[0] ? ",lease-time=" : "", time);
	return text;
}

bool settings_same_client(const struct reservation *a, const struct reservation *b)
{
	if (a->by_name || b->by_name)
		return a->by_name && b->by_name && strcmp(a->name, b->name) == 0;
	return a->id_len == b->id_len && memcmp(a->id, b->id, a->id_len) == 0;
}

int settings_remove_dhcp_host(struct settings *s, const struct reservation *r)
{
	for (size_t i = 0; i < s->n_dhcp_hosts; i++) {
		if (!settings_same_client(&s->dhcp_hosts[i], r))
			continue;
		memmove(&s->dhcp_hosts[i], &s->dhcp_hosts[i + 1], (--s->n_dhcp_hosts - i) * sizeof(*s->dhcp_hosts));
		return 0;
	}
	return -ENOENT;
}

/* "CLIENT,ADDRESS", then a name (not of name:), "tag=" and "lease-time="; @text is written to. */
static int parse_dhcp_host(char *text, struct reservation *ret, const char **ret_why)
{
	char *client = strsep(&text, ","), *ip = text ? strsep(&text, ",") : NULL;
	if (!ip || parse_client(client, ret, ret_why) < 0 || ip4_parse(ip, &ret->ip) < 0 || ret->ip == 0)
		return -EINVAL;
	for (char *word; text && (word = strsep(&text, ","));) {
		int r;
		if (strncmp(word, "tag=", strlen("tag=")) == 0)
			r = value_tag(word + strlen("tag="), ret->tag, ret_why);
		else if (strncmp(word, "lease-time=", strlen("lease-time=")) == 0)
			r = value_lease_time(word + strlen("lease-time="), &ret->lease_time_s);
		else if (ret->by_name) {
			*ret_why = "a guest that is known by its name keeps that name";
			return -EINVAL;
		} else
			r = ret->name[0] ? -EINVAL : value_label(word, ret->name, sizeof(ret->name));
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_dhcp_host(struct settings *s, const char *value, const char **ret_why)
{
	char text[VALUE_SIZE];
	struct reservation host = { 0 };
	if (snprintf(text, sizeof(text), "%s", value) >= (int)sizeof(text) || parse_dhcp_host(text, &host, ret_why) < 0)
		return -EINVAL;
	return add_rule((void **)&s->dhcp_hosts, &s->n_dhcp_hosts, sizeof(host), &host, ret_why);
}

static void clear_dhcp_hosts(struct settings *s)
{
	free(s->dhcp_hosts);
	s->dhcp_hosts = NULL;
	s->n_dhcp_hosts = 0;
}

/* --- tags --- */

/* "vendor:TEXT", "user:TEXT" or "arch:NAME". */
static int parse_class(const char *text, struct dhcp_tag_rule *ret, const char **ret_why)
{
	static const char *const words[] = {
		[DHCP_CLASS_VENDOR] = "vendor:", [DHCP_CLASS_USER] = "user:", [DHCP_CLASS_ARCHITECTURE] = "arch:"
	};
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strncmp(text, words[i], strlen(words[i])) != 0)
			continue;
		ret->by = (enum dhcp_class)i;
		text += strlen(words[i]);
		if (ret->by == DHCP_CLASS_ARCHITECTURE)
			return parse_architecture(text, &ret->architecture, ret_why);
		size_t len = strlen(text);
		if (len == 0 || len >= sizeof(ret->text) || !value_is_text(text))
			return -EINVAL;
		memcpy(ret->text, text, len + 1);
		return 0;
	}
	return -EINVAL;
}

static int add_dhcp_tag(struct settings *s, const char *value, const char **ret_why)
{
	char text[VALUE_SIZE];
	struct dhcp_tag_rule rule = { 0 };
	if (snprintf(text, sizeof(text), "%s", value) >= (int)sizeof(text))
		return -EINVAL;
	char *class = text, *tag = strsep(&class, ",");
	if (!class || value_tag(tag, rule.tag, ret_why) < 0 || parse_class(class, &rule, ret_why) < 0)
		return -EINVAL;
	return add_rule((void **)&s->dhcp_tags, &s->n_dhcp_tags, sizeof(rule), &rule, ret_why);
}

static void clear_dhcp_tags(struct settings *s)
{
	free(s->dhcp_tags);
	s->dhcp_tags = NULL;
	s->n_dhcp_tags = 0;
}

/* --- options --- */

static int parse_dhcp_option(char *text, struct dhcp_option_rule *ret, const char **ret_why)
{
	enum dhcp_option_kind kind;
	if (take_condition(&text, &ret->when, ret_why) < 0)
		return -EINVAL;
	if (strncmp(text, "force,", strlen("force,")) == 0) {
		ret->forced = true;
		text += strlen("force,");
	}
	char *name = strsep(&text, ",");
	if (dhcp_option_find(name, &ret->code, &kind) < 0) {
		*ret_why = "names are those of dnsmasq --help dhcp, numbers are from 1 to 254";
		return -EINVAL;
	}
	if (!dhcp_rules_may_set(ret->code)) {
		*ret_why = "the server works this option out, or it is the client's";
		return -EINVAL;
	}
	if (!text || text[0] == '\0')
		return 0; /* not sent */
	int len = dhcp_option_parse(kind, text, ret->value, ret_why);
	if (len < 0)
		return len;
	ret->len = (uint8_t)len;
	return 0;
}

static int add_dhcp_option(struct settings *s, const char *value, const char **ret_why)
{
	char text[VALUE_SIZE];
	struct dhcp_option_rule rule = { 0 };
	if (snprintf(text, sizeof(text), "%s", value) >= (int)sizeof(text) || parse_dhcp_option(text, &rule, ret_why) < 0)
		return -EINVAL;
	return add_rule((void **)&s->dhcp_options, &s->n_dhcp_options, sizeof(rule), &rule, ret_why);
}

static void clear_dhcp_options(struct settings *s)
{
	free(s->dhcp_options);
	s->dhcp_options = NULL;
	s->n_dhcp_options = 0;
}

/* --- boot --- */

/* "FILE" or "FILE,SERVER". */
static int parse_dhcp_boot(char *text, struct dhcp_boot_rule *ret, const char **ret_why)
{
	if (take_condition(&text, &ret->when, ret_why) < 0)
		return -EINVAL;
	char *file = strsep(&text, ",");
	size_t len = strlen(file);
	if (len >= sizeof(ret->file) || (len > 0 && !value_is_text(file)))
		return -EINVAL;
	if (text && (ip4_parse(text, &ret->server) < 0 || ret->server == 0))
		return -EINVAL;
	memcpy(ret->file, file, len + 1);
	return 0;
}

static int add_dhcp_boot(struct settings *s, const char *value, const char **ret_why)
{
	char text[VALUE_SIZE];
	struct dhcp_boot_rule rule = { 0 };
	if (snprintf(text, sizeof(text), "%s", value) >= (int)sizeof(text) || parse_dhcp_boot(text, &rule, ret_why) < 0)
		return -EINVAL;
	return add_rule((void **)&s->dhcp_boots, &s->n_dhcp_boots, sizeof(rule), &rule, ret_why);
}

static void clear_dhcp_boots(struct settings *s)
{
	free(s->dhcp_boots);
	s->dhcp_boots = NULL;
	s->n_dhcp_boots = 0;
}

/* --- files to boot --- */

static int set_path(const char *value, char ret[static SETTINGS_PATH_MAX + 1])
{
	size_t len = strlen(value);
	if (len > SETTINGS_PATH_MAX || (len > 0 && !value_is_text(value)))
		return -EINVAL;
	memset(ret, 0, SETTINGS_PATH_MAX + 1);
	for (size_t i = 0; i < len; i++)
		ret[i] = value[i];
	return 0;
}

static int set_tftp_root(struct settings *s, const char *value, const char **ret_why)
{
	return set_path(value, s->tftp_root);
}

static int set_http_root(struct settings *s, const char *value, const char **ret_why)
{
	return set_path(value, s->http_root);
}

/* Rules are zeroed before they are filled in, and have no padding that differs. */
static bool same_list(const void *a, size_t n_a, const void *b, size_t n_b, size_t size)
{
	return n_a == n_b && (n_a == 0 || memcmp(a, b, n_a * size) == 0);
}

static bool same_dhcp_tags(const struct settings *a, const struct settings *b)
{
	return same_list(a->dhcp_tags, a->n_dhcp_tags, b->dhcp_tags, b->n_dhcp_tags, sizeof(*a->dhcp_tags));
}

static bool same_dhcp_options(const struct settings *a, const struct settings *b)
{
	return same_list(a->dhcp_options, a->n_dhcp_options, b->dhcp_options, b->n_dhcp_options, sizeof(*a->dhcp_options));
}

static bool same_dhcp_boots(const struct settings *a, const struct settings *b)
{
	return same_list(a->dhcp_boots, a->n_dhcp_boots, b->dhcp_boots, b->n_dhcp_boots, sizeof(*a->dhcp_boots));
}

static bool same_dhcp_hosts(const struct settings *a, const struct settings *b)
{
	return same_list(a->dhcp_hosts, a->n_dhcp_hosts, b->dhcp_hosts, b->n_dhcp_hosts, sizeof(*a->dhcp_hosts));
}

static const struct option options[] = {
	{
		.public = {
			.name = "dhcp-host",
			.argument = "CLIENT,ADDRESS[,NAME]",
			.help =
				"A DHCP reservation for a guest whose MAC is not known. CLIENT is id: with the client id (option 61) as text, or "
				"in hexadecimal with colons; or name: with the name that the guest sends. A guest can say what it likes of "
				"itself: while one has the address, no other gets it. tag= and lease-time= may follow, as in --host.",
			.repeatable = true,
		},
		.accepts = "a client and an address, such as id:01:52:54:00:12:34:56,192.168.122.10,web or name:db,192.168.122.11",
		.set = add_dhcp_host,
		.clear = clear_dhcp_hosts,
		.place = OPTION_PLACES(dhcp_hosts, n_dhcp_hosts),
		.same = same_dhcp_hosts,
		.live = true,
	},
	{
		.public = {
			.name = "dhcp-option",
			.argument = "[tag:TAG,]...[force,]OPTION[,VALUE]",
			.help =
				"A DHCP option that guests are sent when they ask for it, instead of the server's own. OPTION is a name, "
				"such as ntp-server, router, mtu, domain-search or classless-static-route, or a number. Without "
				"VALUE the option is not sent. force sends it to guests that do not ask for it, too. With tag:TAG "
				"it is for guests that have the tag (see --dhcp-tag and --host), with tag:!TAG for those that do not.",
			.repeatable = true,
		},
		.accepts =
			"the name or number of an option and its value, such as ntp-server,192.168.122.5 or 66,text:boot.example; of an "
			"option without a name, whose value is a number or bytes, u8:, u16:, u32: or hex: is before the value",
		.set = add_dhcp_option,
		.clear = clear_dhcp_options,
		.place = OPTION_PLACES(dhcp_options, n_dhcp_options),
		.same = same_dhcp_options,
		.live = true,
	},
	{
		.public = {
			.name = "dhcp-tag",
			.argument = "TAG,CLASS",
			.help =
				"Gives DHCP clients a tag, for --dhcp-option and --dhcp-boot. CLASS is vendor:TEXT (option 60 begins "
				"with TEXT), user:TEXT (option 77 has TEXT in it) or arch:NAME (option 93 of network boots: bios, "
				"efi-x64, efi-x64-http, efi-arm64, … or a number). Guests with a reservation have the tag known.",
			.repeatable = true,
		},
		.accepts = "a tag and a class, such as ipxe,user:iPXE or uefi,arch:efi-x64",
		.set = add_dhcp_tag,
		.clear = clear_dhcp_tags,
		.place = OPTION_PLACES(dhcp_tags, n_dhcp_tags),
		.same = same_dhcp_tags,
		.live = true,
	},
	{
		.public = {
			.name = "dhcp-boot",
			.argument = "[tag:TAG,]...FILE[,SERVER]",
			.help =
				"The file that guests boot from the network: a path on the TFTP server SERVER, or a URL. SERVER is the "
				"gateway unless given. Of several that apply, the one with most tags counts; an empty FILE means no file.",
			.repeatable = true,
		},
		.accepts = "a path or a URL of at most 255 bytes and an IPv4 address, such as pxelinux.0 or tag:uefi,boot.efi,192.168.122.5",
		.set = add_dhcp_boot,
		.clear = clear_dhcp_boots,
		.place = OPTION_PLACES(dhcp_boots, n_dhcp_boots),
		.same = same_dhcp_boots,
		.live = true,
	},
	{
		.public = {
			.name = "tftp-root",
			.argument = "DIRECTORY",
			.default_value = "none",
			.help =
				"Let guests read the files of this directory from the gateway by TFTP, to boot from the network (see "
				"--dhcp-boot). Nothing outside the directory can be read, through symbolic links either.",
		},
		.accepts = "a path of at most 1023 bytes",
		.set = set_tftp_root,
		.derived = true,
		.place = OPTION_PLACE(tftp_root),
	},
	{
		.public = {
			.name = "http-root",
			.argument = "DIRECTORY",
			.default_value = "none",
			.help =
				"Let guests read the files of this directory from the gateway by HTTP, port 80, to boot from the network: "
				"--dhcp-boot http://192.168.122.1/FILE.",
		},
		.accepts = "a path of at most 1023 bytes",
		.set = set_http_root,
		.derived = true,
		.place = OPTION_PLACE(http_root),
	},
};

const struct option_group options_of_dhcp = { "DHCP", options, ARRAY_SIZE(options) };
