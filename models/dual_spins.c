/* The O(n) spins behind a dual field, as observables see them. */
#include "models/dual.h"
#include "models/spin_system.h"

#include <math.h>

/* Rows go on beyond the sites with x = 0: each of those adds 1 - 0. */
static double mean(const kad_action *action, size_t stride, const double *x, double *m)
{
    const kad_dual *dual = action->self;
    const double beyond = (double)(stride - (size_t)action->lattice->n_sites);
    return kad_spin_rows_mean_f64(dual->weight, action->n_comp, stride, stride, x, m) -
           beyond;
}

static void draw(const kad_action *action, const kad_spin_source *source, size_t stride,
                 const double *x, double *s)
{
    kad_spin_rows_draw_f64(action->n_comp, source, stride, stride, x, s);
}

static double exchange(const kad_action *action)
{
    const kad_dual *dual = action->self;
    return dual->coupling;
}

static double external(const kad_action *action, size_t stride, const double *s)
{
    const kad_dual *dual = action->self;
    double sum = 0;
    (void)stride;
    for (int i = 0; dual->h != 0 && i < action->lattice->n_sites; i++)
        sum -= dual->h * s[i];
    return sum;
}

static double shift(const kad_action *action)
{
    const kad_dual *dual = action->self;
    return dual->beta * dual->h;
}

/* Couplings read from a file. */
static size_t pairs(const kad_action *action, kad_pair *out)
{
    const kad_dual *dual = action->self;
    const int N = action->lattice->n_sites;
    size_t n = 0;
    for (int i = 0; dual->J != NULL && i < N; i++)
        for (int j = i + 1; j < N; j++) {
            const double J = dual->J[i * N + j];
            if (J == 0.0) continue;
            if (out != NULL) out[n] = (kad_pair){i, j, J};
            n++;
        }
    return n;
}

static double kernel(const kad_action *action, int mode)
{
    const kad_dual *dual = action->self;
    return dual->J == NULL ? dual->alpha + dual->beta * dual->spectrum[mode]
                           : (double)NAN;
}

double kad_dual_bond(const kad_action *action)
{
    const kad_dual *dual = action->self;
    return dual->J == NULL && dual->h_given == 0 ? dual->K : (double)NAN;
}

const kad_action_spins kad_dual_spins = {
    .sphere = true,
    .mean = mean,
    .draw = draw,
    .exchange = exchange,
    .external = external,
    .shift = shift,
    .pairs = pairs,
    .kernel = kernel,
};
