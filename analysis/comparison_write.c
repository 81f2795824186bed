/* The comparison as /comparison of a results file, and as text. */
#include "analysis/comparison.h"
#include "io/progress.h"
#include "io/writer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* --- /comparison -------------------------------------------------------------------- */

enum { N_OBSERVABLES = KAD_COMPARED_OBSERVABLES };

#define REAL(name, member, units, text)                                  \
    {                                                                    \
        name, KAD_CELL_REAL, offsetof(kad_compared, member), units, text \
    }
#define WITH_ERR(name, member, units, text) \
    REAL(name, member.value, units, text),  \
        REAL(name "_err", member.err, units, "its standard error")
static const kad_write_column columns[] = {
    WITH_ERR("acceptance", acceptance, "1", "accepted fraction"),
    WITH_ERR("tau_int_max", tau_max, "draws", "the largest tau_int of the observables"),
    WITH_ERR("tau_reshuffled", tau_reshuffled, "draws",
             "tau_int_max over random orders of the stored proposals"),
    REAL("seconds_per_draw", seconds_per_draw, "s", "wall time of a draw"),
    REAL("tuning_seconds", tuning_seconds, "s", "wall time of burn-in and tuning"),
    WITH_ERR("cost", cost, "s",
             "wall time of an independent configuration, 2 tau_int_max seconds_per_draw"),
    {"cost_is_bound", KAD_CELL_BOOL, offsetof(kad_compared, cost_is_bound), "1",
     "1: cost is a lower bound"},
    WITH_ERR("break_even", any.n, "configurations",
             "training_seconds / (cost of `against` - cost); inf: never"),
    WITH_ERR("break_even_local", local.n, "configurations",
             "the same against the cheapest local sampler, `against_local`"),
    {"needs_map", KAD_CELL_BOOL, offsetof(kad_compared, needs_map), "1",
     "1: the sampler uses the trained map"},
};
#undef WITH_ERR
#undef REAL

/* [sampler][observable]: tau_int in draws and in seconds, and what is only bounded. */
static void write_taus(kad_writer *w, const kad_comparison *c)
{
    static const char *const axes = "sampler observable", *const err =
                                                              "its standard error";
    const size_t dims[2] = {c->n, N_OBSERVABLES};
    double tau[2][KAD_COMPARED_MAX * N_OBSERVABLES],
        time[2][KAD_COMPARED_MAX * N_OBSERVABLES];
    int64_t bound[KAD_COMPARED_MAX * N_OBSERVABLES];
    for (size_t i = 0; i < c->n * N_OBSERVABLES; i++) {
        const kad_compared *row = &c->row[i / N_OBSERVABLES];
        const kad_estimate *x = &row->tau[i % N_OBSERVABLES];
        tau[0][i] = x->value;
        tau[1][i] = x->err;
        time[0][i] = x->value * row->seconds_per_draw;
        time[1][i] = x->err * row->seconds_per_draw;
        bound[i] = row->is_bound[i % N_OBSERVABLES];
    }
    kad_write(w, "tau_int", KAD_H5_F64, axes, "draws",
              "integrated autocorrelation time, 1/2 + sum", dims, tau[0]);
    kad_write(w, "tau_int_err", KAD_H5_F64, axes, "draws", err, dims, tau[1]);
    kad_write(w, "tau_int_seconds", KAD_H5_F64, axes, "s", "tau_int in wall time", dims,
              time[0]);
    kad_write(w, "tau_int_seconds_err", KAD_H5_F64, axes, "s", err, dims, time[1]);
    kad_write(w, "is_bound", KAD_H5_I64, axes, "1",
              "1: the series is short, tau_int a lower bound", dims, bound);
}

kad_status kad_comparison_write(kad_ctx *ctx, kad_h5 *file, const kad_comparison *c)
{
    const char *names[KAD_COMPARED_MAX], *slowest[KAD_COMPARED_MAX];
    int any = -1, local = -1;
    if (c->n == 0) return kad_h5_remove(ctx, file, "/comparison");
    kad_writer w = kad_write_anew(ctx, file, "/comparison");
    for (size_t i = 0; i < c->n; i++) {
        names[i] = c->row[i].name;
        slowest[i] =
            c->row[i].slowest < 0 ? "" : kad_compared_observables[c->row[i].slowest];
        if (c->row[i].any.against >= 0) any = c->row[i].any.against;
        if (c->row[i].local.against >= 0) local = c->row[i].local.against;
    }
    kad_write_names(&w, "sampler", "sampler", "group of /samplers", c->n, names);
    kad_write_names(&w, "slowest", "sampler", "the observable of tau_int_max", c->n,
                    slowest);
    kad_write_names(&w, "observable", "observable", "what tau_int is of", N_OBSERVABLES,
                    kad_compared_observables);
    write_taus(&w, c);
    kad_write_columns(&w, "sampler", sizeof columns / sizeof *columns, columns, c->n,
                      c->row, sizeof *c->row);
    kad_write_real(&w, "training_seconds", c->row[0].training_seconds);
    kad_write_text(&w, "against", any < 0 ? "" : names[any]);
    kad_write_text(&w, "against_local", local < 0 ? "" : names[local]);
    kad_write_text(&w, "tau_convention", "1/2 + sum");
    return kad_write_end(&w);
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
