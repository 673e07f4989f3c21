// SPDX-License-Identifier: GPL-2.0
/*
 * memory_pressure: how often the members of a container have to reclaim. They are counted while the
 * root's memory_pressure_enabled is 1; fmeter.h makes a rate of that.
 *
 * The probe stays as long as cpuset is bound, whether it counts or not: a write to a file holds the
 * manage lock, with which no hook is armed.
 */
#include <linux/sched.h>
#include <linux/timekeeping.h>

#include "compat_cpuset.h"
#include "container_hook.h"
#include "cpuset.h"
#include "private.h"

static bool pressure_on;	/* written under the manage lock */

/* The current task begins direct reclaim. */
static void probe_reclaim(void *data, COMPAT_RECLAIM_BEGIN)
{
	struct cpuset *cs;

	if (!READ_ONCE(pressure_on))
		return;
	rcu_read_lock();
	cs = container_cpuset(task_container(current, &cpuset_subsys));
	spin_lock(&cs->meter_lock);
	fmeter_event(&cs->meter, ktime_get_seconds());
	spin_unlock(&cs->meter_lock);
	rcu_read_unlock();
}

static struct container_hook pressure_hooks[] = {
	{
		.name = "mm_vmscan_direct_reclaim_begin",
		.type = CONTAINER_HOOK_TRACEPOINT,
		.handler = probe_reclaim,
		.optional = "cpuset.memory_pressure",
	},
};

/**
 * pressure_counted - are reclaims being counted?
 */
bool pressure_counted(void)
{
	return READ_ONCE(pressure_on);
}

/**
 * pressure_count - begin or stop counting reclaims
 * @on: begin
 *
 * Context: manage lock held.
 * Return: 0, or -EOPNOTSUPP if this kernel does not report them.
 */
int pressure_count(bool on)
{
	container_assert_managed();
	if (on && !pressure_hooks[0].armed)
		return -EOPNOTSUPP;
	WRITE_ONCE(pressure_on, on);
	return 0;
}

/**
 * pressure_bind - begin to watch reclaims
 *
 * Context: in bind(); sleeps.
 * Return: 0 or -ENOMEM.
 */
int pressure_bind(void)
{
	return container_hooks_arm(pressure_hooks, ARRAY_SIZE(pressure_hooks));
}

/**
 * pressure_unbind - undo pressure_bind()
 *
 * Context: in unbind(); sleeps.
 */
void pressure_unbind(void)
{
	container_hooks_disarm(pressure_hooks, ARRAY_SIZE(pressure_hooks));
}

/**
 * pressure_init - look for the tracepoint
 *
 * A kernel that lacks it has no memory_pressure that counts; the log says so.
 *
 * Context: the module is being loaded.
 * Return: 0 or -ENOMEM.
 */
int pressure_init(void)
{
	static const struct container_feature feature = {
		.name = "cpuset.memory_pressure",
		.hooks = pressure_hooks,
		.nr_hooks = ARRAY_SIZE(pressure_hooks),
	};
	int err = container_feature_find(&feature);

	return err == -EOPNOTSUPP ? 0 : err;
}

/* Called when the module is unloaded, or cannot be loaded. */
void pressure_exit(void)
{
	container_hooks_forget(pressure_hooks, ARRAY_SIZE(pressure_hooks));
}
