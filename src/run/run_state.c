#include "run/run_state.h"

#include "io/file.h"
#include "io/progress.h"

#include <stdio.h>
#include <string.h>

const char *kad_run_stand_name(kad_run_stand stand)
{
    static const char *const names[KAD_RUN_STANDS] = {
        [KAD_RUN_MISSING] = "missing",   [KAD_RUN_RUNNING] = "running",
        [KAD_RUN_STOPPED] = "stopped",   [KAD_RUN_COMPLETE] = "complete",
        [KAD_RUN_UNUSABLE] = "unusable",
    };
    return names[stand];
}

static void say_running(kad_ctx *ctx, const kad_run *run, kad_run_state *s)
{
    kad_place place;
    s->stand = KAD_RUN_RUNNING;
    if (kad_place_read(ctx, run, &place) == KAD_OK && *place.stage != 0)
        snprintf(s->words, sizeof s->words, "%s: %lld of %lld", place.stage,
                 (long long)place.step, (long long)place.total);
    else
        snprintf(s->words, sizeof s->words, "running");
}

static void say_stopped(kad_run_state *s)
{
    const char *is = s->status;
    s->stand = KAD_RUN_STOPPED;
    if (strcmp(is, "running") == 0)
        snprintf(s->words, sizeof s->words, "no end is recorded: it was killed");
    else if (strcmp(is, "trained") == 0 || strcmp(is, "sampled") == 0)
        snprintf(s->words, sizeof s->words, "only %s", is);
    else if (strcmp(is, "failed") == 0)
        snprintf(s->words, sizeof s->words, "it failed");
    else if (*is == 0)
        snprintf(s->words, sizeof s->words, "nothing is recorded yet");
    else
        snprintf(s->words, sizeof s->words, "stopped by %s", is);
}

kad_status kad_run_state_of(kad_ctx *ctx, const kad_run *run, kad_h5 *file,
                            kad_run_state *out)
{
    KAD_SCOPE(scope, ctx);
    char *status, *word;
    *out = (kad_run_state){.stand = KAD_RUN_COMPLETE};
    KAD_CALL(kad_h5_attr_text(&scope, file, "/", "status", &status));
    snprintf(out->status, sizeof out->status, "%s", status);
    KAD_CALL(kad_h5_attr_text(&scope, file, "/", KAD_RESULTS_WORD, &word));
    snprintf(out->config, sizeof out->config, "%s", word);
    if (strcmp(status, "complete") == 0)
        snprintf(out->words, sizeof out->words, "complete");
    else if (kad_run_is_held(run))
        say_running(ctx, run, out);
    else
        say_stopped(out);
    return KAD_OK;
}

/* Who holds it may be about to write the results: they are not looked at. */
static kad_status read_folder(kad_ctx *ctx, const char *path, kad_run_state *out)
{
    KAD_LOCAL(kad_run, run);
    KAD_LOCAL(kad_h5, file);
    bool is_folder = false, has_results = false;
    char results[4096], word[KAD_WORD_CHARS];
    snprintf(results, sizeof results, "%s/run.h5", path);
    KAD_CALL(kad_file_is_folder(ctx, path, &is_folder));
    if (!is_folder) return KAD_OK;
    KAD_CALL(kad_file_exists(ctx, results, &has_results));
    if (!has_results) return KAD_OK;
    KAD_CALL(kad_run_open(ctx, path, KAD_RUN_READ, &run));
    if (kad_run_is_held(run)) {
        say_running(ctx, run, out);
        return KAD_OK;
    }
    if (kad_results_complete(ctx, run, word)) {
        *out = (kad_run_state){KAD_RUN_COMPLETE, "complete", "complete", ""};
        memcpy(out->config, word, sizeof out->config);
        return KAD_OK;
    }
    KAD_CALL(kad_results_open(ctx, run, &file));
    return kad_run_state_of(ctx, run, file, out);
}

kad_status kad_run_state_read(kad_ctx *ctx, const char *path, kad_run_state *out)
{
    kad_ctx quiet = *ctx; /* what is wrong goes into `words` */
    quiet.log = NULL;
    *out = (kad_run_state){.stand = KAD_RUN_MISSING};
    const kad_status status = read_folder(&quiet, path, out);
    if (status == KAD_ENOMEM) return kad_fail(ctx, status, "%s", quiet.message);
    if (status == KAD_OK) return KAD_OK;
    out->stand = KAD_RUN_UNUSABLE;
    snprintf(out->words, sizeof out->words, "%.150s", quiet.message);
    return KAD_OK;
}
