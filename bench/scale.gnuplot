# SPDX-License-Identifier: GPL-2.0
#
# A picture for each axis of bench/scale, which calls this: dat is the table, svg the picture, axis
# the name, none the instructions of a vfork without all this. A small plot for each operation, of
# instructions; a line for each system.

set terminal svg size 1000,640 dynamic background rgb "white" font "sans-serif,12"
set output svg
set datafile missing "?"
set key top left reverse Left
set grid
set yrange [0:*]
# room for the key
set offsets graph 0, graph 0, graph 0.35, graph 0
if (axis eq "containers" || axis eq "members") {
	set logscale x
	set format x "%.0s%c"
} else {
	set xrange [0:*]
	if (axis eq "hierarchies") { set xtics 1 }
}
set xlabel axis

ops = axis eq "members" ? "fork move mkdir tasks ordered usage" : "fork move mkdir rmdir tasks usage"
fork = "added to vfork+exit+wait"
move = "move oneself"
mkdir = "mkdir"
rmdir = "rmdir"
tasks = axis eq "members" ? "a member in tasks, one out of order" : "reading tasks, of one member"
ordered = "a member in tasks, in order"
usage = "reading cpuacct.usage"

set multiplot layout 2,3
do for [op in ops] {
	set title value(op)
	if (op eq "fork") { set format y "%.0f" } else { set format y "%.0s%c" }
	if ((axis eq "members" && op eq "usage") || (axis eq "containers" && op eq "rmdir")) {
		set logscale y
		set yrange [1000:*]
	} else {
		unset logscale y
		set yrange [0:*]
	}
	systems = axis eq "depth" ? "container cgroup limiters" : "container cgroup"
	base = op eq "fork" ? none : 0
	plot for [s in systems] dat using 1:(column(op."_".s) - base) with linespoints pt 7 ps 0.5 lw 2 \
		title s eq "cgroup" ? "cgroup v1" : s
}
unset multiplot
