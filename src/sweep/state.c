/* How far the points of a sweep are, from their folders alone. */
#include "io/file.h"
#include "io/h5.h"
#include "io/run_folder.h"
#include "sweep/sweep.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

const char *kad_point_state_name(kad_point_state state)
{
    static const char *const names[KAD_POINT_STATES] = {
        [KAD_POINT_MISSING] = "missing",   [KAD_POINT_RUNNING] = "running",
        [KAD_POINT_STOPPED] = "stopped",   [KAD_POINT_COMPLETE] = "complete",
        [KAD_POINT_UNUSABLE] = "unusable",
    };
    return names[state];
}

/* The last whole line of progress.jsonl: "train L=16: 1200 of 4000". */
static void read_progress(kad_ctx *ctx, const char *path, char detail[KAD_POINT_DETAIL])
{
    enum { TAIL = 2048 };
    char name[4096], head[TAIL], tail[TAIL + 1] = "";
    size_t n_bytes;
    snprintf(name, sizeof name, "%s/progress.jsonl", path);
    if (kad_file_ends(ctx, name, TAIL, head, tail, &n_bytes) != KAD_OK) return;
    const size_t length = n_bytes < TAIL ? n_bytes : TAIL;
    char *begin = tail + (TAIL - length), *end = tail + TAIL;
    while (end > begin && end[-1] != '\n')
        end--;
    if (end == begin) return;
    end[-1] = 0;
    char *line = strrchr(begin, '\n');
    json_t *o = json_loads(line != NULL ? line + 1 : begin, 0, NULL);
    const char *stage = json_string_value(json_object_get(o, "stage"));
    if (stage != NULL)
        snprintf(detail, KAD_POINT_DETAIL, "%.80s: %lld of %lld", stage,
                 (long long)json_integer_value(json_object_get(o, "step")),
                 (long long)json_integer_value(json_object_get(o, "total")));
    json_decref(o);
}

/* From the status that the results file records. */
static kad_status read_results(kad_ctx *ctx, const kad_run *run, kad_point_state *state,
                               char detail[KAD_POINT_DETAIL])
{
    KAD_SCOPE(scope, ctx);
    KAD_LOCAL(kad_h5, file);
    char *text;
    KAD_CALL(kad_results_open(ctx, run, &file));
    if (!kad_h5_attr_exists(file, "/", "status")) return KAD_OK;
    KAD_CALL(kad_h5_attr_string(&scope, file, "/", "status", &text));
    if (strcmp(text, "complete") == 0)
        *state = KAD_POINT_COMPLETE;
    else if (strcmp(text, "running") == 0)
        snprintf(detail, KAD_POINT_DETAIL, "killed: no end is recorded");
    else
        snprintf(detail, KAD_POINT_DETAIL, "%.80s", text);
    return KAD_OK;
}

kad_status kad_point_state_read(kad_app *app, const char *path, kad_point_state *state,
                                char detail[KAD_POINT_DETAIL])
{
    kad_ctx quiet = app->ctx, *ctx = &quiet; /* what is wrong goes into `detail` */
    kad_run *run = NULL;
    bool is_folder = false;
    char results[4096];
    bool has_results = false;
    quiet.log = NULL;
    *state = KAD_POINT_MISSING;
    detail[0] = 0;
    snprintf(results, sizeof results, "%s/run.h5", path);
    kad_status status = kad_file_is_folder(ctx, path, &is_folder);
    if (status == KAD_OK && is_folder)
        status = kad_file_exists(ctx, results, &has_results);
    if (has_results) *state = KAD_POINT_STOPPED;
    if (status == KAD_OK && has_results)
        status = kad_run_open(ctx, path, KAD_RUN_READ, &run);
    if (status == KAD_OK && has_results && kad_run_is_held(run)) {
        *state = KAD_POINT_RUNNING;
        read_progress(ctx, path, detail);
    } else if (status == KAD_OK && has_results) {
        status = read_results(ctx, run, state, detail);
    }
    kad_run_close(run);
    if (status == KAD_ENOMEM) return kad_fail(&app->ctx, status, "%s", quiet.message);
    if (status != KAD_OK) {
        *state = KAD_POINT_UNUSABLE;
        snprintf(detail, KAD_POINT_DETAIL, "%.150s", quiet.message);
    }
    return KAD_OK;
}
