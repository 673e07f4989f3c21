#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# dkms-symvers.sh DIR: after a build, keeps the symbol versions beside the modules that DKMS
# keeps, where the Makefiles of other subsystems look. DKMS from 3.1 on does so itself.

exec cp Module.symvers "$1/"
