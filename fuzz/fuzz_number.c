// SPDX-License-Identifier: GPL-2.0
/*
 * container_parse_number(): what it takes is digits with blanks around them, and the number is the
 * one that they spell, if it is not too large. What is printed parses to the same.
 */
#include "fuzz.h"
#include "../module/parse.c"

/* Are there more digits, or larger ones? Without leading zeros. */
static bool is_larger(const char *digits, size_t len, unsigned long max)
{
	char limit[24];
	size_t n = snprintf(limit, sizeof(limit), "%lu", max);

	return len != n ? len > n : memcmp(digits, limit, n) > 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned long bounds[] = { 1, 9, 10, 255, INT_MAX, LONG_MAX, ULONG_MAX };
	struct input in = { data, size };
	unsigned long max = bounds[take(&in) % 7], value = 12345, again;
	char *text = strndup((const char *)in.at, in.left), *digits, printed[24];
	int err = container_parse_number(text, max, &value);
	size_t len;

	digits = text + strspn(text, " \t");
	len = strspn(digits, "0123456789");
	if (!len || digits[len + strspn(digits + len, " \t")]) {
		assert(err == -EINVAL);
	} else {
		for (; len > 1 && *digits == '0'; len--)
			digits++;
		assert(err == (is_larger(digits, len, max) ? -EINVAL : 0));
	}
	if (err) {
		assert(value == 12345);
	} else {
		snprintf(printed, sizeof(printed), "%lu", value);
		assert(strlen(printed) == len && !memcmp(printed, digits, len));
		assert(!container_parse_number(printed, max, &again) && again == value);
	}
	free(text);
	return 0;
}
