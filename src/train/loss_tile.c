#include "train/loss_tile.h"

#include "train/loss_kern.h"

#include <math.h>
#include <string.h>

/* Lane-wise helpers on whole tiles, in either precision. */

static double value(const kad_loss_tile *t, const void *x, int row, int lane)
{
    const size_t at = (size_t)row * (size_t)t->lanes + (size_t)lane;
    return t->prec == KAD_SINGLE ? (double)((const float *)x)[at]
                                 : ((const double *)x)[at];
}

static void set_value(const kad_loss_tile *t, void *x, int row, int lane, double v)
{
    const size_t at = (size_t)row * (size_t)t->lanes + (size_t)lane;
    if (t->prec == KAD_SINGLE)
        ((float *)x)[at] = (float)v;
    else
        ((double *)x)[at] = v;
}

/* Lane `to` of `out` becomes factor times lane `from` of x. */
static void copy_lane(const kad_loss_tile *t, const void *x, int from, double factor,
                      void *out, int to)
{
    for (int r = 0; r < t->flow->n_rows; r++)
        set_value(t, out, r, to, factor * value(t, x, r, from));
}

void kad_loss_flow(const kad_loss_tile *t, kad_operation operation, void *x, void *g,
                   double gl, void *dtheta, double *ld)
{
    kad_shares_apply(t->shares, &t->hands, operation, t->prec, t->packed, x, g, gl,
                     dtheta, ld);
}

void kad_loss_combine(const kad_loss_tile *t, void *g, const double *a, const void *h,
                      const double *b)
{
    const size_t lanes = (size_t)t->lanes;
    for (size_t r = 0; r < (size_t)t->flow->n_rows; r++) {
        if (!t->flow->active[r / (size_t)t->flow->n_comp]) continue;
        for (size_t l = 0; l < lanes; l++) {
            const size_t at = r * lanes + l;
            if (t->prec == KAD_SINGLE)
                ((float *)g)[at] =
                    (float)a[l] * ((float *)g)[at] + (float)b[l] * ((const float *)h)[at];
            else
                ((double *)g)[at] =
                    a[l] * ((double *)g)[at] + b[l] * ((const double *)h)[at];
        }
    }
}

void kad_loss_add(const kad_loss_tile *t, void *g, const void *h)
{
    (t->prec == KAD_SINGLE ? kad_loss_add_f32 : kad_loss_add_f64)((size_t)t->flow->n_rows,
                                                                  h, g);
}

static void add_zeros(const kad_loss_tile *t, const void *x, double *sum)
{
    (t->prec == KAD_SINGLE ? kad_loss_zeros_f32
                           : kad_loss_zeros_f64)((size_t)t->flow->n_rows, x, sum);
}

/* Add up the losses of the lanes that are finite in loss, x and g; bad [lanes]. */
static void add_losses(kad_loss_tile *t, const double *loss, bool *bad)
{
    double sum[KAD_W_MAX] = {0};
    add_zeros(t, t->x, sum);
    add_zeros(t, t->g, sum);
    for (int l = 0; l < t->lanes; l++) {
        bad[l] = !isfinite(loss[l]) || !isfinite(sum[l]);
        if (bad[l]) continue;
        t->loss += loss[l];
        t->square += loss[l] * loss[l];
        t->n_finite++;
    }
}

/* What n_bad copies of a lane, with cotangent zero, gave theta by gl and by penalties is taken
 * away: a tile of such copies has it from every lane, all alike. */
static void take_away(kad_loss_tile *t, int n_bad, kad_operation back, double gl)
{
    const size_t n = t->flow->n_theta;
    memset(t->dcopies, 0, n * (t->prec == KAD_SINGLE ? sizeof(float) : sizeof(double)));
    kad_loss_flow(t, back, t->x2, t->g2, gl, t->dcopies, NULL);
    (t->prec == KAD_SINGLE ? kad_loss_subtract_f32 : kad_loss_subtract_f64)(
        n, (double)n_bad / t->lanes, t->dcopies, t->dtheta);
}

/* A lane that is left out becomes one of the others with cotangent zero. What gl and
 * penalties, alike for all lanes, then give it is taken away again. */
void kad_loss_record(kad_loss_tile *t, const double *loss, kad_operation back, double gl)
{
    const int lanes = t->lanes;
    bool bad[KAD_W_MAX];
    int good = 0, n_bad = 0;
    add_losses(t, loss, bad);
    for (int l = 0; l < lanes; l++)
        n_bad += bad[l];
    t->n_nonfinite += n_bad;
    if (n_bad == lanes) return;
    while (bad[good])
        good++;
    for (int l = 0; l < lanes && n_bad > 0; l++) {
        copy_lane(t, t->x, good, 1, t->x2, l);
        copy_lane(t, t->x, good, 0, t->g2, l);
        if (!bad[l]) continue;
        copy_lane(t, t->x2, l, 1, t->x, l);
        copy_lane(t, t->g2, l, 1, t->g, l);
    }
    kad_loss_flow(t, back, t->x, t->g, gl, t->dtheta, NULL);
    if (n_bad > 0 && (gl != 0 || t->flow->solver != NULL)) take_away(t, n_bad, back, gl);
}
