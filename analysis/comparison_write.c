/* The comparison as /comparison of a results file, and as text. */
#include "analysis/comparison.h"
#include "base/memory.h"
#include "io/progress.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* --- /comparison -------------------------------------------------------------------- */

enum { N_OBSERVABLES = KAD_COMPARED_OBSERVABLES };

typedef double (*column_of)(const kad_compared *row, int observable);

#define COLUMN(name, expression)                             \
    static double get_##name(const kad_compared *row, int o) \
    {                                                        \
        (void)o;                                             \
        return (expression);                                 \
    }
COLUMN(tau, row->tau[o].value)
COLUMN(tau_err, row->tau[o].err)
COLUMN(tau_seconds, row->tau[o].value * row->seconds_per_draw)
COLUMN(tau_seconds_err, row->tau[o].err * row->seconds_per_draw)
COLUMN(is_bound, row->is_bound[o] ? 1.0 : 0.0)
COLUMN(acceptance, row->acceptance.value)
COLUMN(acceptance_err, row->acceptance.err)
COLUMN(tau_max, row->tau_max.value)
COLUMN(tau_max_err, row->tau_max.err)
COLUMN(reshuffled, row->tau_reshuffled.value)
COLUMN(reshuffled_err, row->tau_reshuffled.err)
COLUMN(cost, row->cost.value)
COLUMN(cost_err, row->cost.err)
COLUMN(cost_is_bound, row->cost_is_bound ? 1.0 : 0.0)
COLUMN(break_even, row->any.n.value)
COLUMN(break_even_err, row->any.n.err)
COLUMN(break_even_local, row->local.n.value)
COLUMN(break_even_local_err, row->local.n.err)
COLUMN(seconds, row->seconds_per_draw)
COLUMN(tuning, row->tuning_seconds)
COLUMN(needs_map, row->needs_map ? 1.0 : 0.0)
#undef COLUMN

static const struct {
    const char *name;
    int rank; /* 2: [sampler, observable] */
    column_of get;
    const char *units, *summary;
} columns[] = {
    {"tau_int", 2, get_tau, "draws", "integrated autocorrelation time, 1/2 + sum"},
    {"tau_int_err", 2, get_tau_err, "draws", "its standard error"},
    {"tau_int_seconds", 2, get_tau_seconds, "s", "tau_int in wall time"},
    {"tau_int_seconds_err", 2, get_tau_seconds_err, "s", "its standard error"},
    {"is_bound", 2, get_is_bound, "", "1: the series is short, tau_int a lower bound"},
    {"acceptance", 1, get_acceptance, "", "accepted fraction"},
    {"acceptance_err", 1, get_acceptance_err, "", "its standard error"},
    {"tau_int_max", 1, get_tau_max, "draws", "the largest tau_int of the observables"},
    {"tau_int_max_err", 1, get_tau_max_err, "draws", "its standard error"},
    {"tau_reshuffled", 1, get_reshuffled, "draws",
     "tau_int_max over random orders of the stored proposals"},
    {"tau_reshuffled_err", 1, get_reshuffled_err, "draws", "its standard error"},
    {"seconds_per_draw", 1, get_seconds, "s", "wall time of a draw"},
    {"tuning_seconds", 1, get_tuning, "s", "wall time of burn-in and tuning"},
    {"cost", 1, get_cost, "s",
     "wall time of an independent configuration, 2 tau_int_max seconds_per_draw"},
    {"cost_err", 1, get_cost_err, "s", "its standard error"},
    {"cost_is_bound", 1, get_cost_is_bound, "", "1: cost is a lower bound"},
    {"break_even", 1, get_break_even, "configurations",
     "training_seconds / (cost of `against` - cost); inf: never"},
    {"break_even_err", 1, get_break_even_err, "configurations", "its standard error"},
    {"break_even_local", 1, get_break_even_local, "configurations",
     "the same against the cheapest local sampler, `against_local`"},
    {"break_even_local_err", 1, get_break_even_local_err, "configurations",
     "its standard error"},
    {"needs_map", 1, get_needs_map, "", "1: the sampler uses the trained map"},
};

