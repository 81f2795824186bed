#include "measure/measure.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "io/writer.h"
#include "measure/twist.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { W = KAD_W_DOUBLE };

static size_t rows_of(const kad_action *action)
{
    return (size_t)action->lattice->n_sites * (size_t)action->n_comp;
}

/* Bonds of given couplings. */
static kad_status list_pairs(kad_ctx *ctx, const kad_action *action, kad_measure *measure)
{
    const kad_action_spins *spins = action->ops->spins;
    if (spins->pairs == NULL) return KAD_OK;
    measure->n_pairs = spins->pairs(action, NULL);
    if (measure->n_pairs == 0) return KAD_OK;
    KAD_CALL(kad_new(ctx, measure->n_pairs, sizeof *measure->pairs, &measure->pairs));
    spins->pairs(action, measure->pairs);
    return KAD_OK;
}

/* Tables of a lattice: orbits, transform, cosines. */
static kad_status tabulate(kad_ctx *ctx, const kad_lattice *lattice, kad_measure *measure)
{
    int n_axes;
    const int extent = kad_observable_extent(lattice, &n_axes);
    KAD_CALL(kad_fourier_create(ctx, lattice, &measure->fourier));
    KAD_CALL(kad_orbits_create(ctx, lattice, &measure->orbits));
    KAD_CALL(kad_new(ctx, (size_t)extent, sizeof(double), &measure->cosine));
    for (int p = 0; p < extent; p++)
        measure->cosine[p] = cos(2.0 * M_PI * p / extent);
    measure->n_modes = kad_fourier_n_modes(measure->fourier);
    return KAD_OK;
}

/* A(k) on the half spectrum, where there is one. */
static kad_status tabulate_kernel(kad_ctx *ctx, const kad_action *action,
                                  kad_measure *measure)
{
    const kad_action_spins *spins = action->ops->spins;
    const size_t last = (size_t)action->lattice->shape[action->lattice->d - 1];
    const size_t half = last / 2 + 1;

    if (spins->kernel == NULL || isnan(spins->kernel(action, 0))) return KAD_OK;
    KAD_CALL(kad_new(ctx, measure->n_modes, sizeof *measure->A, &measure->A));
    for (size_t k = 0; k < measure->n_modes; k++)
        measure->A[k] = spins->kernel(action, (int)(k / half * last + k % half));
    return KAD_OK;
}

/* The observables that apply, binned ones behind the others. */
static void choose(const kad_action *action, kad_measure *measure)
{
    for (size_t i = 0; kad_observables[i] != NULL; i++) {
        const kad_observable_ops *ops = kad_observables[i];
        const int at = measure->n;
        if (!ops->applies(action) || at == KAD_OBSERVABLES_MAX) continue;
        measure->ops[at] = ops;
        measure->width[at] = ops->width != NULL ? ops->width(action->lattice) : 1;
        measure->offset[at] = measure->n_columns;
        measure->n_columns += measure->width[at];
        measure->n++;
        if (!ops->binned) measure->n_plain = measure->n;
        measure->twist |= ops->currents;
    }
}

/* A thread's rows: x, m, s; scratch; modes twice; G; the transform's own. */
static void lay_out(const kad_action *action, kad_measure *measure)
{
    const size_t n_comp = (size_t)action->n_comp;
    measure->stride = ((size_t)action->lattice->n_sites + W - 1) / W * W;
    measure->n_work = (3 * n_comp + KAD_TWIST_ROWS + 1) * measure->stride +
                      2 * ((measure->n_modes + 7) / 8 * 8) +
                      (kad_fourier_scratch(measure->fourier) + 7) / 8 * 8;
}

