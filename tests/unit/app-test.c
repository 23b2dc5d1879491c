/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parts of src/app that need no process.  tests/app runs the command itself. */
#include "app/arguments.h"
#include "app/command.h"
#include "app/command/qemu_arguments.h"
#include "app/console.h"
#include "app/failure.h"
#include "app/flag.h"
#include "app/guest_mac.h"
#include "app/help.h"
#include "app/paths.h"
#include "app/run/ini.h"

#include <errno.h>
#include <glib.h>
#include <string.h>
#include <sys/un.h>

static int take_entry(void *opaque, const char *key, const char *value, char *error, size_t size)
{
	if (strcmp(key, "bad") == 0) {
		g_snprintf(error, size, "bad: no");
		return -EINVAL;
	}
	g_string_append_printf(opaque, "%s=%s|", key, value);
	return 0;
}

static void ini_entries_come_in_order(void)
{
	static const char text[] = "# comment\n\n  [network]  \r\nsubnet = 10.0.0.0/8\r\n\tdns=1.1.1.1\n; other comment\ndns =\t8.8.8.8 \n"
				   "empty =\n = x\nequals = a=b\nhash = a # b";
	g_autoptr(GString) seen = g_string_new(NULL);
	g_autoptr(GError) error = NULL;
	g_assert_true(ini_parse("f", text, strlen(text), take_entry, seen, &error));
	g_assert_no_error(error);
	g_assert_cmpstr(seen->str, ==, "subnet=10.0.0.0/8|dns=1.1.1.1|dns=8.8.8.8|empty=|=x|equals=a=b|hash=a # b|");
}

static void expect_ini_error(const char *text, size_t len, const char *message)
{
	g_autoptr(GString) seen = g_string_new(NULL);
	g_autoptr(GError) error = NULL;
	g_assert_false(ini_parse("f", text, len, take_entry, seen, &error));
	g_assert_error(error, failure_quark(), FAILURE_USAGE);
	g_assert_cmpstr(error->message, ==, message);
}