static kad_status write_column(kad_ctx *ctx, kad_h5 *file, const kad_comparison *c,
                               size_t which)
{
    kad_status status = KAD_OK;
    const int rank = columns[which].rank;
    const size_t dims[2] = {c->n, N_OBSERVABLES};
    double values[KAD_COMPARED_MAX * N_OBSERVABLES];
    char path[128];
    size_t n = 0;
    for (size_t i = 0; i < c->n; i++)
        for (int o = 0; o < (rank == 2 ? N_OBSERVABLES : 1); o++)
            values[n++] = columns[which].get(&c->row[i], o);
    snprintf(path, sizeof path, "/comparison/%s", columns[which].name);
    KAD_TRY(kad_h5_write(ctx, file, path, KAD_H5_F64, rank, dims, values));
    KAD_TRY(kad_h5_describe(ctx, file, path, columns[which].units, columns[which].summary,
                            NULL));
    KAD_TRY(kad_h5_axes(ctx, file, path, rank == 2 ? "sampler observable" : "sampler"));
done:
    return status;
}

kad_status kad_comparison_write(kad_ctx *ctx, kad_h5 *file, const kad_comparison *c)
{
    kad_status status = KAD_OK;
    const char *names[KAD_COMPARED_MAX], *slowest[KAD_COMPARED_MAX];
    int any = -1, local = -1;
    KAD_TRY(kad_h5_remove(ctx, file, "/comparison"));
    if (c->n == 0) return KAD_OK;
    KAD_TRY(kad_h5_group(ctx, file, "/comparison"));
    for (size_t i = 0; i < c->n; i++) {
        names[i] = c->row[i].name;
        slowest[i] =
            c->row[i].slowest < 0 ? "" : kad_compared_observables[c->row[i].slowest];
        if (c->row[i].any.against >= 0) any = c->row[i].any.against;
        if (c->row[i].local.against >= 0) local = c->row[i].local.against;
    }
    KAD_TRY(kad_h5_write_strings(ctx, file, "/comparison/sampler", c->n, names));
    KAD_TRY(kad_h5_write_strings(ctx, file, "/comparison/slowest", c->n, slowest));
    KAD_TRY(kad_h5_axes(ctx, file, "/comparison/slowest", "sampler"));
    KAD_TRY(kad_h5_write_strings(ctx, file, "/comparison/observable", N_OBSERVABLES,
                                 kad_compared_observables));
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        KAD_TRY(write_column(ctx, file, c, i));
    KAD_TRY(kad_h5_attr_set_real(ctx, file, "/comparison", "training_seconds",
                                 c->row[0].training_seconds));
    KAD_TRY(kad_h5_attr_set_string(ctx, file, "/comparison", "against",
                                   any < 0 ? "" : names[any]));
    KAD_TRY(kad_h5_attr_set_string(ctx, file, "/comparison", "against_local",
                                   local < 0 ? "" : names[local]));
    KAD_TRY(
        kad_h5_attr_set_string(ctx, file, "/comparison", "tau_convention", "1/2 + sum"));
done:
    return status;
}

/* --- text --------------------------------------------------------------------------- */

/* "0.82(2)", "> 12" for a lower bound, "-" for nothing. */
static const char *number(char *text, size_t size, kad_estimate x, double factor,
                          bool bound)
{
    if (isnan(x.value)) return "-";
    if (isinf(x.value)) return "never";
    if (bound) {
        snprintf(text, size, "> ");
        (void)kad_format_rounded(text + 2, size - 2, x.value * factor, 2);
    } else if (!(x.err > 0.0))
        snprintf(text, size, "%.3g", x.value * factor);
    else
        return kad_format_error(text, size, x.value * factor, x.err * factor);
    return text;
}

/* The couplings of all rows, each once: columns of a table over several runs. */
typedef struct couplings {
    size_t n, n_left_out;
    const char *name[KAD_PHYSICS_COUPLINGS];
} couplings;

static void add_coupling(couplings *to, const char *name)
{
    for (size_t i = 0; i < to->n; i++)
        if (strcmp(to->name[i], name) == 0) return;
    if (to->n < KAD_PHYSICS_COUPLINGS)
        to->name[to->n++] = name;
    else
        to->n_left_out++;
}

static couplings couplings_of(const kad_comparison *c)
{
    couplings all = {0};
    for (size_t i = 0; i < c->n; i++)
        for (size_t k = 0; k < c->row[i].model.n; k++)
            add_coupling(&all, c->row[i].model.coupling[k]);
    return all;
}