kad_status kad_measure_create(kad_ctx *ctx, const kad_action *action, uint64_t seed,
                              uint32_t index, kad_measure **out)
{
    KAD_LOCAL(kad_measure, measure);

    *out = NULL;
    KAD_CALL(kad_new(ctx, 1, sizeof *measure, &measure));
    measure->action = action;
    measure->rng = kad_rng_stream(seed, KAD_RNG_SPINS, index);
    measure->n_threads = ctx->n_threads;
    measure->coupling = kad_action_bond(action);
    measure->J = 1.0;
    if (action->ops->spins != NULL && action->ops->spins->exchange != NULL)
        measure->J = action->ops->spins->exchange(action);
    choose(action, measure);
    KAD_CALL(tabulate(ctx, action->lattice, measure));
    if (action->ops->spins != NULL) {
        KAD_CALL(tabulate_kernel(ctx, action, measure));
        KAD_CALL(list_pairs(ctx, action, measure));
    }
    lay_out(action, measure);
    KAD_CALL(kad_new(ctx, (size_t)ctx->n_threads, measure->n_work * sizeof(double),
                     &measure->work));
    *out = measure;
    measure = NULL;
    return KAD_OK;
}

void kad_measure_destroy(kad_measure *measure)
{
    if (measure == NULL) return;
    kad_fourier_destroy(measure->fourier);
    kad_orbits_destroy(measure->orbits);
    kad_free(measure->pairs);
    kad_free(measure->cosine);
    kad_free(measure->A);
    kad_free(measure->work);
    kad_free(measure);
}

/* --- one configuration ----------------------------------------------------------------
 */

/* Sites of [site][component] into rows. */
static void to_rows(const kad_measure *measure, const double *x, double *rows)
{
    const size_t n_comp = (size_t)measure->action->n_comp;
    const size_t n_sites = (size_t)measure->action->lattice->n_sites;
    for (size_t a = 0; a < n_comp; a++)
        for (size_t i = 0; i < n_sites; i++)
            rows[a * measure->stride + i] = x[i * n_comp + a];
}

/* Means and drawn spins given the field. */
static void set_spins(const kad_measure *measure, uint64_t number, kad_view *view,
                      double *m, double *s)
{
    const size_t stride = measure->stride, n_sites = (size_t)view->lattice->n_sites;
    const kad_spin_source source = {
        .rng = measure->rng, .step = number, .quad_stride = 1};
    const kad_action_spins *spins = view->action->ops->spins;
    view->self = spins->mean(view->action, stride, view->x, m);
    spins->draw(view->action, &source, stride, view->x, s);
    for (size_t a = 0; a < (size_t)view->n_comp; a++) {
        memset(m + a * stride + n_sites, 0, (stride - n_sites) * sizeof *m);
        memset(s + a * stride + n_sites, 0, (stride - n_sites) * sizeof *s);
    }
    view->phi = m;
    view->s = s;
    view->direct = spins->direct;
}

static void power_of(const kad_measure *measure, const double *field, double constant,
                     double *P, double *scratch)
{
    for (size_t k = 0; k < measure->n_modes; k++)
        P[k] = constant;
    for (size_t a = 0; a < (size_t)measure->action->n_comp; a++)
        kad_fourier_power(measure->fourier, field + a * measure->stride, P, scratch);
}

/* |sum_i (x_i - b e_1)|^2 / N - |sum_i x_i|^2 / N of a field whose mean has b e_1 in it. */
static double of_shift(const kad_view *view)
{
    const kad_action_spins *spins = view->action->ops->spins;
    const double b = spins->shift != NULL ? spins->shift(view->action) : 0.0;
    double sum = 0.0;
    if (b == 0.0) return 0.0;
    for (int i = 0; i < view->lattice->n_sites; i++)
        sum += view->x[i];
    return b * (b * view->lattice->n_sites - 2.0 * sum);
}

