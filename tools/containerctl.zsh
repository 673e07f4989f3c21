#compdef containerctl
# SPDX-License-Identifier: GPL-2.0
#
# Completion for containerctl in zsh: commands, options, and containers. The same as
# containerctl.bash, which see.

_containerctl() {
	local cmd=$words[2]
	local -a list

	if (( CURRENT == 2 )); then
		list=(${(f)"$(containerctl --help 2>/dev/null |
			sed -n 's/^  \([a-z]*\)  *\(.*\)/\1:\2/p')"})
		_describe -t commands command list
		return
	fi
	if [[ $PREFIX == -* ]]; then
		list=(${(f)"$(containerctl $cmd --help 2>/dev/null | grep -o -e '--[a-z][a-z-]*')"})
		compadd -- $list
		return
	fi
	case $cmd in
	(tree|ps|create|delete|exec|enter|attach|get|set|limit|wait|watch|who|explain)
		list=(${(f)"$(containerctl tree --noheadings --raw -o path 2>/dev/null)"})
		;;
	(umount|save)
		list=(${(f)"$(containerctl status --noheadings --raw -o hierarchy 2>/dev/null)"})
		;;
	(mount)
		list=(all none bc cpuacct cpuset ns numtasks)
		;;
	(errors)
		list=(tasks procs mkdir rmdir mount umount rmmod fork open)
		;;
	esac
	# what is no container may be a file, or a command and its arguments
	(( $#list )) && compadd -- $list || _default
}

_containerctl "$@"
