/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/capture_filter.h"

#include "base/macros.h"
#include "network/capture.h"

#include <pcap/pcap.h>

struct capture_filter {
	struct bpf_program program;
	size_t reach;
};

/* Largest value of the index register, if all that sets it is the length of an IP header, 4 * (P[k] & 0xf); else SIZE_MAX. */
static size_t largest_index(const struct bpf_program *p)
{
	for (unsigned i = 0; i < p->bf_len; i++) {
		unsigned code = p->bf_insns[i].code;
		bool sets = BPF_CLASS(code) == BPF_LDX || (BPF_CLASS(code) == BPF_MISC && BPF_MISCOP(code) == BPF_TAX);
		if (sets && !(BPF_CLASS(code) == BPF_LDX && BPF_MODE(code) == BPF_MSH))
			return SIZE_MAX;
	}
	return 4 * 0xf;
}

static size_t bytes_loaded(unsigned code)
{
	return BPF_SIZE(code) == BPF_W ? 4 : BPF_SIZE(code) == BPF_H ? 2 : 1;
}

/* The end of the furthest byte that an instruction loads: the head of a frame is enough for most filters. */
static size_t reach_of(const struct bpf_program *p)
{
	size_t reach = 1, index = largest_index(p);
	for (unsigned i = 0; i < p->bf_len; i++) {
		const struct bpf_insn *insn = &p->bf_insns[i];
		bool loads = BPF_CLASS(insn->code) == BPF_LD || BPF_CLASS(insn->code) == BPF_LDX;
		bool indexed = loads && BPF_MODE(insn->code) == BPF_IND;
		if (indexed && index == SIZE_MAX)
			return CAPTURE_SNAPLEN_MAX;
		if (indexed)
			reach = MAX(reach, index + insn->k + bytes_loaded(insn->code));
		else if (loads && (BPF_MODE(insn->code) == BPF_ABS || BPF_MODE(insn->code) == BPF_MSH))
			reach = MAX(reach, (size_t)insn->k + bytes_loaded(insn->code));
	}
	return MIN(reach, (size_t)CAPTURE_SNAPLEN_MAX);
}

struct capture_filter *capture_filter_new(const char *text, unsigned snaplen, char **ret_error)
{
	struct capture_filter *f = g_new0(struct capture_filter, 1);
	pcap_t *pcap = pcap_open_dead(DLT_EN10MB, (int)snaplen);
	if (!pcap || pcap_compile(pcap, &f->program, text, 1, PCAP_NETMASK_UNKNOWN) < 0) {
		*ret_error = g_strdup(pcap ? pcap_geterr(pcap) : "no memory");
		g_clear_pointer(&f, g_free);
	} else {
		f->reach = reach_of(&f->program);
	}
	if (pcap)
		pcap_close(pcap);
	return f;
}

void capture_filter_free(struct capture_filter *f)
{
	if (!f)
		return;
	pcap_freecode(&f->program);
	g_free(f);
}

size_t capture_filter_reach(const struct capture_filter *f)
{
	return f->reach;
}

bool capture_filter_wants(const void *filter, const uint8_t *bytes, size_t n, size_t len)
{
	const struct capture_filter *f = filter;
	const struct pcap_pkthdr header = { .caplen = (bpf_u_int32)n, .len = (bpf_u_int32)len };
	return pcap_offline_filter(&f->program, &header, bytes) != 0;
}