static void measure_one(const kad_measure *measure, uint64_t number, const double *x,
                        double S, double *work, double *row)
{
    const kad_action *action = measure->action;
    const size_t n_comp = (size_t)action->n_comp, rows = n_comp * measure->stride;
    double *own = work, *m = own + rows, *s = m + rows, *scratch = s + rows;
    double *G = scratch + KAD_TWIST_ROWS * measure->stride, *P = G + measure->stride;
    double *P_dual = P + (measure->n_modes + 7) / 8 * 8;
    double *fft = P_dual + (measure->n_modes + 7) / 8 * 8;
    kad_view view = {.action = action,
                     .lattice = action->lattice,
                     .n_comp = action->n_comp,
                     .stride = measure->stride,
                     .x = own,
                     .phi = own,
                     .S = S,
                     .coupling = measure->coupling,
                     .J = measure->J,
                     .pairs = measure->pairs,
                     .n_pairs = measure->n_pairs,
                     .orbits = measure->orbits,
                     .cosine = measure->cosine,
                     .G = G,
                     .P = P,
                     .scratch = scratch};

    to_rows(measure, x, own);
    if (action->ops->spins != NULL) set_spins(measure, number, &view, m, s);
    power_of(measure, view.phi, view.self / view.lattice->n_sites, P, fft);
    kad_fourier_correlator(measure->fourier, P, G, fft);
    if (measure->A != NULL) {
        power_of(measure, view.x, 0.0, P_dual, fft);
        P_dual[0] += of_shift(&view);
        for (size_t k = 0; k < measure->n_modes; k++)
            P_dual[k] = (P_dual[k] - view.n_comp * measure->A[k]) /
                        (measure->A[k] * measure->A[k]);
        view.P_dual = P_dual;
    }
    if (measure->twist)
        kad_twist_f64(view.lattice, view.n_comp, view.stride, view.phi,
                      view.s != NULL && !view.direct ? view.x : NULL, scratch,
                      view.twist);
    for (int i = 0; i < measure->n; i++)
        measure->ops[i]->evaluate(&view, row + measure->offset[i]);
}

typedef struct batch {
    const kad_measure *measure;
    const uint64_t *number;
    const double *x, *S;
    double *rows;
} batch;

static bool measure_piece(void *self, size_t i, int thread)
{
    const batch *b = self;
    const kad_measure *m = b->measure;
    measure_one(m, b->number[i], b->x + i * rows_of(m->action), b->S[i],
                m->work + (size_t)thread * m->n_work, b->rows + i * m->n_columns);
    return true;
}

void kad_measure_rows(const kad_measure *measure, size_t n, const uint64_t *number,
                      const double *x, const double *S, double *rows)
{
    batch b = {.measure = measure, .number = number, .x = x, .S = S, .rows = rows};
    kad_parallel_for(measure->n_threads, n, measure_piece, &b);
}

/* --- coordinates ----------------------------------------------------------------------
 */

static void write_orbits(kad_writer *w, const kad_orbits *orbits, const char *name,
                         bool momenta, const char *summary)
{
    const kad_lattice *lattice = orbits->lattice;
    const size_t d = (size_t)lattice->d, dims[2] = {orbits->n, d};
    char part[64], axes[64];
    double *length = kad_write_scratch(w, orbits->n, sizeof *length);
    if (length == NULL) return;
    for (size_t i = 0; i < orbits->n; i++) {
        for (size_t mu = 0; mu < d; mu++) {
            const double unit = momenta ? 2.0 * M_PI / lattice->shape[mu] : 1.0;
            const double r = unit * (double)orbits->vector[i * d + mu];
            length[i] += r * r;
        }
        length[i] = sqrt(length[i]);
    }
    kad_write(w, name, KAD_H5_F64, name, momenta ? "1/lattice steps" : "lattice steps",
              summary, dims, length);
    snprintf(part, sizeof part, "%s_vector", name);
    snprintf(axes, sizeof axes, "%s axis", name);
    kad_write(w, part, KAD_H5_I64, axes, momenta ? "2 pi / L" : "lattice steps",
              "its representative up to symmetry", dims, orbits->vector);
    snprintf(part, sizeof part, "%s_count", name);
    kad_write(w, part, KAD_H5_I64, name, "1", "how many it stands for", dims,
              orbits->count);
    kad_free(length);
}

kad_status kad_measure_write(kad_ctx *ctx, const kad_measure *measure, kad_h5 *file,
                             const char *group)
{
    kad_writer w = kad_write_into(ctx, file, group);
    if (!isnan(measure->coupling)) kad_write_real(&w, "coupling", measure->coupling);
    write_orbits(&w, measure->orbits, "displacement", false,
                 "length |r| of the displacement");
    write_orbits(&w, measure->orbits, "momentum", true, "length |k| of the momentum");
    return kad_write_end(&w);
}
