/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options by name and as text; rules for kinds of clients; what is sent because of them. */
#include "base/macros.h"
#include "options/options.h"
#include "options/settings.h"
#include "support/dhcp_bench.h"
#include "wire/dhcp_option.h"

#include <errno.h>

#define A BENCH_MAC(1)
#define B BENCH_MAC(2)

static void values_of_options_are_encoded(void)
{
	static const struct {
		const char *name, *text, *bytes;
		size_t len;
	} cases[] = {
		{ "ntp-server", "10.0.0.1,10.0.0.2", "\12\0\0\1\12\0\0\2", 8 },
		{ "42", "10.0.0.1", "\12\0\0\1", 4 },
		{ "mtu", "1400", "\5\170", 2 },
		{ "time-offset", "3600", "\0\0\16\20", 4 },
		{ "default-ttl", "255", "\377", 1 },
		{ "ip-forward-enable", "1", "\1", 1 },
		{ "root-path", "a,b", "a,b", 3 },
		{ "domain-search", "a.b,c", "\1a\1b\0\1c\0", 8 },
		{ "classless-static-route", "10.0.0.0/8,192.168.122.9,0.0.0.0/0,192.168.122.1", "\10\12\300\250\172\11\0\300\250\172\1",
		  11 },
		{ "vendor-encap", "06:01:0A", "\6\1\12", 3 },
		{ "vendor-encap", "06010a", "\6\1\12", 3 },
		{ "224", "10.0.0.1,10.0.0.2", "\12\0\0\1\12\0\0\2", 8 },
		{ "224", "hello", "hello", 5 },
		{ "224", "text:10.0.0.1", "10.0.0.1", 8 },
		{ "224", "u16:1500", "\5\334", 2 },
		{ "224", "hex:00", "\0", 1 },
		{ "mtu", "u32:1", "\0\0\0\1", 4 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t code, value[DHCP_OPTION_VALUE_MAX];
		enum dhcp_option_kind kind;
		const char *why = NULL;
		g_assert_cmpint(dhcp_option_find(cases[i].name, &code, &kind), ==, 0);
		int len = dhcp_option_parse(kind, cases[i].text, value, &why);
		g_assert_cmpint(len, ==, cases[i].len);
		g_assert_cmpmem(value, (size_t)len, cases[i].bytes, cases[i].len);
	}
}

static void wrong_values_are_refused(void)
{
	static const struct {
		const char *name, *text;
	} cases[] = {
		{ "ntp-server", "" },
		{ "ntp-server", "10.0.0" },
		{ "ntp-server", "10.0.0.1," },
		{ "subnet-mask", "1.1.1.1,2.2.2.2" },
		{ "mtu", "65536" },
		{ "mtu", "-1" },
		{ "mtu", "" },
		{ "ip-forward-enable", "2" },
		{ "domain-search", "a..b" },
		{ "classless-static-route", "10.0.0.0/8" },
		{ "classless-static-route", "10.0.0.1/8,10.0.0.1" },
		{ "vendor-encap", "0" },
		{ "vendor-encap", "0g" },
		{ "vendor-encap", "00:" },
		{ "224", "1500" },
		{ "224", "" },
		{ "224", "hex:" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t code, value[DHCP_OPTION_VALUE_MAX];
		enum dhcp_option_kind kind;
		const char *why = NULL;
		g_assert_cmpint(dhcp_option_find(cases[i].name, &code, &kind), ==, 0);
		g_assert_cmpint(dhcp_option_parse(kind, cases[i].text, value, &why), ==, -EINVAL);
		g_assert_nonnull(why);
	}
	g_autofree char *long_text = g_strnfill(256, 'x');
	uint8_t value[DHCP_OPTION_VALUE_MAX];
	const char *why = NULL;
	g_assert_cmpint(dhcp_option_parse(DHCP_KIND_TEXT, long_text, value, &why), ==, -EINVAL);
	long_text[255] = '\0';
	g_assert_cmpint(dhcp_option_parse(DHCP_KIND_TEXT, long_text, value, &why), ==, 255);
}

static void names_of_options_are_known(void)
{
	uint8_t code;
	enum dhcp_option_kind kind;
	static const char *const unknown[] = { "", "0", "255", "256", "no-such-option", "4x" };
	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++)
		g_assert_cmpint(dhcp_option_find(unknown[i], &code, &kind), ==, -ENOENT);
	g_assert_cmpint(dhcp_option_find("router", &code, &kind), ==, 0);
	g_assert_cmpuint(code, ==, 3);
	g_assert_cmpint(kind, ==, DHCP_KIND_ADDRESSES);
	g_assert_cmpint(dhcp_option_find("254", &code, &kind), ==, 0);
	g_assert_cmpint(kind, ==, DHCP_KIND_UNKNOWN);
}

/* A bench whose rules are options as a user writes them: "NAME=VALUE". */
struct fixture {
	struct dhcp_bench bench;
	struct settings s;
};

static void set_options(struct fixture *f, const char *const *options)
{
	char error[300] = "";
	option_set_defaults(&f->s);
	for (; *options; options++) {
		g_auto(GStrv) parts = g_strsplit(*options, "=", 2);
		if (option_set(&f->s, parts[0], parts[1], error, sizeof(error)) < 0)
			g_error("%s", error);
	}
	bench_init(&f->bench);
}

static void start_with_hosts(struct fixture *f, const char *const *options)
{
	set_options(f, options);
	f->bench.config.reservations = f->s.dhcp_hosts;
	f->bench.config.n_reservations = f->s.n_dhcp_hosts;
	bench_start(&f->bench);
}

static void start(struct fixture *f, const char *const *options)
{
	set_options(f, options);
	f->bench.config.rules = (struct dhcp_rules){ f->s.dhcp_tags,      f->s.n_dhcp_tags, f->s.dhcp_options,
						     f->s.n_dhcp_options, f->s.dhcp_boots,  f->s.n_dhcp_boots };
	static struct reservation all[4];
	for (size_t i = 0; i < f->s.n_hosts; i++) {
		all[i] = (struct reservation){ .mac = f->s.hosts[i].mac,
					       .ip = f->s.hosts[i].ip,
					       .lease_time_s = f->s.hosts[i].lease_time_s };
		g_strlcpy(all[i].tag, f->s.hosts[i].tag, sizeof(all[i].tag));
	}
	f->bench.config.reservations = all;
	f->bench.config.n_reservations = f->s.n_hosts;
	bench_start(&f->bench);
}

static void end(struct fixture *f)
{
	bench_done(&f->bench);
	settings_done(&f->s);
}

#define OPTIONS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static const struct bench_reply *ack_to(struct fixture *f, struct bench_ask ask)
{
	ask.type = DHCP_REQUEST;
	if (mac_is_zero(ask.mac))
		ask.mac = A;
	ask.requested = BENCH_IP(50 + ask.mac.b[5]);
	bench_forget(&f->bench);
	bench_send(&f->bench, &ask);
	return bench_only_reply(&f->bench, DHCP_ACK);
}

static void assert_value(const struct bench_reply *r, uint8_t code, const char *bytes, size_t len)
{
	uint8_t value[600];
	ssize_t got = dhcp_option_get(r->bytes, r->datagram.len, code, value, sizeof(value));
	g_assert_cmpint(got, >=, 0);
	g_assert_cmpmem(value, (size_t)got, bytes, len);
}

static void option_is_sent_when_asked_for(void)
{
	struct fixture f;
	start(&f, OPTIONS("dhcp-option=ntp-server,10.0.0.1", "dhcp-option=force,224,x", "dhcp-option=mtu,1400", "dhcp-option=broadcast,"));
	const struct bench_reply *r = ack_to(&f, (struct bench_ask){ .parameters = "\52\32\34" });
	assert_value(r, 42, "\12\0\0\1", 4);
	assert_value(r, 224, "x", 1);
	g_assert_cmpuint(bench_number(r, 26), ==, 1400);
	g_assert_false(bench_has(r, 28)); /* the server's own, which the rule takes out */
	r = ack_to(&f, (struct bench_ask){ .parameters = "\3" });
	g_assert_false(bench_has(r, 42));
	assert_value(r, 224, "x", 1);
	r = ack_to(&f, (struct bench_ask){ 0 }); /* no list: everything */
	assert_value(r, 42, "\12\0\0\1", 4);
	g_assert_cmpuint(bench_number(r, 26), ==, 1400);
	end(&f);
}

static void option_is_for_clients_with_its_tags(void)
{
	struct fixture f;
	start(&f, OPTIONS("dhcp-tag=ms,vendor:MSFT", "dhcp-tag=ipxe,user:iPXE", "dhcp-tag=uefi,arch:efi-x64", "dhcp-tag=uefi,arch:16",
			  "dhcp-option=224,all", "dhcp-option=tag:ms,224,ms", "dhcp-option=tag:ms,tag:ipxe,224,both",
			  "dhcp-option=tag:!ms,225,other", "dhcp-option=tag:uefi,226,uefi", "dhcp-option=tag:lab,224,host",
			  "dhcp-option=tag:known,227,known", "host=52:54:00:00:00:02,tag=lab"));
	static const char list[] = "\340\341\342\343";
	const struct bench_reply *r = ack_to(&f, (struct bench_ask){ .parameters = list });
	assert_value(r, 224, "all", 3);
	assert_value(r, 225, "other", 5);
	g_assert_false(bench_has(r, 226));
	g_assert_false(bench_has(r, 227));
	r = ack_to(&f, (struct bench_ask){ .parameters = list, .vendor_class = "MSFT 5.0" });
	assert_value(r, 224, "ms", 2);
	g_assert_false(bench_has(r, 225));
	assert_value(ack_to(&f, (struct bench_ask){ .parameters = list, .vendor_class = "MSF" }), 224, "all", 3);
	assert_value(ack_to(&f, (struct bench_ask){ .parameters = list, .vendor_class = "MSFT", .user_class = "\4iPXE" }), 224, "both", 4);
	assert_value(ack_to(&f, (struct bench_ask){ .parameters = list, .architecture = 7 }), 226, "uefi", 4);
	assert_value(ack_to(&f, (struct bench_ask){ .parameters = list, .architecture = 16 }), 226, "uefi", 4);
	r = ack_to(&f, (struct bench_ask){ .mac = B, .parameters = list });
	assert_value(r, 224, "host", 4);
	assert_value(r, 227, "known", 5);
	end(&f);
}

static void boot_file_and_server_are_told(void)
{
	struct fixture f;
	start(&f, OPTIONS("dhcp-tag=uefi,arch:efi-x64", "dhcp-boot=pxelinux.0", "dhcp-boot=tag:uefi,boot.efi,10.0.0.5"));
	const struct bench_reply *r = ack_to(&f, (struct bench_ask){ .parameters = "\102\103" });
	g_assert_cmphex(r->message.header.siaddr, ==, BENCH_GATEWAY);
	g_assert_cmpstr((const char *)r->bytes + 108, ==, "pxelinux.0");
	assert_value(r, 66, "192.168.122.1", 13);
	assert_value(r, 67, "pxelinux.0", 10);
	r = ack_to(&f, (struct bench_ask){ .parameters = "\3", .architecture = 7 });
	g_assert_cmphex(r->message.header.siaddr, ==, IP4(10, 0, 0, 5));
	g_assert_cmpstr((const char *)r->bytes + 108, ==, "boot.efi");
	g_assert_false(bench_has(r, 67));
	end(&f);
}

static void long_boot_file_is_an_option(void)
{
	struct fixture f;
	g_autofree char *url = g_strnfill(200, 'u'), *option = g_strdup_printf("dhcp-boot=%s", url);
	start(&f, OPTIONS(option));
	const struct bench_reply *r = ack_to(&f, (struct bench_ask){ .parameters = "\3", .max_size = 1500 });
	g_assert_cmpuint(r->bytes[108], ==, 0);
	assert_value(r, 67, url, 200);
	end(&f);
}

/* UEFI 2.10 §24.7: offers without option 60 "HTTPClient" are not for it. */
static void http_client_is_answered_as_one(void)
{
	struct fixture f;
	start(&f, OPTIONS("dhcp-boot=http://192.168.122.1/boot.efi"));
	const struct bench_reply *r =
		ack_to(&f, (struct bench_ask){ .parameters = "\74\103", .vendor_class = "HTTPClient:Arch:00016:UNDI:003001" });
	assert_value(r, 60, "HTTPClient", 10);
	assert_value(r, 67, "http://192.168.122.1/boot.efi", 29);
	g_assert_false(bench_has(ack_to(&f, (struct bench_ask){ .parameters = "\74", .vendor_class = "MSFT" }), 60));
	end(&f);
}

static void host_has_a_lease_time_of_its_own(void)
{
	struct fixture f;
	start(&f, OPTIONS("host=52:54:00:00:00:02,lease-time=2h"));
	g_assert_cmpuint(bench_number(ack_to(&f, (struct bench_ask){ .mac = A }), DHCP_OPTION_LEASE_TIME), ==, 3600);
	g_assert_cmpuint(bench_number(ack_to(&f, (struct bench_ask){ .mac = B }), DHCP_OPTION_LEASE_TIME), ==, 7200);
	end(&f);
}

static ip4_t discover_as(struct fixture *f, struct mac mac, const char *id, const char *name)
{
	bench_forget(&f->bench);
	bench_send(&f->bench, &(struct bench_ask){ .type = DHCP_DISCOVER, .mac = mac, .client_id = id, .name = name });
	bench_sleep(&f->bench, USEC_PER_SEC);
	ip4_t ip = bench_only_reply(&f->bench, DHCP_OFFER)->message.header.yiaddr;
	bench_forget(&f->bench);
	struct bench_ask take = {
		.type = DHCP_REQUEST, .mac = mac, .client_id = id, .name = name, .requested = ip, .server_id = BENCH_GATEWAY
	};
	bench_send(&f->bench, &take);
	bench_only_reply(&f->bench, DHCP_ACK);
	return ip;
}

static void client_is_known_by_its_id_or_name(void)
{
	struct fixture f;
	start_with_hosts(&f, OPTIONS("dhcp-host=id:abc,192.168.122.60,by-id", "dhcp-host=name:db,192.168.122.61"));
	g_assert_cmphex(discover_as(&f, A, "abc", NULL), ==, BENCH_IP(60));
	g_assert_cmpstr(dhcp_name_of(&f.bench.dhcp, f.bench.now, A), ==, "by-id");
	g_assert_cmphex(discover_as(&f, B, "x", "DB.example"), ==, BENCH_IP(61));
	g_assert_cmpstr(dhcp_name_of(&f.bench.dhcp, f.bench.now, B), ==, "db");
	/* While they have the addresses, others that say the same get others. */
	g_assert_cmphex(discover_as(&f, BENCH_MAC(3), "abc", "db"), !=, BENCH_IP(60));
	bench_request(&f.bench, BENCH_MAC(4), BENCH_IP(61), 0, 0);
	bench_only_reply(&f.bench, DHCP_NAK);
	/* A renewal need not say it again. */
	bench_request(&f.bench, A, 0, 0, BENCH_IP(60));
	bench_only_reply(&f.bench, DHCP_ACK);
	end(&f);
}

/* The machine was made again with another MAC, and the old one is gone. */
static void client_id_of_a_detached_machine_is_claimed_by_another(void)
{
	struct fixture f;
	start_with_hosts(&f, OPTIONS("dhcp-host=id:abc,192.168.122.60"));
	bench_guard(&f.bench);
	g_assert_cmphex(discover_as(&f, A, "abc", NULL), ==, BENCH_IP(60));
	f.bench.from = &f.bench.other;
	g_assert_cmphex(discover_as(&f, BENCH_MAC(3), "abc", NULL), !=, BENCH_IP(60));
	bench_unplug(&f.bench, &f.bench.port);
	g_assert_cmphex(discover_as(&f, B, "abc", NULL), ==, BENCH_IP(60));
	end(&f);
}

/* A reload, and a restart: the lease says who had it. */
static void claim_outlives_new_reservations(void)
{
	struct fixture f;
	start_with_hosts(&f, OPTIONS("dhcp-host=id:abc,192.168.122.60"));
	g_assert_cmphex(discover_as(&f, A, "abc", NULL), ==, BENCH_IP(60));
	g_assert_cmpint(dhcp_set_reservations(&f.bench.dhcp, f.s.dhcp_hosts, f.s.n_dhcp_hosts), ==, 0);
	bench_request(&f.bench, A, 0, 0, BENCH_IP(60));
	bench_only_reply(&f.bench, DHCP_ACK);
	dhcp_done(&f.bench.dhcp);
	bench_start(&f.bench);
	struct dhcp_saved_lease saved = { .mac = A,
					  .ip = BENCH_IP(60),
					  .expires = f.bench.now + 100 * USEC_PER_SEC,
					  .client_id = (const uint8_t *)"abc",
					  .client_id_len = 3 };
	g_assert_cmpint(dhcp_restore(&f.bench.dhcp, f.bench.now, &saved), ==, 0);
	bench_request(&f.bench, A, 0, 0, BENCH_IP(60));
	bench_only_reply(&f.bench, DHCP_ACK);
	end(&f);
}

static void replace_hosts(struct fixture *f, const char *const *options)
{
	struct settings s;
	char error[300] = "";
	option_set_defaults(&s);
	for (; *options; options++)
		if (option_set(&s, "dhcp-host", *options, error, sizeof(error)) < 0)
			g_error("%s", error);
	g_assert_cmpint(dhcp_set_reservations(&f->bench.dhcp, s.dhcp_hosts, s.n_dhcp_hosts), ==, 0);
	settings_done(&s);
}

static void assert_declared(struct fixture *f, ip4_t ip, struct mac mac)
{
	struct guest_holder holder;
	g_assert_cmpint(dhcp_rank(&f->bench.dhcp, f->bench.now, ip, &holder), ==, GUEST_RANK_DECLARED);
	g_assert_cmpmem(&holder.mac, sizeof(mac), &mac, sizeof(mac));
}

/* MACs of claimed reservations are sorted among the others, in whatever order they are given back. */
static void every_claim_outlives_new_reservations(void)
{
	struct fixture f;
	start_with_hosts(&f, OPTIONS("dhcp-host=id:a,192.168.122.60", "dhcp-host=id:b,192.168.122.61", "dhcp-host=id:c,192.168.122.62",
				     "dhcp-host=name:d,192.168.122.63", "dhcp-host=name:e,192.168.122.64"));
	g_assert_cmphex(discover_as(&f, BENCH_MAC(9), "a", "x"), ==, BENCH_IP(60));
	g_assert_cmphex(discover_as(&f, BENCH_MAC(1), "b", NULL), ==, BENCH_IP(61));
	g_assert_cmphex(discover_as(&f, BENCH_MAC(5), "c", NULL), ==, BENCH_IP(62));
	g_assert_cmphex(discover_as(&f, BENCH_MAC(3), "7", "d"), ==, BENCH_IP(63));
	g_assert_cmphex(discover_as(&f, BENCH_MAC(7), "8", "e"), ==, BENCH_IP(64));
	replace_hosts(&f, OPTIONS("name:e,192.168.122.64", "id:zz,192.168.122.70", "name:d,192.168.122.63", "id:c,192.168.122.62",
				  "id:b,192.168.122.61", "id:a,192.168.122.60"));
	assert_declared(&f, BENCH_IP(60), BENCH_MAC(9));
	assert_declared(&f, BENCH_IP(61), BENCH_MAC(1));
	assert_declared(&f, BENCH_IP(62), BENCH_MAC(5));
	assert_declared(&f, BENCH_IP(63), BENCH_MAC(3));
	assert_declared(&f, BENCH_IP(64), BENCH_MAC(7));
	bench_request(&f.bench, BENCH_MAC(5), 0, 0, BENCH_IP(62));
	bench_only_reply(&f.bench, DHCP_ACK);
	end(&f);
}

/* A guest that runs has what is new about it at once, as with --host. */
static void changed_and_new_reservations_find_their_clients(void)
{
	struct fixture f;
	ip4_t ip;
	start_with_hosts(&f, OPTIONS("dhcp-host=id:a,192.168.122.60,old", "dhcp-host=name:d,192.168.122.63"));
	g_assert_cmphex(discover_as(&f, A, "a", "other"), ==, BENCH_IP(60));
	g_assert_cmphex(discover_as(&f, B, "b", "d"), ==, BENCH_IP(63));
	ip4_t pool = discover_as(&f, BENCH_MAC(3), "c", "third");
	replace_hosts(&f, OPTIONS("id:a,192.168.122.70,new", "id:c,192.168.122.71,cc"));
	assert_declared(&f, BENCH_IP(70), A);
	assert_declared(&f, BENCH_IP(71), BENCH_MAC(3));
	g_assert_cmpstr(dhcp_name_of(&f.bench.dhcp, f.bench.now, A), ==, "new");
	g_assert_cmpstr(dhcp_name_of(&f.bench.dhcp, f.bench.now, BENCH_MAC(3)), ==, "cc");
	g_assert_cmpint(dhcp_find_mac(&f.bench.dhcp, f.bench.now, BENCH_MAC(3), &ip), ==, 0);
	g_assert_cmphex(ip, ==, pool); /* until it renews */
	bench_request(&f.bench, BENCH_MAC(3), 0, 0, pool);
	bench_only_reply(&f.bench, DHCP_NAK);
	g_assert_cmphex(discover_as(&f, BENCH_MAC(3), "c", "third"), ==, BENCH_IP(71));
	bench_request(&f.bench, B, 0, 0, BENCH_IP(63)); /* its reservation was removed, its address is one of the pool */
	bench_only_reply(&f.bench, DHCP_ACK);
	end(&f);
}

/* The lease of the client has the name of the reservation, which it does not send itself. */
static void reserved_name_claims_nothing(void)
{
	struct fixture f;
	start_with_hosts(&f, OPTIONS("dhcp-host=id:a,192.168.122.60,web"));
	g_assert_cmphex(discover_as(&f, A, "a", "x"), ==, BENCH_IP(60));
	replace_hosts(&f, OPTIONS("name:web,192.168.122.61"));
	g_assert_cmphex(discover_as(&f, B, "b", "web"), ==, BENCH_IP(61));
	assert_declared(&f, BENCH_IP(61), B);
	end(&f);
}

/* Cloned images send one id: the one that has the address keeps it. */
static void of_two_clients_with_one_id_the_holder_keeps_the_reservation(void)
{
	struct fixture f;
	start_with_hosts(&f, OPTIONS("dhcp-host=id:a,192.168.122.60"));
	g_assert_cmphex(discover_as(&f, A, "a", NULL), ==, BENCH_IP(60));
	ip4_t other = discover_as(&f, B, "a", NULL);
	bench_request(&f.bench, A, 0, 0, BENCH_IP(60)); /* is the one that was heard last */
	bench_only_reply(&f.bench, DHCP_ACK);
	replace_hosts(&f, OPTIONS("id:a,192.168.122.60"));
	assert_declared(&f, BENCH_IP(60), A);
	bench_request(&f.bench, B, 0, 0, other);
	bench_only_reply(&f.bench, DHCP_ACK);
	end(&f);
}

/* OFFER and ACK of a client have the same options (systemd issue 27471). */
static void offer_has_the_rules_too(void)
{
	struct fixture f;
	start(&f, OPTIONS("dhcp-option=224,x", "dhcp-boot=a"));
	bench_send(&f.bench, &(struct bench_ask){ .type = DHCP_DISCOVER, .mac = A, .parameters = "\340" });
	bench_sleep(&f.bench, USEC_PER_SEC);
	const struct bench_reply *r = bench_only_reply(&f.bench, DHCP_OFFER);
	assert_value(r, 224, "x", 1);
	g_assert_cmpstr((const char *)r->bytes + 108, ==, "a");
	end(&f);
}

static void rules_are_exchanged_while_it_runs(void)
{
	struct fixture f;
	start(&f, OPTIONS("dhcp-option=224,x"));
	struct dhcp_option_rule rule = { .code = 225, .len = 1, .value = "y" };
	struct dhcp_rules rules, wanted = { .options = &rule, .n_options = 1 };
	g_assert_cmpint(dhcp_rules_copy(&wanted, &rules), ==, 0);
	dhcp_set_rules(&f.bench.dhcp, &rules);
	const struct bench_reply *r = ack_to(&f, (struct bench_ask){ .parameters = "\340\341" });
	g_assert_false(bench_has(r, 224));
	assert_value(r, 225, "y", 1);
	end(&f);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define TEST(name) g_test_add_func("/dhcp-rules/" #name, name)
	TEST(values_of_options_are_encoded);
	TEST(wrong_values_are_refused);
	TEST(names_of_options_are_known);
	TEST(option_is_sent_when_asked_for);
	TEST(option_is_for_clients_with_its_tags);
	TEST(boot_file_and_server_are_told);
	TEST(long_boot_file_is_an_option);
	TEST(http_client_is_answered_as_one);
	TEST(host_has_a_lease_time_of_its_own);
	TEST(client_is_known_by_its_id_or_name);
	TEST(client_id_of_a_detached_machine_is_claimed_by_another);
	TEST(claim_outlives_new_reservations);
	TEST(every_claim_outlives_new_reservations);
	TEST(changed_and_new_reservations_find_their_clients);
	TEST(reserved_name_claims_nothing);
	TEST(of_two_clients_with_one_id_the_holder_keeps_the_reservation);
	TEST(offer_has_the_rules_too);
	TEST(rules_are_exchanged_while_it_runs);
	return g_test_run();
}
