// SPDX-License-Identifier: GPL-2.0
/*
 * Records of top: a JSON object a line, with what was read, not what was shown, so that a
 * replay can be sorted and filtered in another way.
 */
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include "top.h"

void record_write(FILE *to, const struct snapshot *s, bool rates)
{
	json_object *o = json_object_new_object(), *list = json_object_new_array();

	json_object_object_add(o, "ms", json_object_new_int64(s->ms));
	json_object_object_add(o, "cpus", json_object_new_int64(s->cpus));
	for (size_t i = 0; i < s->n; i++) {
		json_object *e = json_object_new_object();

		json_object_object_add(e, "name", json_object_new_string(s->v[i].name));
		json_object_object_add(e, "parent", json_object_new_int64(s->v[i].parent));
		for (int j = 0; j < NR_FIGURES; j++) {
			double rate = figure_of(&s->v[i], j);

			if (s->v[i].v[j] >= 0)
				json_object_object_add(e, figures[j].read,
						       json_object_new_int64(s->v[i].v[j]));
			if (rates && figures[j].rate && rate >= 0) {
				char text[32];

				snprintf(text, sizeof(text), "%.1f", rate);
				json_object_object_add(e, figures[j].rate,
						       json_object_new_double_s(rate, text));
			}
		}
		json_object_array_add(list, e);
	}
	json_object_object_add(o, "containers", list);
	fprintf(to, "%s\n", json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
	json_object_put(o);
	if (fflush(to))
		die("cannot write the record: %s", strerror(errno));
}

static bool number_of(json_object *o, const char *key, int64_t *value)
{
	json_object *v;

	if (!json_object_object_get_ex(o, key, &v) || !json_object_is_type(v, json_type_int))
		return false;
	*value = json_object_get_int64(v);
	return true;
}

bool record_read(FILE *from, struct snapshot *s)
{
	static int nr;
	char *line = NULL;
	json_object *o, *list, *name;
	int64_t cpus, parent;
	size_t size = 0, n;

	if (getline(&line, &size, from) <= 0) {
		free(line);
		return false;
	}
	nr++;
	*s = (struct snapshot){ };
	o = json_tokener_parse(line);
	free(line);
	if (!number_of(o, "ms", &s->ms) || !number_of(o, "cpus", &cpus) ||
	    !json_object_object_get_ex(o, "containers", &list) ||
	    !json_object_is_type(list, json_type_array))
		die("line %d of the record is none that top has written", nr);
	s->cpus = cpus;
	n = json_object_array_length(list);
	for (size_t i = 0; i < n; i++) {
		json_object *it = json_object_array_get_idx(list, i);
		struct entry *e = snapshot_add(s);

		if (!json_object_object_get_ex(it, "name", &name) ||
		    !json_object_is_type(name, json_type_string) ||
		    !number_of(it, "parent", &parent) || parent >= (int64_t)i || parent < -1)
			die("line %d of the record is none that top has written", nr);
		e->name = shown(json_object_get_string(name));
		e->parent = parent;
		e->depth = parent < 0 ? 0 : s->v[parent].depth + 1;
		for (int j = 0; j < NR_FIGURES; j++)
			number_of(it, figures[j].read, &e->v[j]);
	}
	json_object_put(o);
	return true;
}
