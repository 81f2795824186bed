#include "analysis/report/bulk_couplings.h"

#include "analysis/report/numbers.h"
#include "analysis/report/report.h"
#include "analysis/report/svg.h"
#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

kad_status kad_coupling_table_read(kad_scope *in, kad_h5 *file, kad_coupling_table *c)
{
    *c = (kad_coupling_table){0};
    const struct {
        const char *name;
        kad_values *to;
    } all[] = {{"samples_unit", &c->samples},
               {"samples_unit_err", &c->samples_err},
               {"flow_unit", &c->flow},
               {"flow_unit_err", &c->flow_err},
               {"exact_unit", &c->exact}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        KAD_CALL(kad_values_read_in(in, file, "/bulk/couplings", all[i].name, all[i].to));
    if (c->samples.rank != 2 || c->samples.dims[1] > KAD_COUPLINGS_OPERATORS ||
        c->samples.dims[0] > KAD_COUPLINGS_LEVELS || c->samples_err.n != c->samples.n ||
        c->flow.n != c->samples.n || c->flow_err.n != c->samples.n ||
        (c->exact.n > 0 && c->exact.n != c->samples.dims[1])) {
        *c = (kad_coupling_table){0};
        return KAD_OK;
    }
    KAD_CALL(kad_h5_read_strings(in, file, "/bulk/couplings/operator", c->samples.dims[1],
                                 c->name));
    const char *model = kad_attr_string(in, file, "/", "model");
    snprintf(c->model, sizeof c->model, "%s", model != NULL ? model : "");
    c->n_levels = c->samples.dims[0];
    c->n_operators = c->samples.dims[1];
    return KAD_OK;
}

/* --- several runs -------------------------------------------------------------------- */

/* Place of an operator in a run; n_operators: it has none. */
static size_t find(const kad_coupling_table *c, const char *name)
{
    size_t a = 0;
    while (a < c->n_operators && strcmp(c->name[a], name) != 0)
        a++;
    return a;
}

static void draw_operator(size_t n, const kad_coupling_table *runs,
                          const char *const *label, const char *name, kad_text *out)
{
    double x[KAD_COUPLINGS_RUNS][KAD_COUPLINGS_LEVELS],
        y[KAD_COUPLINGS_RUNS][KAD_COUPLINGS_LEVELS],
        err[KAD_COUPLINGS_RUNS][KAD_COUPLINGS_LEVELS];
    char axis[64], names[KAD_COUPLINGS_RUNS][KAD_COUPLINGS_MODEL + 64];
    snprintf(axis, sizeof axis, "coupling of %s", name);
    kad_plot plot = {.x = {.label = "level (0: boundary)"}, .y = {.label = axis}};
    for (size_t r = 0; r < n; r++) {
        const kad_coupling_table *c = &runs[r];
        const size_t a = find(c, name);
        const double shift = 0.08 * (double)r;
        snprintf(names[r], sizeof names[r], "%.60s%s%s", label[r],
                 c->model[0] != '\0' ? ": " : "", c->model);
        if (a == c->n_operators) continue;
        for (size_t h = 0; h < c->n_levels; h++) {
            x[r][h] = (double)h;
            y[r][h] = c->samples.data[h * c->n_operators + a];
            err[r][h] = c->samples_err.data[h * c->n_operators + a];
        }
        kad_plot_add(&plot, (kad_series){.mark = KAD_MARK_LINE,
                                         .n = c->n_levels,
                                         .x = x[r],
                                         .y = y[r],
                                         .color = (int)r,
                                         .shift = shift});
        kad_plot_add(&plot, (kad_series){.mark = KAD_MARK_POINTS,
                                         .n = c->n_levels,
                                         .x = x[r],
                                         .y = y[r],
                                         .err = err[r],
                                         .label = names[r],
                                         .color = (int)r,
                                         .shift = shift});
    }
    kad_text_add(out, "<div>");
    kad_plot_render(out, &plot);
    kad_text_add(out, "</div>");
}

void kad_coupling_page(size_t n, const kad_coupling_table *runs, const char *const *label,
                       kad_text *out)
{
    KAD_TEXT(numbers);
    out->numbers = &numbers;
    kad_text_add(
        out, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta "
             "name=\"viewport\" content=\"width=device-width,initial-scale=1\"><meta "
             "name=\"color-scheme\" content=\"light dark\"><title>kadanoff: flow of the "
             "couplings</title>\n<style>\n");
    for (size_t i = 0; kad_report_style[i] != NULL; i++)
        kad_text_add(out, "%s", kad_report_style[i]);
    kad_text_add(out,
                 "</style></head><body>\n<h1>Flow of the couplings</h1>\n<main><section "
                 "class=\"wide\"><figure><div class=\"plots\">");
    for (size_t a = 0; a < runs[0].n_operators; a++)
        draw_operator(n, runs, label, runs[0].name[a], out);
    out->numbers = NULL;
    kad_text_add(out, "</div>");
    kad_numbers_link(out, &numbers, "flow of the couplings");
    kad_text_add(out,
                 "<figcaption>Couplings of the renormalised action of every level, "
                 "for fields of unit variance, from samples alone (Schwinger-Dyson); "
                 "errors include the autocorrelation of the chains. Lines join one "
                 "run.</figcaption></figure></section></main></body></html>\n");
}
