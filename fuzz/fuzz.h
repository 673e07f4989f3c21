/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the fuzzed programs share. An input is a string of bytes, from which each takes what it
 * needs; at its end there are zeros. assert() says that a property does not hold.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include "kernel.h"

struct input {
	const uint8_t *at;
	size_t left;
};

static inline unsigned int take(struct input *in)
{
	return in->left ? in->left--, *in->at++ : 0;
}

static inline u64 take_number(struct input *in, int bytes)
{
	u64 n = 0;

	while (bytes--)
		n = n << 8 | take(in);
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif /* FUZZ_H */
