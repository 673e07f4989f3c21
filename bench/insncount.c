// SPDX-License-Identifier: GPL-2.0
/*
 * A QEMU TCG plugin that counts executed guest instructions by address, for
 * "bench/run --profile".  The guest brackets what is to be counted with two
 * long no-ops that compilers do not emit (bench.c, MARK_START and MARK_STOP);
 * at each stop the counts are appended to the file given as "out=FILE":
 *
 *	section N
 *	<address> <count>
 *	...
 *
 * QEMU's packages bring no header for plugins, so the part of its interface that
 * is used here is declared by hand: PLUGIN_API 1, of QEMU up to 8.2, or 2, of the
 * later ones. A call for each instruction is slower than to let QEMU add, but is
 * the same in all of them.  One virtual CPU is assumed: nothing is locked.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;

typedef void (*tb_trans_cb)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);
typedef void (*insn_exec_cb)(unsigned int vcpu, void *data);

enum { CB_NO_REGS };		/* enum qemu_plugin_cb_flags */

struct info {			/* the beginning of qemu_info_t */
	const char *target;
	struct { int min, cur; } version;
};

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, tb_trans_cb cb);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *
qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
/* returns the code up to version 2 of the interface, and copies it from 3 on */
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn, void *dest, size_t len);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
					    insn_exec_cb cb, int flags,
					    void *data);

int qemu_plugin_install(qemu_plugin_id_t id, const struct info *info, int argc,
			char **argv);
extern int qemu_plugin_version;
int qemu_plugin_version = PLUGIN_API;

#define BUCKETS (1 << 18)

/* One instruction; translated code holds pointers to count for ever. */
struct counter {
	uint64_t vaddr, count;
	struct counter *next;
};

static struct counter *buckets[BUCKETS];
static FILE *out;
static int section;
static bool copies;

static struct counter *counter(uint64_t vaddr)
{
	struct counter **b, *c;

	b = &buckets[(vaddr * 0x9e3779b97f4a7c15ull) >> 46];
	for (c = *b; c; c = c->next)
		if (c->vaddr == vaddr)
			return c;
	c = calloc(1, sizeof(*c));
	if (!c)
		abort();
	c->vaddr = vaddr;
	c->next = *b;
	*b = c;
	return c;
}

static void start(unsigned int vcpu, void *data)
{
	(void)vcpu;
	(void)data;
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct counter *c = buckets[i]; c; c = c->next)
			c->count = 0;
}

static void stop(unsigned int vcpu, void *data)
{
	(void)vcpu;
	(void)data;
	fprintf(out, "section %d\n", section++);
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct counter *c = buckets[i]; c; c = c->next)
			if (c->count)
				fprintf(out, "%016" PRIx64 " %" PRIu64 "\n",
					c->vaddr, c->count);
	fflush(out);
}

static void count(unsigned int vcpu, void *c)
{
	(void)vcpu;
	((struct counter *)c)->count++;
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	static const unsigned char mark[] = { 0x0f, 0x1f, 0x84, 0xc0 };

	(void)id;
	for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		unsigned char buf[16];
		const unsigned char *code = qemu_plugin_insn_data(insn, buf, sizeof(buf));

		if (copies)
			code = buf;
		qemu_plugin_register_vcpu_insn_exec_cb(insn, count, CB_NO_REGS,
						       counter(qemu_plugin_insn_vaddr(insn)));
		if (qemu_plugin_insn_size(insn) != 8 ||
		    memcmp(code, mark, sizeof(mark)) ||
		    memcmp(code + 5, "\x47\x0b\x5e", 3))
			continue;
		qemu_plugin_register_vcpu_insn_exec_cb(insn, code[4] == 0x11 ?
						       start : stop,
						       CB_NO_REGS, NULL);
	}
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct info *info, int argc,
			char **argv)
{
	copies = info->version.cur >= 3;
	for (int i = 0; i < argc; i++)
		if (!strncmp(argv[i], "out=", 4))
			out = fopen(argv[i] + 4, "w");
	if (!out)
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}
