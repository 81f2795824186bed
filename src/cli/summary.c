/* The closing tables on the terminal: estimates with exact values beside, samplers
 * compared, warnings. */
#include "analysis/comparison.h"
#include "analysis/diagnostics.h"
#include "analysis/results.h"
#include "analysis/table.h"
#include "base/memory.h"
#include "cli/pipeline.h"
#include "io/progress.h"

#include <math.h>
#include <string.h>

/* "NaN" reads as a defect; an absent number is a dash. */
static const char *number(char *text, size_t size, double value, double err)
{
    if (!isfinite(value)) return "-";
    return kad_format_error(text, size, value, err);
}

static void print_row(const kad_table *t, size_t i)
{
    char mean[64], tau[64], exact[64] = "-", pull[32] = "-";
    double value = t->mean.data[i], err = kad_table_at(t, &t->err, i);
    double truth = kad_table_at(t, &t->exact, i);
    if (isfinite(truth)) snprintf(exact, sizeof exact, "%.9g", truth);
    if (isfinite(truth) && err > 0)
        snprintf(pull, sizeof pull, "%+.1f", (value - truth) / err);
    printf("  %-18s %16s %16s %6s %15s\n", t->observable[i],
           number(mean, sizeof mean, value, err), exact, pull,
           number(tau, sizeof tau, kad_table_at(t, &t->tau, i),
                  kad_table_at(t, &t->tau_err, i)));
}

static kad_status print_tables(kad_app *app, kad_h5 *file)
{
    kad_ctx *ctx = &app->ctx;
    kad_status status = KAD_OK;
    size_t n = 0;
    char **names = NULL;
    kad_table t = {0};
    if (!kad_h5_exists(file, "/analysis")) return KAD_OK;
    KAD_TRY(kad_members(ctx, file, "/analysis", &n, &names));
    for (size_t i = 0; i < n; i++) {
        char group[256];
        if (strstr(names[i], "_reshuffled") != NULL) continue; /* for /comparison */
        snprintf(group, sizeof group, "/analysis/%s", names[i]);
        KAD_TRY(kad_table_read(ctx, file, group, &t));
        if (t.n == 0) continue;
        printf("\n%s\n  %-18s %16s %16s %6s %15s\n", names[i], "observable", "value",
               "exact", "pull", "tau_int(draws)");
        for (size_t k = 0; k < t.n; k++)
            print_row(&t, k);
        kad_table_clear(&t);
    }
done:
    kad_table_clear(&t);
    kad_h5_free_names(n, names);
    return status;
}

static kad_status print_samplers(kad_app *app, kad_h5 *file)
{
    kad_ctx *ctx = &app->ctx;
    kad_status status = KAD_OK;
    kad_comparison *comparison = NULL;
    kad_text text = {0};
    KAD_TRY(kad_new(ctx, 1, sizeof *comparison, &comparison));
    KAD_TRY(kad_comparison_add(ctx, file, "", comparison));
    kad_comparison_finish(comparison);
    kad_comparison_print(comparison, &text);
    if (text.n > 0) printf("\n%s", text.data);
done:
    kad_text_clear(&text);
    kad_free(comparison);
    return status;
}

kad_status kad_print_results(kad_app *app, kad_h5 *file)
{
    kad_status status = KAD_OK;
    if (app->quiet) return KAD_OK;
    KAD_TRY(print_tables(app, file));
    KAD_TRY(print_samplers(app, file));
    kad_severity worst;
    if (kad_h5_exists(file, "/diagnostics/message")) {
        printf("\n");
        KAD_TRY(kad_print_diagnostics(&app->ctx, file, &worst));
    }
done:
    return status;
}
