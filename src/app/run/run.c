/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `lanlet run`: claims the network's directories, builds the network, and dispatches it until a signal ends it.
 *
 * The claim comes before everything that could disturb another process of the same name, and is released last. A socket that
 * exists while the claim is held is therefore stale.
 */
#include "app/arguments.h"
#include "app/command.h"
#include "app/command/qemu_arguments.h"
#include "app/console.h"
#include "app/failure.h"
#include "app/libvirt/network.h"
#include "app/paths.h"
#include "app/run/activation.h"
#include "app/run/configure.h"
#include "app/run/directory.h"
#include "app/run/notify.h"
#include "app/run/watchdog.h"
#include "control/control.h"
#include "lanlet.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

struct run_flags {
	const char *config;
	const char *libvirt_network;
	const char *state_dir;
	int ready_fd; /* -1: not given; else open, closed on exec */
	const char *api_listen;
};

/* Free memory that malloc keeps instead of returning it to the kernel, and the largest block that it keeps. */
#define HEAP_KEPT_BYTES (16 * 1024 * 1024)
#define HEAP_BLOCK_MAX (4 * 1024 * 1024)
/* Many times what a thread needs. */
#define THREAD_STACK_BYTES ((size_t)1024 * 1024)

/* As long as any. */
#define EXAMPLE_MAC "52:54:00:12:34:56"

struct run {
	const struct arguments *arguments;
	const struct run_flags *own;
	struct console console, control_console;
	struct activation activation;
	struct lanlet_config *config;
	char *runtime_dir, *state_dir, *stream_socket, *vhost_socket, *dgram_socket, *vde_dir;
	int runtime_claim, state_claim;
	int signals, reload_signals; /* signalfds: SIGINT and SIGTERM; SIGHUP */
	struct lanlet_watch *signal_watch;
	struct watchdog *watchdog;
	bool ending;
	struct lanlet_network *net;
	struct control *control;
};

/* Sockets of a network in its runtime directory. */
static const struct {
	const char *name;
	int (*listen)(struct lanlet_network *net, const char *path, char *error, size_t size);
} sockets[] = {
	{ STREAM_SOCKET, lanlet_network_listen_stream }, { VHOST_SOCKET, lanlet_network_listen_vhost },
	{ DGRAM_SOCKET, lanlet_network_listen_dgram },   { SEQPACKET_SOCKET, lanlet_network_listen_seqpacket },
	{ VDE_DIRECTORY, lanlet_network_listen_vde },
};

static void run_log(struct run *r, enum lanlet_log_level level, const char *line)
{
	console_log(&r->console, level, line);
}

/* Logs a failure that does not stop the network. */
static void warn(struct run *r, GError *problem)
{
	run_log(r, LANLET_LOG_WARNING, problem->message);
	g_error_free(problem);
}

static char *choose_dir(const char *given, char *(*path_default)(const char *name), const char *network)
{
	return given ? g_canonicalize_filename(given, NULL) : path_default(network);
}

static bool name_sockets(struct run *r, GError **error)
{
	for (size_t i = 0; i < G_N_ELEMENTS(sockets); i++) {
		g_autofree char *path = path_socket(r->runtime_dir, sockets[i].name, error);
		if (!path)
			return false;
	}
	r->stream_socket = g_build_filename(r->runtime_dir, STREAM_SOCKET, NULL);
	r->vhost_socket = g_build_filename(r->runtime_dir, VHOST_SOCKET, NULL);
	r->dgram_socket = g_build_filename(r->runtime_dir, DGRAM_SOCKET, NULL);
	r->vde_dir = g_build_filename(r->runtime_dir, VDE_DIRECTORY, NULL);
	return true;
}

static bool claim_dirs(struct run *r, GError **error)
{
	const struct arguments *a = r->arguments;
	r->runtime_dir = choose_dir(a->runtime_dir, path_default_runtime_dir, a->network);
	r->state_dir = choose_dir(r->own->state_dir, path_default_state_dir, a->network);
	if (!name_sockets(r, error))
		return false;
	if (!directory_make_private(r->runtime_dir, !a->runtime_dir, error)) {
		/* su and sudo -E keep the variable of another user. */
		if (!a->runtime_dir && !g_file_test(r->runtime_dir, G_FILE_TEST_EXISTS))
			g_prefix_error(error, "the runtime directory (see --runtime-dir, XDG_RUNTIME_DIR): ");
		return false;
	}
	g_autofree char *running = g_strdup_printf("network %s is running", a->network);
	r->runtime_claim = directory_claim(r->runtime_dir, "lock", running, error);
	if (r->runtime_claim < 0)
		return false;
	if (!directory_make_private(r->state_dir, !r->own->state_dir, error)) {
		g_prefix_error(error, "the state directory (see --state-dir): ");
		return false;
	}
	r->state_claim = directory_claim(r->state_dir, "state.lock", "the state directory is in use", error);
	return r->state_claim >= 0;
}

