#include "run/options.h"

#include "base/memory.h"

#include <string.h>

/* --- the action ---------------------------------------------------------------------- */

static bool has_key(const kad_action_ops *ops, const char *key)
{
    for (size_t i = 0; i < ops->n_keys; i++)
        if (!strcmp(ops->keys[i].key, key)) return true;
    return false;
}

/* A key that belongs to another action only would silently do nothing: an error. */
static kad_status check_foreign_keys(kad_ctx *ctx, const kad_config *config,
                                     const kad_action_ops *ops)
{
    for (int i = 0; kad_actions[i]; i++)
        for (size_t j = 0; j < kad_actions[i]->n_keys; j++) {
            const char *key = kad_actions[i]->keys[j].key;
            if (!has_key(ops, key) && kad_config_is_given(config, key))
                return kad_fail(ctx, KAD_ECONFIG,
                                "%s: not a parameter of action \"%s\" (it is one of "
                                "\"%s\")",
                                key, ops->name, kad_actions[i]->name);
        }
    return KAD_OK;
}

static kad_status read_action(kad_ctx *ctx, const kad_config *config,
                              kad_action_options *out)
{
    *out = (kad_action_options){0};
    kad_config_fill(config, kad_action_common_keys, kad_action_n_common_keys, 0, out);
    const kad_action_ops *ops = kad_action_find(out->name);
    if (kad_action_is_none(out)) return KAD_OK;
    if (!ops) return kad_action_unknown(ctx, out->name);
    KAD_CALL(check_foreign_keys(ctx, config, ops));
    KAD_CALL(kad_new(ctx, 1, ops->options_size, &out->own));
    kad_config_fill(config, ops->keys, ops->n_keys, 0, out->own);
    return KAD_OK;
}

kad_status kad_action_options_read(kad_ctx *ctx, const kad_config *config,
                                   kad_action_options *out)
{
    const kad_status status = read_action(ctx, config, out);
    if (status != KAD_OK) kad_action_options_clear(out);
    return status;
}

void kad_action_options_clear(kad_action_options *options)
{
    kad_free(options->own);
    *options = (kad_action_options){0};
}

/* --- samplers ------------------------------------------------------------------------ */

static size_t n_samplers(void)
{
    size_t n = 0;
    while (kad_samplers[n] != NULL)
        n++;
    return n;
}

/* Without a list there is one entry, of defaults; none where there is no action to sample.
 */
static kad_status read_entries(kad_ctx *ctx, const kad_config *config,
                               kad_run_options *out)
{
    const bool listed = kad_config_is_set(config, "sample");
    const int by_default = kad_action_is_none(&out->model.action) ? 0 : 1;
    const int n = listed ? kad_config_list_length(config, "sample") : by_default;
    const size_t bytes = n_samplers() * KAD_SAMPLER_OPTIONS;
    KAD_CALL(kad_new(ctx, (size_t)n, sizeof *out->entries, &out->entries));
    KAD_CALL(kad_new(ctx, (size_t)n, bytes, &out->samplers));
    for (int entry = 0; entry < n; entry++) {
        char *own = (char *)out->samplers + (size_t)entry * bytes;
        kad_config_fill(config, kad_sample_keys, kad_sample_n_keys, entry,
                        &out->entries[entry]);
        out->entries[entry].listed = listed;
        out->entries[entry].own = own;
        for (size_t i = 0; kad_samplers[i] != NULL; i++)
            kad_config_fill(config, kad_samplers[i]->keys, kad_samplers[i]->n_keys, entry,
                            own + i * KAD_SAMPLER_OPTIONS);
    }
    out->sample.n = n;
    out->sample.entry = out->entries;
    return KAD_OK;
}

/* What the samplers must know of other sections. */
static void read_surroundings(kad_run_options *out)
{
    kad_sample_options *sample = &out->sample;
    const kad_model_options *model = &out->model;
    const bool known = !kad_action_is_none(&model->action);
    const int n_comp = known ? model->action.n_comp : model->n_comp;
    sample->prec = model->flow.precision;
    sample->translate = model->flow.translation;
    sample->config_values = n_comp > 0 ? n_comp : 1;
    for (size_t mu = 0; mu < model->shape.n && mu < KAD_SEQUENCE_MAX; mu++)
        sample->config_values *= model->shape.value[mu];
    sample->bulk_configs = out->bulk.configs;
    sample->bulk_sampler = out->bulk.sampler;
}

/* --- all ----------------------------------------------------------------------------- */

static kad_status read_all(kad_ctx *ctx, const kad_config *config, kad_run_options *out)
{
    *out = (kad_run_options){0};
    kad_config_fill(config, kad_run_keys, KAD_RUN_N_KEYS, 0, out);
    kad_config_fill(config, kad_flow_keys, kad_flow_n_keys, 0, &out->model.flow);
    kad_config_fill(config, kad_family_keys, kad_family_n_keys, 0, &out->model.family);
    kad_config_fill(config, kad_train_keys, kad_train_n_keys, 0, &out->train);
    kad_config_fill(config, kad_bulk_keys, kad_bulk_n_keys, 0, &out->bulk);
    out->model.n_comp = out->train.data.components;
    KAD_CALL(kad_action_options_read(ctx, config, &out->model.action));
    read_surroundings(out);
    KAD_CALL(read_entries(ctx, config, out));
    KAD_CALL(kad_config_settings(ctx, config, &out->settings));
    KAD_CALL(kad_train_options_decide(ctx, &out->train, &out->model, &out->settings));
    return KAD_OK;
}

kad_status kad_run_options_read(kad_ctx *ctx, const kad_config *config,
                                kad_run_options *out)
{
    const kad_status status = read_all(ctx, config, out);
    if (status != KAD_OK) kad_run_options_clear(out);
    return status;
}

void kad_run_options_clear(kad_run_options *options)
{
    kad_action_options_clear(&options->model.action);
    kad_settings_clear(&options->settings);
    kad_free(options->entries);
    kad_free(options->samplers);
    *options = (kad_run_options){0};
}
