/* Keys that were given but do nothing: errors, since the user meant something by them. */
#include "record/sample.h"
#include "run/pipeline.h"
#include "sample/cycle.h"
#include "sample/tempering.h"

#include <stdio.h>
#include <string.h>

enum { NAMES_MAX = 600 };

static kad_status fail_key(kad_pipeline *p, const char *name, const char *key)
{
    char used[NAMES_MAX], decider[128], section[16];
    snprintf(section, sizeof section, "%.*s", (int)strcspn(key, ".") + 1, key);
    kad_config_used_names(p->config, section, sizeof used, used);
    kad_config_decider(p->config, key, sizeof decider, decider);
    return kad_fail(&p->app->ctx, KAD_ECONFIG,
                    "%s: %s: has no effect with %s; used of %.*s are: %s", name, key,
                    decider, (int)strlen(section) - 1, section, used);
}

/* --- entries of `sample` -------------------------------------------------------------
 */

enum { PREFIX = sizeof "sample[]." - 1 };

static bool in_table(const kad_key *keys, size_t n, const char *key)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(keys[i].key + PREFIX, key) == 0) return true;
    return false;
}

/* A shared key that this kind of sampler cannot use. */
static bool excluded(const kad_sampler_ops *ops, const char *key)
{
    const bool weighted = (ops->flags & KAD_SAMPLER_WEIGHTED) != 0;
    const bool chain = !weighted || (ops->flags & KAD_SAMPLER_PROPOSALS) != 0;
    if (strcmp(key, "exact") == 0) return !weighted;
    if (strcmp(key, "start") == 0) return weighted;
    if (strcmp(key, "burn_in") == 0) return !chain;
    if (strcmp(key, "tuning") == 0) return ops->tunes == NULL;
    if (strcmp(key, "store_latents") == 0)
        return (ops->flags & KAD_SAMPLER_NEEDS_MAP) == 0;
    return false;
}

/* A cycle's entry holds the keys of its steps. */
static bool of_a_step(const kad_sampler_ops *ops, const char *key)
{
    for (int i = 0; ops == &kad_sampler_cycle && kad_samplers[i] != NULL; i++)
        if (in_table(kad_samplers[i]->keys, kad_samplers[i]->n_keys, key)) return true;
    return false;
}

/* base: whose updates the sampler makes; NULL: its own. */
static bool applies(const kad_sampler_ops *ops, const kad_sampler_ops *base,
                    const char *key)
{
    if (in_table(ops->keys, ops->n_keys, key) || of_a_step(ops, key)) return true;
    if (base != NULL && in_table(base->keys, base->n_keys, key)) return true;
    return in_table(kad_sample_keys, kad_sample_n_keys, key) && !excluded(ops, key);
}

typedef struct entry_check {
    kad_pipeline *p;
    const kad_sampler_ops *ops, *base;
    int entry;
    char bad[64]; /* the first key that does not apply */
    char used[NAMES_MAX];
} entry_check;

static void check_key(void *self, const kad_key *key)
{
    entry_check *c = self;
    char full[64];
    if (strncmp(key->key, "sample[].", PREFIX) != 0) return;
    const char *own = key->key + PREFIX;
    if (applies(c->ops, c->base, own)) {
        const size_t n = strlen(c->used);
        snprintf(c->used + n, sizeof c->used - n, "%s%s", n > 0 ? ", " : "", own);
        return;
    }
    snprintf(full, sizeof full, "sample[%d].%s", c->entry, own);
    if (c->bad[0] == '\0' && kad_config_is_given(c->p->config, full))
        snprintf(c->bad, sizeof c->bad, "%s", full);
}

static kad_status check_entry(kad_pipeline *p, const char *name, int entry)
{
    char key[64];
    snprintf(key, sizeof key, "sample[%d].name", entry);
    const kad_sampler_ops *ops = kad_sampler_find(kad_config_string(p->config, key));
    if (ops == NULL) return KAD_OK; /* the sampler's own complaint is better */
    entry_check c = {.p = p, .ops = ops, .entry = entry};
    snprintf(key, sizeof key, "sample[%d].base", entry);
    if (ops == &kad_sampler_tempering)
        c.base = kad_sampler_find(kad_config_string(p->config, key));
    kad_schema_each(&p->schema, check_key, &c);
    if (c.bad[0] == '\0') return KAD_OK;
    return kad_fail(&p->app->ctx, KAD_ECONFIG,
                    "%s: %s: not used by sampler %s, which uses: %s", name, c.bad,
                    ops->name, c.used);
}

kad_status kad_config_check_used(kad_pipeline *p, const char *name)
{
    const char *key = kad_config_unused(p->config);
    if (key != NULL) return fail_key(p, name, key);
    for (int i = 0; i < kad_config_list_length(p->config, "sample"); i++)
        KAD_CALL(check_entry(p, name, i));
    return KAD_OK;
}
