/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the user adds to the server's answers: tags for kinds of clients, options of its own, and what clients boot.
 *
 * A rule has up to four tags, and is for the clients that have them all.  A client has the tags of the classes that it sends, that of its
 * reservation, and "known" when it has one.  Of several rules that say the same thing, the one with most tags counts, then the first.
 */
#pragma once

#include "base/addr.h"
#include "wire/dhcp_option.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dhcp_message;
struct reservation;

#define DHCP_TAG_SIZE 32       /* with the NUL */
#define DHCP_TAG_KNOWN "known" /* of clients that have a reservation */
#define DHCP_CONDITION_TAGS 4  /* of one rule */
#define DHCP_RULES_MAX 256u    /* of each kind */
#define DHCP_CLASS_TEXT_SIZE 64
#define DHCP_BOOT_FILE_SIZE 256

/* Which clients a rule is for. */
struct dhcp_condition {
	unsigned n; /* 0: all */
	struct {
		char tag[DHCP_TAG_SIZE];
		bool absent; /* those that do not have it */
	} tags[DHCP_CONDITION_TAGS];
};

enum dhcp_class {
	DHCP_CLASS_VENDOR,       /* option 60 begins with the text */
	DHCP_CLASS_USER,         /* option 77 has the text in it */
	DHCP_CLASS_ARCHITECTURE, /* option 93 is the number */
};

/* Gives the clients of a class a tag. */
struct dhcp_tag_rule {
	char tag[DHCP_TAG_SIZE];
	enum dhcp_class by;
	uint16_t architecture;
	char text[DHCP_CLASS_TEXT_SIZE];
};

/* An option with another value than the server's own. */
struct dhcp_option_rule {
	struct dhcp_condition when;
	bool forced; /* sent to clients that do not ask for it, too */
	uint8_t code;
	uint8_t len; /* 0: the option is not sent */
	uint8_t value[DHCP_OPTION_VALUE_MAX];
};

/* What clients boot from the network. */
struct dhcp_boot_rule {
	struct dhcp_condition when;
	char file[DHCP_BOOT_FILE_SIZE]; /* a path on the server, or a URL; "": nothing */
	ip4_t server;                   /* 0: the gateway */
};

struct dhcp_rules {
	const struct dhcp_tag_rule *tags;
	size_t n_tags;
	const struct dhcp_option_rule *options;
	size_t n_options;
	const struct dhcp_boot_rule *boots;
	size_t n_boots;
};

/* -ENOMEM.  dhcp_rules_done() frees the copy. */
int dhcp_rules_copy(const struct dhcp_rules *from, struct dhcp_rules *ret);
/* Frees a copy; harmless on zeroed rules. */
void dhcp_rules_done(struct dhcp_rules *r);

/* A client, as rules see it. */
struct dhcp_rules_client {
	const struct dhcp_message *message;
	const struct reservation *reservation; /* NULL: it has none */
};

bool dhcp_rules_apply(const struct dhcp_rules *r, const struct dhcp_condition *when, const struct dhcp_rules_client *client);
/* Whether a rule may set the option: not those that the server works out, or that are the client's. */
bool dhcp_rules_may_set(uint8_t code);
/* The rule about option @code for @client; NULL: there is none. */
const struct dhcp_option_rule *dhcp_rules_option(const struct dhcp_rules *r, uint8_t code, const struct dhcp_rules_client *client);
/* What @client boots; NULL: nothing. */
const struct dhcp_boot_rule *dhcp_rules_boot(const struct dhcp_rules *r, const struct dhcp_rules_client *client);
