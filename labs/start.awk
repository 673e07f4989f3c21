# SPDX-License-Identifier: GPL-2.0
#
# Makes the start of a file from its solution. What stands between "LAB: begin" and "LAB: instead"
# is left out; what stands between that and "LAB: end" is a comment in the solution, "# ..." or
# "/* ... */" on each line, and the student's text.

/LAB: begin/ { cut = 1; next }
/LAB: instead/ { cut = 2; next }
/LAB: end/ { cut = 0; next }
cut == 1 { next }
cut == 2 && !sub(/# /, "") { sub(/\/\* /, ""); sub(/ \*\/$/, "") }
{ print }