static void ini_errors_name_the_line(void)
{
	static const char *const cases[][2] = {
		{ "mtu = 1500", "f:1: \"mtu = 1500\": expected [network] before it" },
		{ "[network]\n\nmtu", "f:3: \"mtu\": expected KEY = VALUE" },
		{ "[network]\nmtu = 1\n[other]\n", "f:3: [other]: the only section is [network]" },
		{ "[network", "f:1: [network: the only section is [network]" },
		{ "[network]\na = 1\nbad = 1\na = 2", "f:3: bad: no" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
		expect_ini_error(cases[i][0], strlen(cases[i][0]), cases[i][1]);
	expect_ini_error("[network]\0", 10, "f: not a text file");
}

static void console_styles_differ(void)
{
	static const struct {
		enum console_style style;
		enum lanlet_log_level level;
		const char *line, *text;
	} cases[] = {
		{ CONSOLE_PLAIN, LANLET_LOG_ERROR, "no", "lanlet: error: no\n" },
		{ CONSOLE_PLAIN, LANLET_LOG_INFO, "yes", "lanlet: yes\n" },
		{ CONSOLE_JOURNAL, LANLET_LOG_WARNING, "hm", "<4>hm\n" },
		{ CONSOLE_COLOUR, LANLET_LOG_ERROR, "no", "lanlet: \033[1;31merror: no\033[0m\n" },
		{ CONSOLE_COLOUR, LANLET_LOG_INFO, "yes", "lanlet: yes\n" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *text = console_format(cases[i].style, cases[i].level, cases[i].line);
		g_assert_cmpstr(text, ==, cases[i].text);
	}
}

/* A guest chooses its host name, which could hold escape sequences for the terminal. */
static void console_replaces_control_characters(void)
{
	g_autofree char *text = console_format(CONSOLE_COLOUR, LANLET_LOG_INFO, "a\033[2Jb\nlanlet: error: c\x7f");
	g_assert_cmpstr(text, ==, "lanlet: a?[2Jb?lanlet: error: c?\n");
}

static void network_names_cannot_leave_their_directory(void)
{
	static const char *const good[] = { "a", "default", "Lab-1.x_y", "0", "abcdefghijklmnopqrstuvwxyz012345" };
	static const char *const bad[] = { "",    ".",   "..",  ".a",  "-a",       "_a",
					   "a/b", "a b", "a\n", "a,b", "\xc3\xa4", "abcdefghijklmnopqrstuvwxyz0123456" };
	for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
		g_assert_true(network_name_check(good[i], NULL));
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GError) error = NULL;
		g_assert_false(network_name_check(bad[i], &error));
		g_assert_error(error, failure_quark(), FAILURE_USAGE);
	}
}

static void socket_path_is_at_most_as_long_as_the_kernel_accepts(void)
{
	size_t most = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1;
	g_autofree char *dir = g_strnfill(most - 2, 'd');
	g_autofree char *fits = path_socket(dir, "s", NULL);
	g_assert_cmpuint(strlen(fits), ==, most);
	g_autoptr(GError) error = NULL;
	g_assert_null(path_socket(dir, "ss", &error));
	g_assert_nonnull(strstr(error->message, "108 characters, a socket's path may have 107"));
	g_assert_nonnull(strstr(error->message, "--runtime-dir"));
}

static void same_guest_name_gives_same_mac(void)
{
	g_autofree char *web = guest_mac_for("default", "web"), *again = guest_mac_for("default", "web");
	g_autofree char *db = guest_mac_for("default", "db"), *lab_web = guest_mac_for("lab", "web");
	g_assert_cmpstr(web, ==, again);
	g_assert_cmpstr(web, !=, db);
	g_assert_cmpstr(web, !=, lab_web);
	g_assert_true(g_str_has_prefix(web, "52:54:00:"));
	g_assert_true(guest_mac_check(web, NULL));
	g_autofree char *ab_c = guest_mac_for("ab", "c"), *a_bc = guest_mac_for("a", "bc");
	g_assert_cmpstr(ab_c, !=, a_bc);
}

static void only_unicast_macs_are_accepted(void)
{
	static const char *const bad[] = { "",
					   "52:54:00:12:34",
					   "52:54:00:12:34:5",
					   "52:54:00:12:34:567",
					   "53:54:00:12:34:56",
					   "00:00:00:00:00:00",
					   "52-54-00-12-34-56",
					   "52:54:00:12:34:5g",
					   "ff:ff:ff:ff:ff:ff" };
	g_assert_true(guest_mac_check("52:54:00:12:34:56", NULL));
	g_assert_true(guest_mac_check("0A:00:00:00:00:0F", NULL));
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
		g_assert_false(guest_mac_check(bad[i], NULL));
	for (int i = 0; i < 100; i++) {
		g_autofree char *mac = guest_mac_random();
		g_assert_true(guest_mac_check(mac, NULL));
	}
}

static void vhost_arguments_agree_on_the_memory(void)
{
	g_autofree char *arguments = qemu_arguments_vhost("/a,b c/vhost.sock", "52:54:00:12:34:56", "2G");
	g_assert_cmpstr(arguments, ==,
			"-m 2G -object memory-backend-memfd,id=lanlet0m,share=on,size=2G -numa node,memdev=lanlet0m "
			"-chardev 'socket,id=lanlet0c,path=/a,,b c/vhost.sock' -netdev vhost-user,id=lanlet0,chardev=lanlet0c "
			"-device virtio-net-pci,netdev=lanlet0,mac=52:54:00:12:34:56");
	static const char *const bad[] = { "", "G", "2", "0G", "2g", "2G,x", "-1G", "12345678901M" };
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
		g_assert_false(qemu_arguments_check_memory(bad[i], NULL));
	g_assert_true(qemu_arguments_check_memory("512M", NULL));
}

static void dgram_arguments_name_both_ends(void)
{
	g_autofree char *local = path_guest_socket("/run/a,b", "52:54:00:12:34:56", NULL);
	g_autofree char *arguments = qemu_arguments_dgram("/run/a,b/dgram.sock", local, "52:54:00:12:34:56");
	g_assert_cmpstr(arguments, ==,
			"-netdev dgram,id=lanlet0,local.type=unix,local.path=/run/a,,b/guest-525400123456.sock,remote.type=unix,"
			"remote.path=/run/a,,b/dgram.sock -device virtio-net-pci,netdev=lanlet0,mac=52:54:00:12:34:56");
	g_autofree char *deep = g_strnfill(90, 'x');
	g_autoptr(GError) error = NULL;
	g_assert_null(path_guest_socket(deep, "52:54:00:12:34:56", &error));
	g_assert_nonnull(strstr(error->message, "choose a shorter directory"));
}

static void vde_arguments_name_the_directory(void)
{
	g_autofree char *plain = qemu_arguments_vde("/run/vde", "52:54:00:12:34:56");
	g_assert_cmpstr(plain, ==, "-netdev vde,id=lanlet0,sock=/run/vde -device virtio-net-pci,netdev=lanlet0,mac=52:54:00:12:34:56");
	g_autofree char *quoted = qemu_arguments_vde("/a,b c/vde", "52:54:00:12:34:56");
	g_assert_true(g_str_has_prefix(quoted, "-netdev 'vde,id=lanlet0,sock=/a,,b c/vde' "));
}

static void qemu_arguments_are_quoted_where_needed(void)
{
	g_autofree char *plain = qemu_arguments_stream("/run/user/1000/lanlet/default/stream.sock", "52:54:00:12:34:56");
	g_assert_cmpstr(plain, ==,
			"-netdev stream,id=lanlet0,server=off,addr.type=unix,addr.path=/run/user/1000/lanlet/default/stream.sock "
			"-device virtio-net-pci,netdev=lanlet0,mac=52:54:00:12:34:56");
	g_autofree char *odd = qemu_arguments_stream("/a,b $c/s", "52:54:00:12:34:56");
	g_assert_cmpstr(odd, ==,
			"-netdev 'stream,id=lanlet0,server=off,addr.type=unix,addr.path=/a,,b $c/s' "
			"-device virtio-net-pci,netdev=lanlet0,mac=52:54:00:12:34:56");
}

/* @ret borrows @words. */
static bool parse(const char *command, char **words, struct arguments *ret, GError **error)
{
	return arguments_parse(command_find(command), words, ret, error);
}

static void arguments_keep_their_order(void)
{
	struct arguments a;
	g_autoptr(GError) error = NULL;
	g_auto(GStrv) words =
		g_strsplit("--dns= lab --dns 9.9.9.9 --host-loopback --mtu=9000 --host-loopback=false --state-dir s", " ", -1);
	static const char *const expected[][2] = {
		{ "dns", "" }, { "dns", "9.9.9.9" }, { "host-loopback", "true" }, { "mtu", "9000" }, { "host-loopback", "false" },
	};
	g_assert_true(parse("run", words, &a, &error));
	g_assert_no_error(error);
	g_assert_cmpstr(a.network, ==, "lab");
	g_assert_null(a.runtime_dir);
	g_assert_cmpuint(a.settings->len, ==, G_N_ELEMENTS(expected));
	for (guint i = 0; i < a.settings->len; i++) {
		const struct argument_setting *s = &g_array_index(a.settings, struct argument_setting, i);
		g_assert_cmpstr(s->name, ==, expected[i][0]);
		g_assert_cmpstr(s->value, ==, expected[i][1]);
	}
	arguments_done(&a);
}

struct made_up_flags {
	bool quiet, never;
	const char *text, *directory, *mac;
	double pause, patience;
};

static const struct flag made_up_flags[] = {
	{ .option = { .name = "quiet", .help = "" }, FLAG_SWITCH(struct made_up_flags, quiet) },
	{ .option = { .name = "never", .help = "" }, FLAG_SWITCH(struct made_up_flags, never) },
	{ .option = { .name = "text", .argument = "WORD", .help = "" }, FLAG_TEXT(struct made_up_flags, text) },
	{ .option = { .name = "directory", .argument = "DIRECTORY", .help = "" }, FLAG_DIRECTORY(struct made_up_flags, directory) },
	{ .option = { .name = "mac", .argument = "MAC", .help = "" }, FLAG_MAC(struct made_up_flags, mac) },
	{ .option = { .name = "pause", .argument = "SECONDS", .help = "" }, FLAG_SECONDS(struct made_up_flags, pause) },
	{ .option = { .name = "patience", .argument = "SECONDS", .help = "" }, FLAG_SECONDS(struct made_up_flags, patience) },
	FLAG_END,
};

static const struct command made_up = {
	.name = "made-up",
	.flags = made_up_flags,
	.flags_size = sizeof(struct made_up_flags),
	.flags_initial = &(const struct made_up_flags){ .patience = 9, .pause = 1 },
	.shares = FLAG_SHARED_JSON,
	.operands = "WORD...",
	.max_operands = 3,
};

static void flags_fill_the_struct_of_their_command(void)
{
	struct arguments a;
	g_autoptr(GError) error = NULL;
	g_auto(GStrv) words = g_strsplit(
		"--text a b --quiet --mac=52:54:00:00:00:01 --directory d c --text= --pause 2.5 --json --runtime-dir r", " ", -1);
	g_assert_true(arguments_parse(&made_up, words, &a, &error));
	g_assert_no_error(error);
	const struct made_up_flags *own = a.flags;
	g_assert_true(own->quiet);
	g_assert_false(own->never);
	g_assert_cmpstr(own->text, ==, ""); /* the last one counts */
	g_assert_cmpstr(own->directory, ==, "d");
	g_assert_cmpstr(own->mac, ==, "52:54:00:00:00:01");
	g_assert_cmpfloat(own->pause, ==, 2.5);
	g_assert_cmpfloat(own->patience, ==, 9);
	g_assert_true(a.json);
	g_assert_cmpstr(a.runtime_dir, ==, "r");
	g_assert_cmpuint(a.n_operands, ==, 2);
	g_assert_cmpstr(a.operands[0], ==, "b");
	g_assert_cmpstr(a.operands[1], ==, "c");
	g_assert_cmpstr(a.network, ==, "default");
	arguments_done(&a);
}

static void flags_refuse_invalid_values(void)
{
	static const char *const cases[][2] = {
		{ "--pause=0", "--pause \"0\": expected 0.1 to 86400 seconds" },
		{ "--patience=1s", "--patience \"1s\": expected 0.1 to 86400 seconds" },
		{ "--pause=nan", "--pause \"nan\": expected 0.1 to 86400 seconds" },
		{ "--directory=", "--directory \"\": expected a directory" },
		{ "--mac=1", "--mac \"1\": expected a unicast MAC such as 52:54:00:12:34:56" },
		{ "--quiet=true", "--quiet takes no value" },
		{ "--text", "--text needs a value: --text WORD" },
		{ "--network=x", "unknown option --network: try lanlet made-up --help" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct arguments a;
		g_autoptr(GError) error = NULL;
		char *words[] = { (char *)cases[i][0], NULL };
		g_assert_false(arguments_parse(&made_up, words, &a, &error));
		g_assert_error(error, failure_quark(), FAILURE_USAGE);
		g_assert_cmpstr(error->message, ==, cases[i][1]);
		arguments_done(&a);
	}
}

/* The parser takes the first one, --help shows both. */
static void no_command_has_two_options_of_one_name(void)
{
	const struct command *c;
	for (size_t i = 0; (c = command_at(i)); i++) {
		g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
		const struct flag *flag;
		const struct lanlet_option *option;
		for (size_t f = 0; (flag = command_flag_at(c, f)); f++)
			g_assert_true(g_hash_table_add(names, (gpointer)flag->option.name));
		for (size_t o = 0; c->takes_options && (option = lanlet_option_at(o)); o++)
			g_assert_true(g_hash_table_add(names, (gpointer)option->name));
	}
}

static void expect_usage_error(const char *command, const char *line, const char *message)
{
	struct arguments a;
	g_autoptr(GError) error = NULL;
	g_auto(GStrv) words = g_strsplit(line, " ", -1);
	g_assert_false(parse(command, words, &a, &error));
	g_assert_error(error, failure_quark(), FAILURE_USAGE);
	g_assert_cmpstr(error->message, ==, message);
	arguments_done(&a);
}

static void usage_errors_say_what_is_wrong(void)
{
	expect_usage_error("run", "--nonsense", "unknown option --nonsense: try lanlet run --help");
	expect_usage_error("run", "--sub=10.0.0.0/8", "unknown option --sub: try lanlet run --help");
	expect_usage_error("run", "-x", "unknown option -x: try lanlet run --help");
	expect_usage_error("run", "a b", "unexpected argument \"b\": the network's name is \"a\"");
	expect_usage_error("run", "a --mtu", "--mtu needs a value: --mtu auto|N");
	expect_usage_error("run", "--help=x", "--help takes no value");
	expect_usage_error("run", "--runtime-dir=", "--runtime-dir \"\": expected a directory");
	expect_usage_error("run", "--ready-fd x", "--ready-fd \"x\": expected the number of an open descriptor");
	expect_usage_error("run", "--ready-fd 1000000", "--ready-fd \"1000000\": expected the number of an open descriptor");
	expect_usage_error("qemu", "--mac 1", "--mac \"1\": expected a unicast MAC such as 52:54:00:12:34:56");
	/* Options of other commands are unknown. */
	expect_usage_error("run", "--guest web", "unknown option --guest: try lanlet run --help");
	expect_usage_error("status", "--mtu 1500", "unknown option --mtu: try lanlet status --help");
}

static void name_defaults_to_default(void)
{
	struct arguments a;
	g_auto(GStrv) none = g_strsplit("", " ", -1), after_dashes = g_strsplit("-- -x", " ", -1);
	g_assert_true(parse("status", none, &a, NULL));
	g_assert_cmpstr(a.network, ==, "default");
	arguments_done(&a);
	g_assert_false(parse("status", after_dashes, &a, NULL));
	g_assert_cmpstr(a.network, ==, "-x");
	arguments_done(&a);
}

static void help_shows_every_option_within_80_columns(void)
{
	for (size_t c = 0; command_at(c); c++) {
		g_autofree char *text = help_command(command_at(c));
		const struct lanlet_option *option;
		for (size_t i = 0; (option = lanlet_option_at(i)); i++) {
			g_autofree char *name = g_strdup_printf("\n  --%s%s%s\n", option->name, option->argument ? " " : "",
								option->argument ? option->argument : "");
			g_assert_cmpint(strstr(text, name) != NULL, ==, command_at(c)->takes_options);
		}
		const struct flag *flag;
		for (size_t i = 0; (flag = command_flag_at(command_at(c), i)); i++) {
			const struct lanlet_option *o = &flag->option;
			g_autofree char *name =
				g_strdup_printf("\n  --%s%s%s\n", o->name, o->argument ? " " : "", o->argument ? o->argument : "");
			g_assert_nonnull(strstr(text, name));
		}
		g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
		for (size_t i = 0; lines[i]; i++)
			g_assert_cmpint(g_utf8_strlen(lines[i], -1), <=, 80);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define TEST(name) g_test_add_func("/app/" #name, name)
	TEST(ini_entries_come_in_order);
	TEST(ini_errors_name_the_line);
	TEST(console_styles_differ);
	TEST(console_replaces_control_characters);
	TEST(network_names_cannot_leave_their_directory);
	TEST(socket_path_is_at_most_as_long_as_the_kernel_accepts);
	TEST(same_guest_name_gives_same_mac);
	TEST(only_unicast_macs_are_accepted);
	TEST(dgram_arguments_name_both_ends);
	TEST(vde_arguments_name_the_directory);
	TEST(vhost_arguments_agree_on_the_memory);
	TEST(qemu_arguments_are_quoted_where_needed);
	TEST(arguments_keep_their_order);
	TEST(flags_fill_the_struct_of_their_command);
	TEST(flags_refuse_invalid_values);
	TEST(no_command_has_two_options_of_one_name);
	TEST(usage_errors_say_what_is_wrong);
	TEST(name_defaults_to_default);
	TEST(help_shows_every_option_within_80_columns);
#undef TEST
	return g_test_run();
}