static void print_run(const kad_compared *row, const couplings *known, kad_text *out)
{
    const kad_physics *m = &row->model;
    kad_text_add(out, "%-16s %-12s ", row->run, m->lattice);
    for (size_t i = 0; i < known->n; i++) {
        size_t k = 0;
        while (k < m->n && strcmp(m->coupling[k], known->name[i]) != 0)
            k++;
        if (k < m->n)
            kad_text_add(out, "%11.8g ", m->value[k]);
        else
            kad_text_add(out, "%11s ", "-");
    }
}

static void print_row(const kad_compared *row, kad_text *out)
{
    char text[7][64];
    const kad_estimate draw = {row->seconds_per_draw, NAN};
    const kad_estimate tuning = {row->tuning_seconds, NAN};
    const bool bound = row->cost_is_bound;
    kad_text_add(out, "%-18s %9s %11s %-8s %9s %11s %9s %12s %12s\n", row->name,
                 number(text[0], 64, row->acceptance, 1.0, false),
                 number(text[1], 64, row->tau_max, 1.0, bound),
                 row->slowest < 0 ? "" : kad_compared_observables[row->slowest],
                 number(text[2], 64, draw, 1e3, false),
                 number(text[3], 64, row->cost, 1e3, bound),
                 number(text[4], 64, tuning, 1.0, false),
                 number(text[5], 64, row->any.n, 1.0, false),
                 number(text[6], 64, row->local.n, 1.0, false));
}

static void print_head(const kad_comparison *c, bool runs, const couplings *known,
                       kad_text *out)
{
    if (runs)
        kad_text_add(out, "%-16s %-12s ", "run", "lattice");
    else if (c->row[0].model.name[0] != '\0')
        kad_text_add(out, "%s\n", c->row[0].model.name);
    for (size_t i = 0; runs && i < known->n; i++)
        kad_text_add(out, "%11s ", known->name[i]);
    kad_text_add(out, "%-18s %9s %11s %-8s %9s %11s %9s %12s %12s\n", "sampler",
                 "accepted", "tau_int,max", "of", "ms/draw", "ms/indep.", "tuning, s",
                 "N*", "N* (local)");
}

/* What N* is against; a baseline with a bound instead of a cost gives none. */
static void print_baseline(const kad_comparison *c, int against, const char *of,
                           kad_text *out)
{
    if (against < 0)
        kad_text_add(out, "%s: none ran\n", of);
    else
        kad_text_add(out, "%s: %s%s\n", of, c->row[against].name,
                     c->row[against].cost_is_bound
                         ? ", whose tau_int is only bounded: no N*"
                         : "");
}

static void print_break_even(const kad_comparison *c, const kad_compared *map, bool runs,
                             kad_text *out)
{
    kad_text_add(out, "N* = seconds of training / (ms/indep. of the cheapest sampler "
                      "without a map - its own):\nconfigurations after which the map has "
                      "paid for itself; (local): the cluster sampler left out\n");
    if (runs) return;
    kad_text_add(out, "training: %.3g s; ", map->training_seconds);
    print_baseline(c, map->any.against, "cheapest without a map", out);
    if (map->local.against != map->any.against)
        print_baseline(c, map->local.against, "cheapest local sampler", out);
}

void kad_comparison_print(const kad_comparison *c, kad_text *out)
{
    bool runs = false, bound = false;
    const kad_compared *map = NULL;
    const couplings known = couplings_of(c);
    for (size_t i = 0; i < c->n; i++) {
        runs = runs || c->row[i].run[0] != '\0';
        bound = bound || c->row[i].cost_is_bound;
        if (c->row[i].any.against >= 0) map = &c->row[i];
    }
    if (c->n == 0) return;
    print_head(c, runs, &known, out);
    for (size_t i = 0; i < c->n; i++) {
        if (runs) print_run(&c->row[i], &known, out);
        print_row(&c->row[i], out);
    }
    if (c->n_dropped > 0)
        kad_text_add(out,
                     "%zu more samplers are left out: compare fewer runs at a time\n",
                     c->n_dropped);
    kad_text_add(out, "tau_int = 1/2 + sum rho(t) in draws, the largest of energy, m2, "
                      "G(L/2), helicity;\nms/indep. = 2 tau_int,max x ms/draw: what an "
                      "independent configuration costs\n");
    if (runs && known.n_left_out > 0)
        kad_text_add(out, "couplings beyond %d have no column\n", KAD_PHYSICS_COUPLINGS);
    if (bound)
        kad_text_add(out, "> : a series is shorter than 50 tau_int, which is then only "
                          "bounded from below\n");
    if (map != NULL) print_break_even(c, map, runs, out);
}
