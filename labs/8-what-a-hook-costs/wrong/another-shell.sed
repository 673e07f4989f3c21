# SPDX-License-Identifier: GPL-2.0
# loses: member
# file: solution.sh
# moves a shell that ends, and not itself
/^member/,/^}/ s/echo 0 >.*/sh -c 'echo 0 >\/mnt\/home\/tasks'/
