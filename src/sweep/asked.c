/* What the config asks of a point, in a word that its run keeps, so that a worker sees without
 * opening anything whether a complete point is still what is asked for. */
#include "io/h5.h"
#include "record/entries.h"
#include "record/job.h"
#include "run/options.h"
#include "sweep/points.h"

#include <stdio.h>
#include <string.h>

/* Of the base with the command line, and of what the sweep sets for the point: 42 bits. */
kad_status kad_sweep_word(kad_app *app, const kad_sweep *s, const kad_sweep_point *point,
                          char word[KAD_WORD_CHARS])
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    KAD_SCOPE(scope, &app->ctx);
    kad_app alone = *app;
    uint64_t hash = s->asked;
    const char **own;
    int n;
    alone.n_overrides = 0; /* they are in s->asked */
    KAD_CALL(kad_sweep_overrides(&scope, &alone, s, point, &n, &own));
    for (int i = 0; i < n; i++)
        hash = kad_fingerprint(hash, own[i], strlen(own[i]) + 1);
    hash ^= hash >> 32;
    for (int i = 0; i < KAD_WORD_CHARS - 1; i++, hash >>= 6)
        word[i] = letters[hash & 63];
    word[KAD_WORD_CHARS - 1] = 0;
    return KAD_OK;
}

/* The options of a config, which they borrow from. */
typedef struct asked {
    kad_config *config;
    kad_run_options options;
} asked;

static void forget(asked *a)
{
    kad_run_options_clear(&a->options);
    kad_config_destroy(a->config);
}

static kad_status read(kad_ctx *ctx, const kad_sweep *s, const char *text, int n,
                       const char *const *overrides, asked *out)
{
    KAD_CALL(
        kad_config_parse(ctx, &s->schema, text, s->name, n, overrides, &out->config));
    return kad_run_options_read(ctx, out->config, &out->options);
}

/* What a complete point was made with. */
static kad_status read_made(kad_scope *in, const kad_sweep *s,
                            const kad_sweep_point *point, asked *out)
{
    kad_h5 *file;
    char *text;
    KAD_CALL(kad_sweep_results(in->ctx, s, point, &file));
    KAD_CALL(kad_h5_read_strings(in, file, "/config/resolved", 1, &text));
    return read(in->ctx, s, text, 0, NULL, out); /* JSON is YAML */
}

static kad_status compare_draws(kad_app *app, const kad_sweep *s,
                                const kad_sweep_point *point, kad_run_state *state)
{
    KAD_SCOPE(scope, &app->ctx);
    asked made KAD_CLEARED(forget) = {0}, now KAD_CLEARED(forget) = {0};
    const char **overrides;
    int n;
    KAD_CALL(read_made(&scope, s, point, &made));
    KAD_CALL(kad_sweep_overrides(&scope, app, s, point, &n, &overrides));
    KAD_CALL(read(&app->ctx, s, s->base, n, overrides, &now));
    const kad_sample_options *old = &made.options.sample, *new = &now.options.sample;
    for (int i = 0; i < new->n &&i < old->n; i++) {
        const int64_t there = kad_sample_draws(old, i), wanted = kad_sample_draws(new, i);
        if (there >= wanted) continue;
        state->stand = KAD_RUN_STOPPED;
        snprintf(state->words, sizeof state->words, "sample[%d]: %lld of %lld draws", i,
                 (long long)there, (long long)wanted);
        return KAD_OK;
    }
    return KAD_OK;
}

kad_status kad_sweep_state(kad_app *app, const kad_sweep *s, const kad_sweep_point *point,
                           kad_run_state *state)
{
    char word[KAD_WORD_CHARS];
    KAD_CALL(kad_sweep_stand(&app->ctx, s, point, state));
    if (s->base == NULL || !point->wanted || state->stand != KAD_RUN_COMPLETE)
        return KAD_OK;
    KAD_CALL(kad_sweep_word(app, s, point, word));
    if (strcmp(word, state->config) == 0) return KAD_OK;
    snprintf(state->words, sizeof state->words,
             "complete by another config: `kadanoff sweep run` says how it differs");
    kad_app quiet = *app; /* what cannot be compared stays so said */
    quiet.ctx.log = NULL;
    const kad_status status = compare_draws(&quiet, s, point, state);
    return status == KAD_ENOMEM ? kad_fail(&app->ctx, status, "%s", quiet.ctx.message)
                                : KAD_OK;
}
