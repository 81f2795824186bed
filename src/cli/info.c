/* `kadanoff info`: first what a run is and what came out, then its provenance, then the
 * data sets. */
#include "analysis/comparison.h"
#include "analysis/diagnostics.h"
#include "analysis/results.h"
#include "analysis/table.h"
#include "base/memory.h"
#include "cli/command.h"
#include "run/pipeline.h"
#include "run/run_state.h"

#include <math.h>
#include <string.h>

static void print_line(const char *name, const char *text)
{
    printf("%-14s %s\n", name, text);
}

static void print_text(kad_ctx *ctx, kad_h5 *file, const char *name)
{
    KAD_SCOPE(scope, ctx);
    char *text = kad_attr_string(&scope, file, "/", name);
    if (text != NULL) kad_make_printable(text, false);
    if (text != NULL) print_line(name, text);
}

static void print_number(kad_ctx *ctx, kad_h5 *file, const char *name)
{
    if (!kad_h5_attr_exists(file, "/", name)) return;
    int64_t integer = kad_attr_int(ctx, file, "/", name);
    double real = kad_attr_real(ctx, file, "/", name);
    if (isfinite(real))
        printf("%-14s %g\n", name, real);
    else
        printf("%-14s %lld\n", name, (long long)integer);
}

/* --- the summary --------------------------------------------------------------------- */

/* -ln q a site of samples that training never saw. */
static void print_held_out(kad_ctx *ctx, kad_h5 *file)
{
    static const char group[] = "/training";
    char text[64];
    if (!kad_h5_exists(file, group)) return;
    const double value = kad_attr_real(ctx, file, group, "held_out"),
                 discrete = kad_attr_real(ctx, file, group, "held_out_discrete");
    if (!isfinite(value)) return;
    kad_format_error(text, sizeof text, value,
                     kad_attr_real(ctx, file, group, "held_out_err"));
    printf("%-14s -ln q a site %s, of %lld samples", "held out", text,
           (long long)kad_attr_int(ctx, file, group, "data_held_out"));
    if (isfinite(discrete)) printf("; -ln P at most %.5g", discrete);
    printf("\n");
}

/* Rows of /analysis/log_z that say how good the map is. */
static kad_status print_map(kad_ctx *ctx, kad_h5 *file)
{
    KAD_SCOPE(scope, ctx);
    static const char *const rows[] = {"log_z", "kl_gap", "ess"};
    kad_table t;
    print_held_out(ctx, file);
    KAD_CALL(kad_table_read(&scope, file, "/analysis/log_z", &t));
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        char text[64];
        const size_t i = kad_table_find(&t, rows[k]);
        if (i == t.n) continue;
        const double exact = kad_table_at(&t, &t.exact, i);
        kad_format_error(text, sizeof text, t.mean.data[i], kad_table_at(&t, &t.err, i));
        printf("%-14s %s", rows[k], text);
        if (isfinite(exact)) printf(" (exact %.9g)", exact);
        printf("\n");
    }
    return KAD_OK;
}

static kad_status print_samplers(kad_ctx *ctx, kad_h5 *file)
{
    KAD_SCOPE(scope, ctx);
    char **names;
    size_t n = 0;
    KAD_CALL(kad_members(&scope, file, "/samplers", &n, &names));
    for (size_t i = 0; i < n; i++) {
        char group[128];
        snprintf(group, sizeof group, "/samplers/%.100s", names[i]);
        const double draws = (double)kad_attr_int(ctx, file, group, "n_draws") *
                             (double)kad_attr_int(ctx, file, group, "n_chains");
        printf("%-14s %s: %.0f draws", i == 0 ? "samplers" : "", names[i], draws);
        const double acceptance = kad_attr_real(ctx, file, group, "acceptance");
        if (isfinite(acceptance)) printf(", acceptance %.3g", acceptance);
        printf("\n");
    }
    return KAD_OK;
}

