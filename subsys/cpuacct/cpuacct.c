// SPDX-License-Identifier: GPL-2.0
#include <linux/module.h>
#include <linux/slab.h>
#include "container.h"
static int ca_create(struct container_subsys *ss, struct container *cont)
{
	struct container_subsys_state *css = kzalloc(sizeof(*css), GFP_KERNEL);

	if (!css)
		return -ENOMEM;
	container_set_subsys_state(cont, ss, css);
	return 0;
}
static void ca_destroy(struct container_subsys *ss, struct container *cont)
{
	synchronize_rcu(); kfree(cont->subsys[ss->subsys_id]);
}
static struct container_subsys ca = { .name = "cpuacct", .owner = THIS_MODULE, .members_only = true, .create = ca_create, .destroy = ca_destroy };
static int __init ca_init(void) { return container_register_subsys(&ca); }
static void __exit ca_exit(void) { container_unregister_subsys(&ca); rcu_barrier(); }
module_init(ca_init);
module_exit(ca_exit);
MODULE_LICENSE("GPL");
MODULE_ALIAS("container-subsys-cpuacct");
