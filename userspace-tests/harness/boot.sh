# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Booting the guest, and reading what its tests and its kernel say.

CMDLINE="console=ttyS0 no_timer_check memhp_default_state=offline panic=1 oops=panic panic_on_oops=1 printk.devkmsg=on log_buf_len=4M"

# boot LABEL [ARGS...]: runs the guest's tests, shows what they say, and adds the
# result to the file $RESULTS.  The kernel log goes to the first serial port,
# what the tests say to the second: on one they would cut each other's lines.
# The arguments are QEMU's.
boot() {
	local label=$1 log=$CACHE/log/$1 start passed failed skipped
	shift
	start=$(date +%s)
	say "$label: booting $(kernel_release); kernel log: $log.console"
	rm -f "$WORK/tap" "$WORK/console"
	mkfifo "$WORK/tap"
	# A file of its own: another run under this label may be writing to the old one.
	: >"$WORK/console"
	ln -f "$WORK/console" "$log.console"
	rm -f "$WORK/qemu.pid"
	count "$label" <"$WORK/tap" &
	local counter=$!
	qemu -serial "file:$WORK/console" -serial stdio -append "$CMDLINE loglevel=7 ${APPEND:-}" "$@" \
		</dev/null >"$WORK/tap" 2>"$WORK/qemu.log"
	echo "$QEMU_PID" >"$WORK/qemu.pid"
	wait "$QEMU_PID" || say "$label: qemu: status $? $(cat "$WORK/qemu.log")"
	wait "$counter"
	read -r passed failed skipped <"$WORK/counts"
	local reports
	reports=$(kernel_reports "$WORK/console")
	if [ -n "$reports" ]; then
		echo "$reports"
		failed=$((failed + $(echo "$reports" | grep -c '^[^ ]*: not ok')))
	fi
	say "$label: $passed passed, $failed failed, $skipped skipped in $(($(date +%s) - start)) s"
	echo "$passed $failed $skipped $label" >>"$RESULTS"
}

# count: reads what the guest says, prints it with the program's name before
# each line, and leaves "passed failed skipped" in $WORK/counts.  A guest that
# says nothing for longer than a test may take is hung, and ended.
count() {
	local line prog=boot n=0 plan='' bad=0 passed=0 failed=0 skipped=0 done='' rest
	local silence=$(($(guest_conf_of TEST_TIMEOUT) + 180))
	local status
	while true; do
		status=0
		IFS= read -r -t "$silence" line || status=$?
		if [ "$status" -gt 128 ] && [ ! -s "$WORK/console" ]; then
			# not begun: QEMU_SECONDS is the limit of that
			continue
		elif [ "$status" -gt 128 ] && [ "$done" != hung ]; then
			echo "$prog: not ok - the guest hangs: it says nothing for $silence s"
			failed=$((failed + 1)) done=hung
			kill "$(cat "$WORK/qemu.pid")" 2>/dev/null || true
			continue
		fi
		[ "$status" = 0 ] || break
		line=${line%$'\r'}
		case $line in
		'#:begin '*)
			prog=${line#* } n=0 plan='' bad=0
			continue
			;;
		'#:end '*)
			# PROGRAM STATUS SECONDS
			rest=${line#*:end * }
			if [ -z "$plan" ]; then
				echo "$prog: not ok - ended without a plan (status ${rest% *})"
				failed=$((failed + 1))
			elif [ "$plan" != "$n" ]; then
				echo "$prog: not ok - $n tests, $plan planned"
				failed=$((failed + 1))
			elif [ "$bad" = 0 ] && [ "${rest% *}" != 0 ]; then
				echo "$prog: not ok - status ${rest% *}"
				failed=$((failed + 1))
			fi
			echo "$prog: # ${rest#* } s"
			prog=after-$prog n=0 plan=''
			continue
			;;
		'#:late '*)
			# no failure: there was no time for it, or for the rest of it
			echo "$prog: # SKIP no time for ${line#* }"
			skipped=$((skipped + 1))
			prog=after-${line#* } n=0 plan=''
			continue
			;;
		'#:done')
			done=1
			continue
			;;
		'ok '*'# SKIP'* | 'ok '*'# skip'*) skipped=$((skipped + 1)) n=$((n + 1)) ;;
		'ok '*) passed=$((passed + 1)) n=$((n + 1)) ;;
		'not ok '*) failed=$((failed + 1)) n=$((n + 1)) bad=$((bad + 1)) ;;
		1..0*) plan=0 skipped=$((skipped + 1)) ;;
		1..*) plan=${line#1..} ;;
		esac
		echo "$prog: $line"
	done
	if [ -z "$done" ]; then
		echo "$prog: not ok - the guest died or ran out of time here"
		failed=$((failed + 1))
	fi
	echo "$passed $failed $skipped" >"$WORK/counts"
}

# kernel_reports FILE: one "not ok" with an excerpt for each test during
# which the kernel complained; nothing when it did not.
kernel_reports() {
	tr -d '\r' <"$1" | own_races | awk '
	/harness: begin / { test = $NF; seen = excused = 0; next }
	# failslab refused the kernel what it looks after timers and such with
	/ODEBUG: Out of memory/ { next }
	# the kernel shows where it was when failslab refused it a vmalloc area
	/vmalloc error: .*vm_struct allocation failed/ { excused = 1 }
	# kernels from 6.2 to 6.11 warn of a change of cpuset.cpus, of their own cpusets, too,
	# that leaves nothing of an affinity which is being set; no other warning is there
	/WARNING: .* __sched_setaffinity\+/ { excused = 1; next }
	excused && /Call Trace/ { excused = 0; next }
	!seen && /WARNING: |BUG: |BUG [a-z]|=== ?BUG|Oops|KASAN|UBSAN|Call Trace|ODEBUG/ ||
	!seen && /general protection|Kernel panic|possible (circular|recursive|irq)|lock state/ ||
	!seen && /suspicious RCU|INFO: (task|rcu|lockdep|trying)|detected stall|self-detected/ ||
	!seen && /sleeping function|scheduling while atomic|list_(add|del) corruption|refcount_t:/ ||
	!seen && /lockup|hung_task|blocked for more|kmemleak: .* suspected|Slab corruption/ ||
	!seen && /unable to handle|invalid opcode|imbalance|page allocation failure|double free/ {
		seen = 1
		left = 45
		printf "%s: not ok - the kernel complained\n", test ? test : "boot"
	}
	left > 0 { print "    " $0; left-- }'
}

# own_races: a kernel log without the data races in which no access is by a module of ours or of a
# test: the kernel has some of its own; nor that of racetest, which is there to be reported. The
# line after each access names the function.
own_races() {
	awk '
	/BUG: KCSAN: / { held = ""; holds = 1; ours = 0 }
	holds {
		held = held $0 "\n"
		ours = ours || (access && /\[[a-z_]+\]$/ && !/\[racetest\]$/)
		access = / (read|write).* by (task|interrupt)|race at unknown origin/
		if (/==========/ && held ~ /\n.*\n/) {
			if (ours)
				printf "%s", held
			holds = 0
		}
		next
	}
	{ print }
	END { if (holds) printf "%s", held }'
}