/* Called before anything exists that a signal would leave behind. */
static bool take_signals(struct run *r, GError **error)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	r->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	r->reload_signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return (r->signals >= 0 && r->reload_signals >= 0) || fail(error, FAILURE_GENERAL, "signalfd: %s", g_strerror(errno));
}

/* SIGBUS: a vhost-user guest has truncated its memory, or lanlet has a bug. */
static void bus_error(int signal, siginfo_t *info, void *context)
{
	if (!lanlet_sigbus(info->si_addr))
		sigaction(signal, &(struct sigaction){ .sa_handler = SIG_DFL }, NULL); /* the fault repeats and ends the process */
}

static void survive_vanishing_memory(void)
{
	sigaction(SIGBUS, &(struct sigaction){ .sa_sigaction = bus_error, .sa_flags = SA_SIGINFO }, NULL);
}

/* Each flow of a guest takes a descriptor: raise the limit as far as possible. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* Root of the machine, not of a user namespace: only there all ids map to themselves. */
static bool is_real_root(void)
{
	g_autofree char *map = NULL;
	unsigned long inside, outside, n;
	return geteuid() == 0 && g_file_get_contents("/proc/self/uid_map", &map, NULL, NULL) &&
	       sscanf(map, "%lu %lu %lu", &inside, &outside, &n) == 3 && inside == 0 && outside == 0 && n > 1;
}

static void signal_arrived(void *opaque, short events)
{
	struct run *r = opaque;
	struct signalfd_siginfo info;
	if (read(r->signals, &info, sizeof(info)) != sizeof(info))
		return;
	g_autofree char *line = g_strdup_printf("SIG%s: ending", sigabbrev_np((int)info.ssi_signo));
	run_log(r, LANLET_LOG_INFO, line);
	r->ending = true;
}

/* Runs on the control plane's thread; the arguments no longer change. */
static struct lanlet_config *read_config(void *opaque, char **ret_error)
{
	const struct run *r = opaque;
	GError *error = NULL;
	struct configure_sources sources = { .file = r->own->config, .libvirt_network = r->own->libvirt_network };
	struct lanlet_config *config = configure(r->arguments, &sources, &error);
	if (config)
		return config;
	*ret_error = g_strdup(error->message);
	g_error_free(error);
	return NULL;
}

static bool start_control(struct run *r, GError **error)
{
	g_autofree char *socket = path_socket(r->runtime_dir, API_SOCKET, error);
	if (!socket)
		return false;
	g_autofree char *token_file = g_build_filename(r->runtime_dir, "api.token", NULL);
	r->control = control_new(
		&(struct control_config){
			.net = r->net,
			.name = r->arguments->network,
			.version = LANLET_VERSION,
			.socket = socket,
			.listen = r->own->api_listen,
			.token_file = token_file,
			.read_config = read_config,
			.read_opaque = r,
			.reload_fd = r->reload_signals,
			.log = console_log,
			.log_opaque = &r->control_console,
		},
		error);
	return r->control;
}

/* The user may have no more threads.  Guests are served without the API, too, but nobody sees what happens. */
static bool start_control_if_possible(struct run *r, GError **error)
{
	GError *problem = NULL;
	if (start_control(r, &problem))
		return true;
	if (problem->domain != G_THREAD_ERROR) {
		g_propagate_error(error, problem);
		return false;
	}
	g_prefix_error(&problem, "api: not available, because there may be no more threads (see ulimit -u): ");
	warn(r, problem);
	return true;
}

/* Skips sockets that the service manager has opened. */
static bool listen_everywhere(struct run *r, GError **error)
{
	char reason[512];
	for (size_t i = 0; i < G_N_ELEMENTS(sockets); i++) {
		g_autofree char *path = g_build_filename(r->runtime_dir, sockets[i].name, NULL);
		if (!activation_has_path(&r->activation, path) && sockets[i].listen(r->net, path, reason, sizeof(reason)) < 0)
			return fail(error, FAILURE_GENERAL, "%s", reason);
	}
	return true;
}

