#include "run/schema.h"

#include "bulk/bulk.h"
#include "flow/flow.h"
#include "models/action.h"
#include "record/sample.h"
#include "run/options.h"
#include "sample/sampler.h"
#include "train/family.h"
#include "train/options.h"

#include <string.h>

const kad_key kad_run_keys[KAD_RUN_N_KEYS] = {
    {"seed", KAD_INT_OF(kad_run_options, model.seed), "42", 0, 9e15, "", NULL,
     "key of every random number"},
    {"title", KAD_STRING_OF(kad_run_options, title), NULL, 1, 0, "", NULL,
     "title of the report, before the model's name"},
    {"data.kind", KAD_ENUM_OF(kad_run_options, kind, KAD_DATA_AUTO), "auto", 1, 0, "",
     "auto|field|image",
     "what data.source holds: configurations of a field, or images; auto: what is in it"},
    {"lattice.shape", KAD_INTS_OF(kad_run_options, model.shape), NULL, 2, 1048576,
     "sites", NULL, "extents in 1, 2 or 3 dimensions, periodic: [16, 16]"},
};

void kad_action_add_keys(kad_schema *schema, const kad_action_ops *ops)
{
    kad_schema_add_for(schema, ops->keys, ops->n_keys, "action.name", ops->name);
}

void kad_action_schema(kad_schema *schema)
{
    kad_schema_add(schema, kad_action_common_keys, kad_action_n_common_keys);
    for (int i = 0; kad_actions[i]; i++)
        kad_action_add_keys(schema, kad_actions[i]);
}

void kad_cli_schema_of(kad_schema *schema, const char *action)
{
    kad_schema_add(schema, kad_run_keys, KAD_RUN_N_KEYS);
    kad_schema_add(schema, kad_action_common_keys, kad_action_n_common_keys);
    for (size_t i = 0; kad_actions[i] != NULL; i++)
        if (action == NULL || strcmp(action, kad_actions[i]->name) == 0)
            kad_action_add_keys(schema, kad_actions[i]);
    kad_schema_add(schema, kad_flow_keys, kad_flow_n_keys);
    kad_schema_add(schema, kad_family_keys, kad_family_n_keys);
    kad_schema_add(schema, kad_train_keys, kad_train_n_keys);
    kad_schema_add(schema, kad_image_keys, kad_image_n_keys);
    kad_schema_add(schema, kad_images_keys, kad_images_n_keys);
    kad_schema_add(schema, kad_view_keys, kad_view_n_keys);
    kad_schema_add(schema, kad_sample_keys, kad_sample_n_keys);
    for (size_t i = 0; kad_samplers[i] != NULL; i++)
        kad_schema_add(schema, kad_samplers[i]->keys, kad_samplers[i]->n_keys);
    kad_schema_add(schema, kad_bulk_keys, kad_bulk_n_keys);
    kad_schema_add_rules(schema, kad_image_rules, kad_image_n_rules);
    kad_schema_add_rules(schema, kad_images_rules, kad_images_n_rules);
    kad_schema_add_rules(schema, kad_flow_rules, kad_flow_n_rules);
    kad_schema_add_rules(schema, kad_family_rules, kad_family_n_rules);
    kad_schema_add_rules(schema, kad_train_rules, kad_train_n_rules);
    kad_schema_add_renamed(schema, kad_train_renamed, kad_train_n_renamed);
    kad_schema_add_rules(schema, kad_bulk_rules, kad_bulk_n_rules);
}

void kad_cli_schema(kad_schema *schema)
{
    kad_cli_schema_of(schema, NULL);
}

void kad_images_schema(kad_schema *schema)
{
    *schema = (kad_schema){0};
    kad_schema_add(schema, kad_run_keys, KAD_RUN_N_COMMON);
    kad_schema_add(schema, kad_image_keys, kad_image_n_keys);
    kad_schema_add(schema, kad_images_keys, kad_images_n_keys);
    kad_schema_add(schema, kad_view_keys, kad_view_n_keys);
    kad_schema_add_rules(schema, kad_images_recipe_rules, kad_images_n_recipe_rules);
    kad_schema_add_rules(schema, kad_image_rules, kad_image_n_rules);
}
