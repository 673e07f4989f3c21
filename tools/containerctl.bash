# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Completion for containerctl: commands, containers, and the files of one.

_containerctl() {
	local cur=${COMP_WORDS[COMP_CWORD]} cmd=${COMP_WORDS[1]:-} words=''

	# HIERARCHY:/path is one word, though bash splits it at the colon.
	if declare -F _get_comp_words_by_ref >/dev/null; then
		_get_comp_words_by_ref -n := cur
	fi
	if [ "$COMP_CWORD" = 1 ]; then
		words=$(containerctl --help 2>/dev/null | sed -n 's/^  \([a-z]*\) .*/\1/p')
	elif [[ $cur == -* ]]; then
		words=$(containerctl "$cmd" --help 2>/dev/null | grep -o -e '--[a-z][a-z-]*')
	else
		case $cmd in
		tree | ps | create | delete | exec | enter | attach | get | set | limit | wait | watch | \
			who | explain)
			words=$(containerctl tree --noheadings --raw -o path 2>/dev/null)
			;;
		umount | save)
			words=$(containerctl status --noheadings --raw -o hierarchy 2>/dev/null)
			;;
		mount)
			words='all none bc cpuacct cpuset ns numtasks'
			;;
		errors)
			words='tasks procs mkdir rmdir mount umount rmmod fork open'
			;;
		esac
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
	if declare -F __ltrim_colon_completions >/dev/null; then
		__ltrim_colon_completions "$cur"
	fi
}

complete -o default -F _containerctl containerctl