static bool start(struct run *r, GError **error)
{
	char reason[512] = "";
	lanlet_config_set_log(r->config, console_log, &r->console);
	if (lanlet_config_set_state_dir(r->config, r->state_dir) < 0 || lanlet_config_set_runtime_dir(r->config, r->runtime_dir) < 0)
		return fail(error, FAILURE_GENERAL, "out of memory");
	int code = lanlet_network_new(r->config, &r->net, reason, sizeof(reason));
	if (code < 0)
		return fail(error, code == -EINVAL ? FAILURE_USAGE : FAILURE_GENERAL, "%s", reason);
	if (!activation_plug(&r->activation, r->net, error) || !listen_everywhere(r, error))
		return false;
	code = lanlet_network_watch(r->net, r->signals, POLLIN, signal_arrived, r, &r->signal_watch);
	if (code < 0)
		return fail(error, FAILURE_GENERAL, "waiting for signals: %s", g_strerror(-code));
	return start_control_if_possible(r, error) && watchdog_new(r->net, &r->watchdog, error);
}

/* Standard output may be closed: the network keeps running. */
static void print_arguments(struct run *r)
{
	const char *network = r->arguments->network;
	g_autofree char *arguments = qemu_arguments_stream(r->stream_socket, QEMU_NEW_MAC);
	g_autofree char *vhost = qemu_arguments_vhost(r->vhost_socket, QEMU_NEW_MAC, QEMU_DEFAULT_MEMORY);
	g_autofree char *local = path_guest_socket(r->runtime_dir, EXAMPLE_MAC, NULL); /* NULL if such a path would be too long */
	g_autofree char *dgram = local ? qemu_arguments_dgram_new(r->dgram_socket, r->runtime_dir) : NULL;
	g_autofree char *vde = qemu_arguments_vde(r->vde_dir, QEMU_NEW_MAC);
	const char *name = strcmp(network, NETWORK_DEFAULT_NAME) == 0 ? "" : network, *blank = name[0] ? " " : "";
	printf("Network %s is up. QEMU arguments for a guest:\n\n    %s\n\n"
	       "or, faster, by vhost-user:\n\n    %s\n\n",
	       network, arguments, vhost);
	if (dgram)
		printf("or by datagrams:\n\n    %s\n\n", dgram);
	printf("or by VDE, which vde_plug, vdens and User-mode Linux speak too:\n\n    %s\n\n"
	       "A guest that has a name, and the same MAC each time: lanlet qemu %s%s--guest NAME\n",
	       vde, name, blank);
	fflush(stdout);
}

static void announce(struct run *r)
{
	GError *problem = NULL;
	g_autofree char *state = g_strdup_printf("READY=1\nSTATUS=Network %s at %s", r->arguments->network, r->stream_socket);
	print_arguments(r);
	if (!notify_manager(state, &problem))
		warn(r, g_steal_pointer(&problem));
	if (r->own->ready_fd >= 0 && !notify_ready_fd(r->own->ready_fd, r->stream_socket, &problem))
		warn(r, g_steal_pointer(&problem));
}

static bool loop(struct run *r, GError **error)
{
	while (!r->ending) {
		int code = lanlet_network_wait(r->net);
		if (code < 0)
			return fail(error, FAILURE_GENERAL, "the network stopped: %s", g_strerror(-code));
	}
	return true;
}

