# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Coverage: which lines of the modules have run in a guest, as gcov counts them. The kernel of
# cover_kernel keeps the counts, those of unloaded modules, too, and the guest's init writes them
# to the third serial port when the tests are done.

# cover_begin: the settings that the modules are built with. Counts of some branches are computed
# from those of others: so none may be lost where CPUs count at the same time. KCOV is for t_inputs.
cover_begin() {
	need gcov:gcc gcov-tool:gcc
	# shellcheck disable=SC2034 # build_modules passes them on
	LIMITS+=(GCOV_PROFILE=y KCFLAGS=-fprofile-update=atomic KCOV_INSTRUMENT=y)
}

# cover_report LABEL: a table of the files of the modules, from what the guest has counted, and
# with ADD=1 what was counted before by the same modules. The lines that never ran go to a file.
cover_report() {
	local new=$WORK/cover data=$BUILD.result/cover never=$CACHE/log/$1.never note
	mkdir "$new"
	# the names of the counts are those of the objects, from the root directory
	if ! tar -x -z -f "$WORK/cover.tar.gz" -C "$new" || [ ! -e "$new/$BUILD" ]; then
		say "the guest has not handed out what was counted"
		return 1
	fi
	if [ -n "${ADD:-}" ] && [ -e "$data" ]; then
		gcov-tool merge -o "$WORK/sum" "$data" "$new/$BUILD" || return 1
	else
		mv "$new/$BUILD" "$WORK/sum"
	fi
	rm -rf "$data"
	mv "$WORK/sum" "$data"
	# a file that no guest has run has no counts, and is in the table all the same
	(cd "$BUILD" && find module subsys -name '*.gcno' -exec cp --parents {} "$data/" \;)
	: >"$never"
	find "$data" -name '*.gcno' | sort | while read -r note; do
		gcov -t -b -c "${note%.gcno}.gcda" 2>>"$WORK/gcov.log" || cat "$WORK/gcov.log" >&2
	done | awk -v build="$BUILD/" -v never="$never" '
	# gcov -t: "COUNT: LINE:TEXT", and what "branch" says below the line that has it
	/^ *-: +0:Source:/ {
		file = $0
		sub(/^[^:]*:[^:]*:Source:/, "", file)
		# our headers and the kernel, which many files include, are left out
		if (index(file, build) == 1 && file ~ /\.c$/)
			files[++nfiles] = file = substr(file, length(build) + 1)
		else
			file = ""
		next
	}
	!file { next }
	/^ *[0-9#=-][0-9*#=]*: *[0-9]+:/ {
		if ($0 ~ /^ *-:/)
			next
		lines[file]++
		if ($0 ~ /^ *[#=]/) {
			sub(/^[^:]*: */, "")
			print file ":" $0 >never
		} else {
			run[file]++
		}
		next
	}
	/^branch / {
		branches[file]++
		if (/ taken [1-9]/)
			taken[file]++
	}
	function row(name, lines, run, branches, taken) {
		printf "%-28s %6d %6.1f %% %8d %6.1f %%\n", name, lines, lines ? 100 * run / lines : 0,
			branches, branches ? 100 * taken / branches : 0
	}
	END {
		printf "%-28s %6s %8s %8s %8s\n", "", "lines", "run", "branches", "taken"
		for (i = 1; i <= nfiles; i++) {
			f = files[i]
			row(f, lines[f], run[f], branches[f], taken[f])
			l += lines[f]; r += run[f]; b += branches[f]; t += taken[f]
		}
		row("all", l, r, b, t)
	}'
	say "the lines that never ran: $never"
}
