/* The closing tables on the terminal: estimates with exact values beside, samplers
 * compared, warnings. */
#include "analysis/agreement.h"
#include "analysis/comparison.h"
#include "analysis/diagnostics.h"
#include "analysis/results.h"
#include "analysis/table.h"
#include "base/memory.h"
#include "cli/print.h"
#include "io/progress.h"
#include "run/pipeline.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool has_colors(void)
{
    return isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL;
}

const char *kad_color(kad_severity severity)
{
    if (severity == KAD_NOTE || !has_colors()) return "";
    return severity == KAD_ERROR ? "\033[31m" : "\033[33m";
}

const char *kad_color_end(void)
{
    return has_colors() ? "\033[0m" : "";
}

/* A line of a table. */
enum { COLUMNS = 80 };
#define ROW "  %-14s %14s %13s %5s %12s %8s %6s\n"

/* "NaN" reads as a defect; an absent number is a dash. */
static const char *number(char *text, size_t size, double value, double err)
{
    if (!isfinite(value)) return "-";
    return kad_format_error(text, size, value, err);
}

static void print_row(const kad_table *t, size_t i)
{
    char mean[64], tau[64], exact[64] = "-", pull[32] = "-", n_eff[32] = "-",
                            rhat[32] = "-";
    const double value = t->mean.data[i], err = kad_table_at(t, &t->err, i);
    const double truth = kad_table_at(t, &t->exact, i);
    const double count = kad_table_at(t, &t->n_eff, i);
    const double reduction = kad_table_at(t, &t->rhat, i);
    if (isfinite(truth)) snprintf(exact, sizeof exact, "%.9g", truth);
    if (isfinite(truth) && err > 0)
        snprintf(pull, sizeof pull, "%+.1f", (value - truth) / err);
    if (isfinite(count)) snprintf(n_eff, sizeof n_eff, "%.0f", count);
    if (isfinite(reduction)) snprintf(rhat, sizeof rhat, "%.3f", reduction);
    printf(ROW, t->observable[i], number(mean, sizeof mean, value, err), exact, pull,
           number(tau, sizeof tau, kad_table_at(t, &t->tau, i),
                  kad_table_at(t, &t->tau_err, i)),
           n_eff, rhat);
}

/* One line for every reason why error bars are missing: "no error of m, chi: never moved".
 */
static void print_reasons(const kad_table *t)
{
    for (size_t i = 0; i < t->n; i++) {
        const char *reason = kad_table_reason(t, i);
        if (reason == NULL) continue;
        int column = printf("  no error of %s", t->observable[i]);
        for (size_t k = i + 1; k < t->n; k++) {
            if (!kad_table_lacks_alike(t, i, k)) continue;
            if (column + 2 + (int)strlen(t->observable[k]) > COLUMNS - 2)
                column = printf(",\n    %s", t->observable[k]) - 2;
            else
                column += printf(", %s", t->observable[k]);
        }
        printf(column + 2 + (int)strlen(reason) > COLUMNS ? ":\n    %s\n" : ": %s\n",
               reason);
    }
}

/* One line about replicas, where a sampler has them. */
static void print_replicas(kad_app *app, kad_h5 *file, const char *sampler)
{
    char group[256];
    snprintf(group, sizeof group, "/samplers/%s", sampler);
    const double mean = kad_attr_real(&app->ctx, file, group, "swap_acceptance");
    const double least = kad_attr_real(&app->ctx, file, group, "swap_acceptance_least");
    const double trips = kad_attr_real(&app->ctx, file, group, "round_trips");
    if (isfinite(mean))
        printf("  %lld replicas: %.0f %% of swaps made (%.2g %% between the worst two), "
               "%.0f round trips\n",
               (long long)kad_attr_int(&app->ctx, file, group, "replicas"), 100 * mean,
               100 * least, trips);
}

/* One line about the updates of proposals, where a sampler has them. */
static void print_updates(kad_app *app, kad_h5 *file, const char *sampler)
{
    char group[256];
    snprintf(group, sizeof group, "/samplers/%s", sampler);
    const double accepted = kad_attr_real(&app->ctx, file, group, "update_acceptance");
    if (isfinite(accepted))
        printf("  %lld updates a draw: %.0f %% accepted, angle %.2g\n",
               (long long)kad_attr_int(&app->ctx, file, group, "updates"), 100 * accepted,
               kad_attr_real(&app->ctx, file, group, "angle"));
}

static kad_status print_tables(kad_app *app, kad_h5 *file)
{
    KAD_SCOPE(scope, &app->ctx);
    size_t n = 0;
    char **names;
    kad_table t;
    if (!kad_h5_exists(file, "/analysis")) return KAD_OK;
    KAD_CALL(kad_members(&scope, file, "/analysis", &n, &names));
    for (size_t i = 0; i < n; i++) {
        char group[256];
        if (strstr(names[i], "_reshuffled") != NULL) continue; /* for /comparison */
        snprintf(group, sizeof group, "/analysis/%s", names[i]);
        KAD_CALL(kad_table_read(&scope, file, group, &t));
        if (t.n == 0) continue;
        printf("\n%s\n", names[i]);
        printf(ROW, "observable", "value", "exact", "pull", "tau_int", "n_eff", "R-hat");
        for (size_t k = 0; k < t.n; k++)
            print_row(&t, k);
        print_reasons(&t);
        print_replicas(app, file, names[i]);
        print_updates(app, file, names[i]);
    }
    return KAD_OK;
}

