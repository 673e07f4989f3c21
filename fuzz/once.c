// SPDX-License-Identifier: GPL-2.0
/* Runs each file that is named once, where there is no libFuzzer. */
#include "fuzz.h"

int main(int argc, char **argv)
{
	static uint8_t data[65536];
	size_t size;
	FILE *f;

	for (int i = 1; i < argc; i++) {
		f = fopen(argv[i], "r");
		if (!f)
			return 1;
		size = fread(data, 1, sizeof(data), f);
		fclose(f);
		LLVMFuzzerTestOneInput(data, size);
	}
	return 0;
}
