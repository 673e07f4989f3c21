# SPDX-License-Identifier: GPL-2.0
#
# make            build the modules for the kernel whose tree is KDIR
# make install    install modules, headers and symbol versions
# make uninstall  remove them from all kernels, and what install-tools installed
# make clean
# make tools      build containerctl (into tools/, or O=); make install-tools
# make deb        Debian packages, into the directory above or O=; make rpm
# make run        see it work, in a guest on a stock kernel
# make shell      a shell in that guest
# make test       static checks, guest tests on a stock kernel, KUnit, DKMS
# make test-all   the same with full sizes, and on the debug kernel
# make check      the static checks alone; make kunit: the unit tests alone
# make matrix     the tests on each supported kernel
# make fuzz       inputs for the parsers and the arithmetic, SECONDS=60 each
# make fuzz-kernel  inputs for the modules in a guest, led by coverage, SECONDS=600, SEED=
# make ltp LTP=DIR   LTP's tests of cgroup controllers, on containers
# make analyze    clang's analyzer on the modules, cppcheck on the tools
# make kcsan      the tests on a kernel that reports data races
# make coverage   the tests on a kernel that counts which lines of the modules run
# make stress     everything at once for SECONDS=3600, by SEED=, DEBUG=1
# make headers    builds for every kernel that Debian has headers of
# make packages   the packages, in clean Debian 12 and 13 roots
# make debian-test   the packages on a Debian with systemd (SUITE=trixie: on that one)
# make debian-shell  a root shell there
# make labs       the labs' own test
# make bench      cost of each operation in instructions
# make bench-scale  how these grow, as tables and pictures, into docs/performance
# make lab N=1    begin a lab, and a guest to try it in; GDB=1: for a debugger, too
# make grade N=1  what the work is worth; T=point: one point of it; make grade-all
# make handin N=1 the work, graded and packed into the directory above, or O=
# make labs-archive  the tree without solutions, for students; the same
#
# Settings: KDIR, KERNELRELEASE (DKMS gives it), INSTALL_MOD_PATH, DESTDIR,
# MAX_CONTAINER_SUBSYS (1-255), MAX_CONTAINER_HIERARCHIES (2-255), MO (where to
# build, if not here: for kernels from 6.13 on).

# The kernel's build system reads Kbuild, never this file, so KERNELRELEASE
# here is only somebody's choice of a kernel.
release := $(or $(KERNELRELEASE),$(shell uname -r))
KDIR ?= /lib/modules/$(release)/build
DESTDIR ?=
INSTALL_MOD_PATH ?= $(DESTDIR)
# "updates" comes before the kernel's own modules for depmod.
INSTALL_MOD_DIR ?= updates

kbuild = -C $(KDIR) M=$(CURDIR)
# What the kernel of KDIR calls itself, once it is built.
utsrelease = $(shell sed -n 's/^.define UTS_RELEASE "\(.*\)"$$/\1/p' \
		$(KDIR)/include/generated/utsrelease.h)
includedir := $(DESTDIR)/usr/include/container
# Symbol versions belong to one kernel.
symversdir = $(DESTDIR)/usr/lib/container/$(utsrelease)
# Where DKMS looks for sources.
version = $(shell sed -n 's/^PACKAGE_VERSION="\(.*\)"$$/\1/p' dkms.conf)
dkmsdir = $(DESTDIR)/usr/src/container-$(version)

modules:
	$(MAKE) $(kbuild) modules

# Headers and symbol versions are what a subsystem of somebody else's needs.
install: modules install-headers
	$(MAKE) $(kbuild) modules_install INSTALL_MOD_PATH=$(INSTALL_MOD_PATH) \
		INSTALL_MOD_DIR=$(INSTALL_MOD_DIR)
	install -d $(symversdir)
	install -m 644 $(or $(MO),.)/Module.symvers $(symversdir)
	$(if $(wildcard $(INSTALL_MOD_PATH)/lib/modules/$(utsrelease)/modules.dep),\
		depmod -b $(INSTALL_MOD_PATH)/ $(utsrelease))

install-headers:
	install -d $(includedir)
	install -m 644 include/*.h $(includedir)
	$(foreach limit,SUBSYS HIERARCHIES,$(if $(MAX_CONTAINER_$(limit)),\
		sed -i 's/^\(.define MAX_CONTAINER_$(limit)\) .*/\1 $(MAX_CONTAINER_$(limit))/' \
		$(includedir)/container.h;))

# The sources, for DKMS to build from; for packages, which add them to DKMS.
install-dkms:
	install -d $(dkmsdir)
	cp --parents $(filter-out %.mod.c module/probed.h,$(wildcard Kbuild Makefile dkms.conf \
		include/*.h $(addprefix module/,*.[chS] *.sh Kbuild) \
		$(addprefix subsys/*/,*.[chS] Kbuild))) $(dkmsdir)

# Needs no kernel. What DKMS installed, in a directory of its own, is for it to remove.
uninstall:
	@INSTALL_MOD_PATH=$(INSTALL_MOD_PATH) INSTALL_MOD_DIR=$(INSTALL_MOD_DIR) \
		DESTDIR=$(DESTDIR) tools/uninstall
	@$(MAKE) -f tools/Makefile uninstall

clean:
	$(MAKE) $(kbuild) clean
	@$(MAKE) -f tools/Makefile clean

run:
	@userspace-tests/demo

tools:
	@$(MAKE) -f tools/Makefile

install-tools:
	@$(MAKE) -f tools/Makefile install

deb rpm:
	@tools/package $@ $(or $(O),..)

lab:
	@labs/lab shell $(N) $(if $(GDB),gdb)

grade:
	@labs/lab grade $(if $(T),-t $(T)) $(N) $(OF)

grade-all:
	@labs/lab grade-all $(OF)

handin:
	@labs/lab handin $(N) $(O)

labs-archive:
	@labs/lab archive $(O)

test check shell matrix headers kunit dkms packages labs ltp:
	@userspace-tests/$@

fuzz:
	@userspace-tests/fuzz $(SECONDS)

fuzz-kernel: SECONDS ?= 600
fuzz-kernel:
	@FUZZ_SECONDS=$(SECONDS) FUZZ_SEED=$(SEED) TEST_TIMEOUT=$$(($(SECONDS) + 600)) \
		QEMU_SECONDS=$$(($(SECONDS) + 1200)) LABEL=fuzz-kernel \
		userspace-tests/run --cover t_inputs

stress: SECONDS ?= 3600
stress:
	@STRESS_SECONDS=$(SECONDS) STRESS_SEED=$(SEED) TEST_TIMEOUT=$$(($(SECONDS) + 900)) \
		QEMU_SECONDS=$$(($(SECONDS) + 1500)) \
		userspace-tests/run $(if $(DEBUG),--debug) t_stress

test-all:
	@userspace-tests/test all

analyze:
	@userspace-tests/analyze

kcsan:
	@userspace-tests/run --kcsan

coverage:
	@SIZE=quick userspace-tests/run --cover

debian-test:
	@userspace-tests/debian

debian-shell:
	@userspace-tests/debian --shell

bench:
	@bench/run

bench-scale:
	@bench/scale

.PHONY: tools install-tools modules install install-headers install-dkms uninstall clean deb rpm
.PHONY: run test test-all check analyze kcsan coverage fuzz fuzz-kernel ltp stress shell matrix headers kunit dkms packages labs bench bench-scale debian-test debian-shell
.PHONY: lab grade grade-all handin labs-archive
.DEFAULT_GOAL := modules
