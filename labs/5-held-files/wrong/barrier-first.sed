# SPDX-License-Identifier: GPL-2.0
# loses: raise
# file: solution.sh
# a barrier above the limit is refused
/^limit/,/^}/ {
	/echo 0/d
	s#limit"$#other"#
	s#barrier"$#limit"#
	s#other"$#barrier"#
}
