#include "run/options.h"

#include "base/memory.h"

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
    const int n = listed                       ? kad_config_list_length(config, "sample")
                  : kad_action_is_none(config) ? 0
                                               : 1;
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
    sample->prec = out->flow.precision;
    sample->translate = out->flow.translation;
    sample->config_values = out->action.n_comp;
    for (size_t mu = 0; mu < out->shape.n && mu < KAD_SEQUENCE_MAX; mu++)
        sample->config_values *= out->shape.value[mu];
    sample->bulk_configs = out->bulk.configs;
    sample->bulk_sampler = out->bulk.sampler;
}

kad_status kad_run_options_read(kad_ctx *ctx, const kad_config *config,
                                kad_run_options *out)
{
    *out = (kad_run_options){0};
    kad_config_fill(config, kad_run_keys, KAD_RUN_N_KEYS, 0, out);
    kad_config_fill(config, kad_action_common_keys, kad_action_n_common_keys, 0,
                    &out->action);
    kad_config_fill(config, kad_flow_keys, kad_flow_n_keys, 0, &out->flow);
    kad_config_fill(config, kad_bulk_keys, kad_bulk_n_keys, 0, &out->bulk);
    read_surroundings(out);
    const kad_status status = read_entries(ctx, config, out);
    if (status != KAD_OK) kad_run_options_clear(out);
    return status;
}

void kad_run_options_clear(kad_run_options *options)
{
    kad_free(options->entries);
    kad_free(options->samplers);
    *options = (kad_run_options){0};
}
