/* The spins of the lifted field (xy.h), as observables see them: s = x / |x|, nothing left
 * to chance. */
#include "models/spin_system.h"
#include "models/xy.h"

#include <math.h>

static void directions(const kad_action *action, size_t stride, const double *x,
                       double *s)
{
    const int n = action->n_comp;
    for (size_t i = 0; i < (size_t)action->lattice->n_sites; i++) {
        double r2 = 0;
        for (int a = 0; a < n; a++)
            r2 += x[(size_t)a * stride + i] * x[(size_t)a * stride + i];
        for (int a = 0; a < n; a++)
            s[(size_t)a * stride + i] = x[(size_t)a * stride + i] / sqrt(r2);
    }
}

static double mean(const kad_action *action, size_t stride, const double *x, double *m)
{
    directions(action, stride, x, m);
    return 0;
}

static void draw(const kad_action *action, const kad_spin_source *source, size_t stride,
                 const double *x, double *s)
{
    (void)source;
    directions(action, stride, x, s);
}

static double exchange(const kad_action *action)
{
    const kad_xy *xy = action->self;
    return xy->link ? 0 : xy->J;
}

static double external(const kad_action *action, size_t stride, const double *s)
{
    const kad_xy *xy = action->self;
    double sum = xy->link ? kad_xy_links_energy(xy, stride, s) : 0;
    for (size_t i = 0; i < (size_t)action->lattice->n_sites; i++) {
        sum -= xy->h * s[i];
        if (xy->h_p != 0) sum -= xy->h_p * cos(xy->p * atan2(s[stride + i], s[i]));
    }
    return sum;
}

/* cos(p theta), where there is a clock term. */
static int clock_states(const kad_action *action)
{
    const kad_xy *xy = action->self;
    return xy->h_p_given != 0 ? xy->p : 0;
}

const kad_action_spins kad_xy_spins = {
    .sphere = true,
    .direct = true,
    .mean = mean,
    .draw = draw,
    .exchange = exchange,
    .external = external,
    .clock_states = clock_states,
};