/* Threads of the run, and what could use them: tiles are what threads share. */
static kad_status print_threads(kad_ctx *ctx, kad_h5 *file)
{
    KAD_SCOPE(scope, ctx);
    char **names;
    size_t n = 0;
    const int64_t n_threads = kad_attr_int(ctx, file, "/", "threads");
    if (!kad_h5_attr_exists(file, "/", "threads")) return KAD_OK;
    printf("%-14s %lld", "threads", (long long)n_threads);
    if (kad_h5_attr_exists(file, "/training", "n_tiles"))
        printf("; tiles of training: %lld",
               (long long)kad_attr_int(ctx, file, "/training", "n_tiles"));
    if (kad_h5_attr_exists(file, "/training", "n_shares") &&
        kad_attr_int(ctx, file, "/training", "n_shares") > 1)
        printf(" (up to %lld threads each)",
               (long long)kad_attr_int(ctx, file, "/training", "n_shares"));
    KAD_CALL(kad_members(&scope, file, "/samplers", &n, &names));
    for (size_t i = 0; i < n; i++) {
        char group[128];
        snprintf(group, sizeof group, "/samplers/%.100s", names[i]);
        if (kad_h5_attr_exists(file, group, "n_tiles"))
            printf("; of %s: %lld", names[i],
                   (long long)kad_attr_int(ctx, file, group, "n_tiles"));
    }
    printf("\n");
    return KAD_OK;
}

static kad_status print_warnings(kad_ctx *ctx, kad_h5 *file, const char *path)
{
    KAD_SCOPE(scope, ctx);
    kad_diagnostics *d;
    size_t count[3] = {0};
    KAD_CALL(kad_take(&scope, 1, &d));
    KAD_CALL(kad_diagnostics_read(ctx, file, d));
    for (size_t i = 0; i < d->n; i++)
        count[d->item[i].severity]++;
    if (d->n > 0)
        printf("%-14s %zu error%s, %zu warning%s, %zu note%s (kadanoff diagnose %s)\n",
               "diagnostics", count[KAD_ERROR], count[KAD_ERROR] == 1 ? "" : "s",
               count[KAD_WARNING], count[KAD_WARNING] == 1 ? "" : "s", count[KAD_NOTE],
               count[KAD_NOTE] == 1 ? "" : "s", path);
    return KAD_OK;
}

static kad_status print_summary(kad_ctx *ctx, const kad_run *run, kad_h5 *file,
                                const char *path)
{
    kad_run_state state;
    KAD_CALL(kad_run_state_of(ctx, run, file, &state));
    print_text(ctx, file, "title");
    print_text(ctx, file, "model");
    if (state.stand == KAD_RUN_RUNNING)
        printf("%-14s running now (%s)\n", "state", state.words);
    else
        print_line("state", state.words);
    if (kad_h5_exists(file, "/flow")) print_text(ctx, file, "recipe");
    KAD_CALL(print_map(ctx, file));
    KAD_CALL(print_samplers(ctx, file));
    KAD_CALL(print_threads(ctx, file));
    return print_warnings(ctx, file, path);
}

/* --- everything ---------------------------------------------------------------------- */

/* One line a dataset, with its shape; groups are walked. */
static kad_status print_tree(kad_ctx *ctx, kad_h5 *file, const char *path, int depth)
{
    KAD_SCOPE(scope, ctx);
    size_t n = 0;
    char **names;
    KAD_CALL(kad_h5_list(&scope, file, path, &n, &names));
    for (size_t i = 0; i < n; i++) {
        char child[1024];
        int rank = 0;
        size_t dims[KAD_H5_MAX_RANK];
        snprintf(child, sizeof child, "%s%s%s", path, path[1] ? "/" : "", names[i]);
        if (kad_h5_shape(ctx, file, child, &rank, dims) == KAD_OK) {
            printf("  %s [", child);
            for (int k = 0; k < rank; k++)
                printf("%s%zu", k > 0 ? ", " : "", dims[k]);
            printf("]\n");
        } else if (depth < 8)
            KAD_CALL(print_tree(ctx, file, child, depth + 1));
    }
    return KAD_OK;
}

kad_status kad_cmd_info(kad_app *app)
{
    static const char *const texts[] = {"started", "finished", "uuid",         "host",
                                        "version", "commit",   "command_line", "build"};
    static const char *const numbers[] = {"seed", "ranks", "wall_seconds"};
    kad_ctx *ctx = &app->ctx;
    KAD_LOCAL(kad_run, run);
    KAD_LOCAL(kad_h5, file);
    KAD_CALL(kad_run_open(ctx, app->args[0], KAD_RUN_READ, &run));
    KAD_CALL(kad_results_open(ctx, run, &file));
    KAD_CALL(print_summary(ctx, run, file, app->args[0]));
    printf("\n");
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        print_text(ctx, file, texts[i]);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        print_number(ctx, file, numbers[i]);
    printf("\ndatasets of run.h5\n");
    KAD_CALL(print_tree(ctx, file, "/", 0));
    return KAD_OK;
}