/* Of rows that agree the least likely one, else all that do not. */
static void print_agreement(const kad_agreement *a)
{
    KAD_TEXT(text);
    size_t least = a->n;
    if (a->n_compared == 0) return;
    printf("\nsamplers against each other: %zu of %zu rows disagree (p below %.1g)\n",
           a->n_refuted, a->n_compared, a->limit);
    for (size_t i = 0; i < a->n; i++) {
        if (a->row[i].n < 2) continue;
        if (least == a->n || a->row[i].p < a->row[least].p) least = i;
        if (!a->row[i].refuted) continue;
        kad_agreement_print_row(a, i, &text);
        if (text.data != NULL)
            printf("  %s%s%s\n", kad_color(KAD_ERROR), text.data, kad_color_end());
        kad_text_clear(&text);
    }
    if (a->n_refuted > 0) return;
    kad_agreement_print_row(a, least, &text);
    if (text.data != NULL) printf("  least likely: %s\n", text.data);
}

static kad_status read_agreement(kad_app *app, kad_h5 *file)
{
    KAD_SCOPE(scope, &app->ctx);
    kad_agreement *agreement;
    KAD_CALL(kad_take(&scope, 1, &agreement));
    KAD_CALL(kad_agreement_read(&app->ctx, file, agreement));
    print_agreement(agreement);
    return KAD_OK;
}

static kad_status print_samplers(kad_app *app, kad_h5 *file)
{
    KAD_SCOPE(scope, &app->ctx);
    KAD_TEXT(text);
    kad_comparison *comparison;
    KAD_CALL(kad_take(&scope, 1, &comparison));
    KAD_CALL(kad_comparison_add(&app->ctx, file, "", comparison));
    kad_comparison_finish(comparison);
    kad_comparison_print(comparison, &text);
    if (text.n > 0) printf("\n%s", text.data);
    return KAD_OK;
}

/* --- a family's curve ------------------------------------------------------------------
 */

enum { FAMILY_COLUMNS = 6 };

static kad_status read_column(kad_scope *in, kad_h5 *file, const char *name,
                              const char *suffix, kad_values *out)
{
    char path[96];
    snprintf(path, sizeof path, "/family/%s%s", name, suffix);
    return kad_values_read(in, file, path, out);
}

/* Quality of the maps and the main means at every value of the coupling. */
static kad_status print_family(kad_app *app, kad_h5 *file)
{
    static const char *const names[FAMILY_COLUMNS] = {"ess",           "log_z", "energy",
                                                      "specific_heat", "abs_m", "chi"};
    KAD_SCOPE(scope, &app->ctx);
    kad_values value, second = {0}, mean[FAMILY_COLUMNS], err[FAMILY_COLUMNS], exact;
    if (!kad_h5_exists(file, "/family/value")) return KAD_OK;
    KAD_CALL(read_column(&scope, file, "value", "", &value));
    KAD_CALL(read_column(&scope, file, "log_z", "_exact", &exact));
    for (int c = 0; c < FAMILY_COLUMNS; c++) {
        KAD_CALL(read_column(&scope, file, names[c], "", &mean[c]));
        KAD_CALL(read_column(&scope, file, names[c], "_err", &err[c]));
    }
    const char *along = kad_attr_string(&scope, file, "/family", "family_along"),
               *other = kad_attr_string(&scope, file, "/family", "family_along_2");
    if (other != NULL) {
        KAD_CALL(read_column(&scope, file, along, "", &value));
        KAD_CALL(read_column(&scope, file, other, "", &second));
    }
    printf("\nfamily of maps, %s%s%s\n  %-9s", along != NULL ? along : "?",
           other != NULL ? ", " : "", other != NULL ? other : "",
           other != NULL ? along : "value");
    if (other != NULL) printf(" %-9s", other);
    for (int c = 0; c < FAMILY_COLUMNS; c++)
        printf(" %13s%s", names[c], c == 1 ? "  pull" : "");
    for (size_t i = 0; i < value.n; i++) {
        printf("\n  %-9.6g", value.data[i]);
        if (i < second.n) printf(" %-9.6g", second.data[i]);
        for (int c = 0; c < FAMILY_COLUMNS; c++) {
            char text[64];
            const bool known = i < mean[c].n && i < err[c].n;
            const double e = known ? err[c].data[i] : NAN;
            printf(" %13s", number(text, sizeof text, known ? mean[c].data[i] : NAN, e));
            if (c == 1 && i < exact.n && isfinite(exact.data[i]) && e > 0)
                printf(" %+5.1f", (mean[c].data[i] - exact.data[i]) / e);
            else if (c == 1)
                printf(" %5s", "-");
        }
    }
    printf("\n");
    return KAD_OK;
}

kad_status kad_print_results(kad_app *app, kad_h5 *file)
{
    if (app->quiet) return KAD_OK;
    KAD_CALL(print_family(app, file));
    KAD_CALL(print_tables(app, file));
    KAD_CALL(read_agreement(app, file));
    KAD_CALL(print_samplers(app, file));
    kad_severity worst;
    if (kad_h5_exists(file, "/diagnostics/message")) {
        printf("\n");
        KAD_CALL(kad_print_diagnostics(&app->ctx, file, &worst));
    }
    return KAD_OK;
}