static void finish(struct run *r)
{
	GError *problem = NULL;
	if (r->net && !notify_manager("STOPPING=1", &problem))
		warn(r, problem);
	control_free(r->control);
	watchdog_free(r->watchdog);
	lanlet_watch_free(r->signal_watch);
	lanlet_network_free(r->net);
	lanlet_config_free(r->config);
	int fds[] = { r->signals, r->reload_signals, r->state_claim, r->runtime_claim };
	for (size_t i = 0; i < G_N_ELEMENTS(fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	activation_done(&r->activation);
	g_free(r->vde_dir);
	g_free(r->dgram_socket);
	g_free(r->vhost_socket);
	g_free(r->stream_socket);
	g_free(r->state_dir);
	g_free(r->runtime_dir);
}

/*
 * Each burst that a socket does not take allocates and frees buffers of some 100 KiB. If malloc returned them to the kernel, every
 * 4 KiB of the next burst would cost a page fault.
 */
static void keep_heap(void)
{
#ifdef M_TRIM_THRESHOLD
	mallopt(M_TRIM_THRESHOLD, HEAP_KEPT_BYTES);
	mallopt(M_MMAP_THRESHOLD, HEAP_BLOCK_MAX);
#endif
}

/*
 * GLib's threads have stacks as large as the limit of the main thread's, 8 MiB each, and GLib ends the process when it cannot make one.
 * Address space may be limited (ulimit -v).
 */
static void use_small_stacks(void)
{
	pthread_attr_t attributes;
	if (pthread_attr_init(&attributes) != 0)
		return;
	if (pthread_attr_setstacksize(&attributes, THREAD_STACK_BYTES) == 0)
		pthread_setattr_default_np(&attributes);
	pthread_attr_destroy(&attributes);
}

static void warn_of_source(void *opaque, const char *line)
{
	run_log(opaque, LANLET_LOG_WARNING, line);
}

static struct lanlet_config *read_first_config(struct run *r, GError **error)
{
	struct configure_sources sources = {
		.file = r->own->config,
		.libvirt_network = r->own->libvirt_network,
		.warning = warn_of_source,
		.opaque = r,
	};
	return configure(r->arguments, &sources, error);
}

static bool run_network(const struct arguments *a, GError **error)
{
	struct run r = { .arguments = a, .own = a->flags, .runtime_claim = -1, .state_claim = -1, .signals = -1, .reload_signals = -1 };
	console_init(&r.console);
	r.control_console = r.console;
	if (is_real_root())
		run_log(&r, LANLET_LOG_WARNING, "running as root: lanlet does not need root, an ordinary user is safer");
	raise_descriptor_limit();
	keep_heap();
	use_small_stacks();
	survive_vanishing_memory();
	bool good = activation_take(&r.activation, error);
	r.config = good ? read_first_config(&r, error) : NULL;
	good = r.config && claim_dirs(&r, error) && take_signals(&r, error) && start(&r, error);
	if (good) {
		announce(&r);
		good = loop(&r, error);
	}
	finish(&r);
	return good;
}

/* A network that libvirt's file describes has the name in that file, unless the command line has one. */
static bool run_main(const struct arguments *a, GError **error)
{
	const struct run_flags *own = a->flags;
	if (!own->libvirt_network || a->is_named)
		return run_network(a, error);
	struct arguments named = *a;
	g_autofree char *name = libvirt_network_name(own->libvirt_network, error);
	named.network = name;
	return name && network_name_check(name, error) && run_network(&named, error);
}

static bool store_ready_fd(const struct flag *flag, const char *value, void *at, GError **error)
{
	guint64 fd;
	if (!g_ascii_string_to_unsigned(value, 10, 0, G_MAXINT, &fd, NULL) || fcntl((int)fd, F_SETFD, FD_CLOEXEC) < 0)
		return fail(error, FAILURE_USAGE, "--ready-fd \"%s\": expected the number of an open descriptor", value);
	*(int *)at = (int)fd;
	return true;
}

static bool store_api_listen(const struct flag *flag, const char *value, void *at, GError **error)
{
	if (!control_check_listen(value))
		return fail(error, FAILURE_USAGE,
			    "--api-listen \"%s\": expected an address and a port, such as 127.0.0.1:8080 or [::1]:8080", value);
	return flag_store_text(flag, value, at, error);
}

static const struct flag flags[] = {
	{
		.option = {
			.name = "config",
			.argument = "FILE",
			.default_value = "$XDG_CONFIG_HOME/lanlet/NAME.conf, if it exists",
			.help = "Read options of the network from FILE. The command line overrides single values and adds to lists.",
		},
		FLAG_TEXT(struct run_flags, config),
	},
	{
		.option = {
			.name = "libvirt-network",
			.argument = "FILE",
			.help =
				"Take the network from libvirt's description in FILE, as virsh net-dumpxml prints it. The "
				"configuration file and the command line come on top. NAME is the one in FILE by default. lanlet "
				"import FILE prints what is made of it.",
		},
		FLAG_TEXT(struct run_flags, libvirt_network),
	},
	{
		.option = {
			.name = "state-dir",
			.argument = "DIRECTORY",
			.default_value = "$XDG_STATE_HOME/lanlet/NAME",
			.help = "The directory that keeps leases, reservations, names, port forwards and the gateway's MAC.",
		},
		FLAG_DIRECTORY(struct run_flags, state_dir),
	},
	{
		.option = {
			.name = "ready-fd",
			.argument = "N",
			.help =
				"Once guests can connect, write the path of the stream socket and a line feed to descriptor N, and "
				"close it.",
		},
		FLAG_STORED(store_ready_fd, int, struct run_flags, ready_fd),
	},
	{
		.option = {
			.name = "api-listen",
			.argument = "ADDRESS:PORT",
			.default_value = "api.sock only",
			.help =
				"Serve the API over TCP too, to clients that send the token in the file api.token beside api.sock. "
				"Nothing is encrypted: choose a loopback ADDRESS such as 127.0.0.1.",
		},
		FLAG_STORED(store_api_listen, const char *, struct run_flags, api_listen),
	},
	FLAG_END,
};

const struct command command_run = {
	.name = "run",
	.summary = "Run a network in the foreground.",
	.description = "Runs the network NAME until SIGINT or SIGTERM, and prints the QEMU arguments that connect a guest to"
		       " it. SIGHUP reloads its configuration. Only one process can run a network of one name.",
	.flags = flags,
	.flags_size = sizeof(struct run_flags),
	.flags_initial = &(const struct run_flags){ .ready_fd = -1 },
	.takes_options = true,
	.run = run_main,
};
