# SPDX-License-Identifier: GPL-2.0
# Where the instructions of an operation go, by function: reads, in this
# order, the guest's console, its text symbols sorted by address, and the
# counts of insncount.so sorted by address within each section ("section N"
# replaced by a first column N); prints a column a state, largest change
# first.  Addresses that belong to no kernel symbol are the bench itself; its
# waiting for deferred work is taken off.

BEGIN { section = -1; nstates = nsyms = 0 }

FNR == 1 { file++ }

file == 1 && $1 == "PROFILE" {
	label[nstates] = $0
	sub(/.*, /, "", label[nstates])
	sub(/\r/, "", label[nstates])
	drain[nstates] = $3
	per[nstates++] = $2
	title = $0
	sub(/^PROFILE [0-9]+ [0-9]+ /, "", title)
	sub(/, .*/, "", title)
}

# Fixed-width hex compares as text as it does as a number.
file == 2 { addr[nsyms] = $1; name[nsyms++] = $2 }

file == 3 {
	if ($1 != section) {
		section = $1
		at = -1
	}
	while (at + 1 < nsyms && (addr[at + 1] "") <= ($2 ""))
		at++
	fn = at < 0 ? "(user space)" : name[at]
	count[fn, section] += $3 / per[section]
	total[section] += $3 / per[section]
	seen[fn] = 1
}

END {
	for (s = 0; s < nstates; s++) {
		count["(user space)", s] -= drain[s] / per[s]
		total[s] -= drain[s] / per[s]
	}
	printf "%s: instructions an operation\n%-44s", title, ""
	for (s = 0; s < nstates; s++)
		printf "%12s", label[s]
	printf "\n%-44s", "(total)"
	for (s = 0; s < nstates; s++)
		printf "%12.1f", total[s]
	printf "\n"
	for (fn in seen) {
		min = max = count[fn, 0] + 0
		line = sprintf("%-44s", fn)
		for (s = 0; s < nstates; s++) {
			v = count[fn, s] + 0
			line = line sprintf("%12.1f", v)
			min = v < min ? v : min
			max = v > max ? v : max
		}
		if (max >= 0.5)
			printf "%012.3f %012.3f\t%s\n", max - min, max, line | "sort -r | cut -f2-"
	}
}
