#include "analysis/fss.h"

#include "analysis/jump.h"
#include "analysis/linear.h"
#include "base/matrix.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { POINTS_A_SIZE = 3 };
static const double GOOD_P = 0.05;

/* What is under way beside the results. */
typedef struct work {
    kad_scope *in;
    const kad_fss_options *options;
    kad_fss *f;
    /* curve of every size and quantity; n_coefficients 0: none */
    kad_sized curve[KAD_FSS_SIZES][KAD_FSS_QUANTITIES];
    double tc, inv_nu; /* where fits start */
} work;

/* --- points and curves ---------------------------------------------------------------
 */

static bool stands_before(const kad_fss_point *a, const kad_fss_point *b)
{
    return a->size < b->size || (a->size == b->size && a->tune < b->tune);
}

static kad_status sort_points(work *w, size_t n, const kad_fss_point *point,
                              char reason[KAD_FSS_REASON])
{
    kad_fss *f = w->f;
    KAD_CALL(kad_take(w->in, n, &f->point));
    for (size_t i = 0; i < n; i++) {
        size_t k = f->n_points++;
        for (; k > 0 && stands_before(&point[i], &f->point[k - 1]); k--)
            f->point[k] = f->point[k - 1];
        f->point[k] = point[i];
    }
    for (size_t i = 0; i < n; i++) {
        if (f->n_sizes > 0 && f->point[i].size == f->size[f->n_sizes - 1]) continue;
        if (f->n_sizes == KAD_FSS_SIZES)
            return kad_fail(w->in->ctx, KAD_EDATA, "more than %d lattice sizes",
                            (int)KAD_FSS_SIZES);
        f->first[f->n_sizes] = i;
        f->size[f->n_sizes++] = f->point[i].size;
    }
    f->first[f->n_sizes] = n;
    if (f->n_sizes < 2)
        snprintf(reason, KAD_FSS_REASON,
                 "finite-size scaling: complete points of one lattice size (L = %g): it "
                 "needs two",
                 n > 0 ? f->size[0] : 0);
    for (size_t s = 0; s < f->n_sizes && reason[0] == 0; s++)
        if (f->first[s + 1] - f->first[s] < POINTS_A_SIZE)
            snprintf(reason, KAD_FSS_REASON,
                     "finite-size scaling: L = %g has %zu complete point%s: it needs %d",
                     f->size[s], f->first[s + 1] - f->first[s],
                     f->first[s + 1] - f->first[s] == 1 ? "" : "s", (int)POINTS_A_SIZE);
    return KAD_OK;
}

/* One quantity of points [first, end). False in *known: one of them has it not. */
static kad_status gather(kad_scope *in, const kad_fss *f, size_t first, size_t end,
                         size_t quantity, kad_replicas *out, double **t, bool *known)
{
    const size_t n = end - first, B = f->point[first].of.n_blocks;
    KAD_CALL(kad_replicas_take(in, n, B, out));
    KAD_CALL(kad_take(in, n, t));
    *known = true;
    for (size_t i = 0; i < n; i++) {
        const kad_fss_point *point = &f->point[first + i];
        (*t)[i] = point->tune;
        out->value[i] = point->of.value[quantity];
        for (size_t b = 0; b < B; b++)
            out->replica[b * n + i] =
                point->of.replica[b * KAD_FSS_QUANTITIES + quantity];
        *known = *known && kad_replicas_estimate(out, i).err > 0;
    }
    return KAD_OK;
}

static kad_status draw_curves(work *w)
{
    for (size_t s = 0; s < w->f->n_sizes; s++)
        for (size_t q = 0; q < KAD_FSS_QUANTITIES; q++) {
            KAD_SCOPE(scope, w->in->ctx);
            kad_replicas y;
            double *t;
            bool known;
            KAD_CALL(gather(&scope, w->f, w->f->first[s], w->f->first[s + 1], q, &y, &t,
                            &known));
            w->curve[s][q].size = w->f->size[s];
            if (known) KAD_CALL(kad_smooth_fit(w->in, t, &y, &w->curve[s][q].curve));
        }
    return KAD_OK;
}

static bool has(const work *w, size_t s, size_t q)
{
    return w->curve[s][q].curve.coefficient.n > 0;
}

/* --- results -------------------------------------------------------------------------
 */

static void state(kad_fss *f, const char *name, const char *method, kad_estimate e,
                  double chi2, size_t dof, double p, size_t n)
{
    if (f->n_results == KAD_FSS_RESULTS || !isfinite(e.value)) return;
    f->result[f->n_results++] = (kad_fss_result){.name = name,
                                                 .method = method,
                                                 .estimate = e,
                                                 .chi2 = chi2,
                                                 .p_value = p,
                                                 .dof = dof,
                                                 .n = n};
}

/* Numbers y_i of lattices of sizes L_i. */
typedef struct numbers {
    const char *name, *method;
    size_t n, column;
    const double *size;            /* [n] */
    const kad_replicas *const *of; /* [n] their column counts */
} numbers;

/* Those from `first` on as y = c_0 + c_1 L^-omega, or without the second term. */
static kad_status fit_numbers(kad_scope *in, const numbers *y, size_t first, double omega,
                              kad_linear *fit, kad_replicas *all, bool *ok)
{
    const size_t m = y->n - first, B = y->of[0]->n_blocks;
    const size_t terms = isfinite(omega) ? 2 : 1;
    double *cov;
    KAD_CALL(kad_replicas_take(in, m, B, all));
    KAD_CALL(kad_take(in, m * m, &cov));
    for (size_t i = 0; i < m; i++) {
        const kad_replicas *of = y->of[first + i];
        all->value[i] = of->value[y->column];
        for (size_t b = 0; b < B; b++)
            all->replica[b * m + i] = of->replica[b * of->n + y->column];
    }
    KAD_CALL(kad_replicas_covariance(in->ctx, all, cov));
    *ok = kad_cholesky(m, m, cov, 0.0);
    if (!*ok) return KAD_OK;
    KAD_CALL(kad_linear_take(in, m, terms, cov, fit));
    for (size_t i = 0; i < m; i++) {
        fit->x[i] = 1;
        if (terms == 2) fit->x[m + i] = pow(y->size[first + i], -omega);
    }
    *ok = kad_linear_prepare(fit, terms);
    return KAD_OK;
}

/* Their limit of large lattices by generalised least squares, from the smallest of them on
 * with which the fit is good (p > 0.05): with the correction of order L^-omega where omega is
 * given and two are there, else their mean. `inverse`: 1/y is stated. */
static kad_status state_limit(work *w, const numbers *y, double omega, bool inverse)
{
    for (size_t first = 0; first < y->n; first++) {
        KAD_SCOPE(scope, w->in->ctx);
        const size_t m = y->n - first, B = y->of[0]->n_blocks;
        const double corrected = m > 1 ? omega : (double)NAN;
        const size_t dof = m - (isfinite(corrected) ? 2 : 1);
        double c[2];
        kad_replicas all, limit;
        kad_linear fit;
        bool ok;
        KAD_CALL(kad_replicas_take(&scope, 1, B, &limit));
        KAD_CALL(fit_numbers(&scope, y, first, corrected, &fit, &all, &ok));
        if (!ok) return KAD_OK;
        const double chi2 = kad_linear_solve(&fit, all.value, c);
        const double p = dof > 0 ? gsl_cdf_chisq_Q(chi2, (double)dof) : (double)NAN;
        if (p < GOOD_P && m > 1) continue;
        limit.value[0] = inverse ? 1 / c[0] : c[0];
        for (size_t b = 0; b < B; b++) {
            (void)kad_linear_solve(&fit, all.replica + b * m, c);
            limit.replica[b] = inverse ? 1 / c[0] : c[0];
        }
        state(w->f, y->name, y->method, kad_replicas_estimate(&limit, 0), chi2, dof, p,
              m);
        return KAD_OK;
    }
    return KAD_OK;
}

/* --- crossings -----------------------------------------------------------------------
 */

/* The ratio of sizes that most pairs have; 0: none has two, and neighbours are paired. */
static double common_ratio(const kad_fss *f)
{
    double best = 0;
    size_t most = 1;
    for (size_t i = 0; i < f->n_sizes; i++)
        for (size_t j = i + 1; j < f->n_sizes; j++) {
            const double s = f->size[j] / f->size[i];
            size_t n = 0;
            for (size_t a = 0; a < f->n_sizes; a++)
                for (size_t b = a + 1; b < f->n_sizes; b++)
                    n += fabs(f->size[b] / f->size[a] - s) < 1e-9;
            if (n > most) best = s;
            if (n > most) most = n;
        }
    return best;
}

static kad_status add_pair(work *w, kad_fss_quantity q, size_t i, size_t j)
{
    kad_fss_pair *pair = &w->f->pair[w->f->n_pairs];
    if (w->f->n_pairs == KAD_FSS_PAIRS || !has(w, i, q) || !has(w, j, q)) return KAD_OK;
    *pair = (kad_fss_pair){.quantity = q, .i = i, .j = j};
    KAD_CALL((q == KAD_FSS_HELICITY ? kad_jump_pair : kad_crossing_find)(
        w->in, &w->curve[i][q], &w->curve[j][q], &pair->crossing));
    w->f->n_pairs++;
    for (size_t k = KAD_FSS_CHI; k <= KAD_FSS_ABS_M && pair->crossing.found; k++)
        if (has(w, i, k) && has(w, j, k))
            KAD_CALL(kad_crossing_exponent(w->in, &pair->crossing, &w->curve[i][k].curve,
                                           &w->curve[j][k].curve, &pair->exponent[k]));
    return KAD_OK;
}

static kad_status add_pairs(work *w, kad_fss_quantity q)
{
    const kad_fss *f = w->f;
    const double s = common_ratio(f);
    for (size_t i = 0; i < f->n_sizes; i++)
        for (size_t j = i + 1; j < f->n_sizes; j++)
            if (s > 0 ? fabs(f->size[j] / f->size[i] - s) < 1e-9 : j == i + 1)
                KAD_CALL(add_pair(w, q, i, j));
    return KAD_OK;
}

static const char *const crossings_of[] = {"crossings of binder", "crossings of xi/L"};

static kad_status use_pairs(work *w, kad_fss_quantity q)
{
    KAD_SCOPE(scope, w->in->ctx);
    kad_fss *f = w->f;
    const double omega = w->options->omega;
    const kad_replicas *nu[KAD_FSS_PAIRS], *x[KAD_FSS_QUANTITIES][KAD_FSS_PAIRS];
    double size[KAD_FSS_PAIRS], size_x[KAD_FSS_QUANTITIES][KAD_FSS_PAIRS];
    kad_crossing *crossing;
    kad_critical critical;
    size_t n = 0, n_x[KAD_FSS_QUANTITIES] = {0};
    KAD_CALL(kad_take(&scope, KAD_FSS_PAIRS, &crossing));
    for (size_t p = 0; p < f->n_pairs; p++) {
        const kad_fss_pair *pair = &f->pair[p];
        if (pair->quantity != q || !pair->crossing.found) continue;
        if (!(kad_replicas_estimate(&pair->crossing.of, KAD_CROSSING_INV_NU).err > 0))
            continue;
        nu[n] = &pair->crossing.of;
        size[n] = f->size[pair->i];
        crossing[n++] = pair->crossing;
        for (size_t k = KAD_FSS_CHI; k <= KAD_FSS_ABS_M; k++) {
            if (pair->exponent[k].n == 0) continue;
            size_x[k][n_x[k]] = f->size[pair->i];
            x[k][n_x[k]++] = &pair->exponent[k];
        }
    }
    if (n == 0) return KAD_OK;
    const size_t before = f->n_results;
    const numbers slopes = {"nu", crossings_of[q], n, KAD_CROSSING_INV_NU, size, nu};
    KAD_CALL(state_limit(w, &slopes, omega, true));
    const double inv_nu =
        f->n_results > before ? 1 / f->result[before].estimate.value : 1;
    KAD_CALL(kad_crossing_extrapolate(&scope, n, crossing, inv_nu, omega, &critical));
    if (critical.how != KAD_EXTRAPOLATED_NONE)
        state(f, "T_c", crossings_of[q], kad_replicas_estimate(&critical.tc, 0),
              critical.chi2, critical.dof, critical.p_value, critical.n);
    for (size_t k = KAD_FSS_CHI; k <= KAD_FSS_ABS_M; k++) {
        const numbers quotients = {
            kad_fss_kinds[k].exponent, crossings_of[q], n_x[k], 0, size_x[k], x[k]};
        KAD_CALL(state_limit(w, &quotients, omega, false));
    }
    if (isnan(w->tc) && critical.how != KAD_EXTRAPOLATED_NONE) {
        w->tc = critical.tc.value[0];
        w->inv_nu = inv_nu > 0.2 && inv_nu < 5 ? inv_nu : 1;
    }
    return KAD_OK;
}

/* --- collapse ------------------------------------------------------------------------
 */

static kad_status try_collapse(work *w, kad_fss_quantity q, double z_max, double l_min,
                               kad_collapse *c)
{
    KAD_SCOPE(scope, w->in->ctx);
    kad_fss *f = w->f;
    kad_collapse_points points;
    double *size, *t;
    bool known;
    *c = (kad_collapse){0};
    KAD_CALL(gather(&scope, f, 0, f->n_points, q, &points.observable, &t, &known));
    if (!known || f->n_scans == KAD_FSS_SCANS) return KAD_OK;
    KAD_CALL(kad_take(&scope, f->n_points, &size));
    for (size_t i = 0; i < f->n_points; i++)
        size[i] = f->point[i].size;
    points.size = size;
    points.t = t;
    const kad_collapse_options options = {.tc = w->tc,
                                          .nu = 1 / w->inv_nu,
                                          .x = kad_fss_kinds[q].start / w->inv_nu,
                                          .dimensionless = q < KAD_FSS_DIMENSIONLESS,
                                          .omega = w->options->omega,
                                          .z_max = z_max,
                                          .l_min = l_min};
    KAD_CALL(kad_collapse_fit(w->in, &points, &options, c));
    if (!c->ok) return KAD_OK;
    kad_replicas ratio;
    KAD_CALL(kad_replicas_take(&scope, 1, c->of.n_blocks, &ratio));
    ratio.value[0] = c->of.value[KAD_COLLAPSE_X] / c->of.value[KAD_COLLAPSE_NU];
    for (size_t b = 0; b < c->of.n_blocks; b++) {
        const double *of = c->of.replica + b * KAD_COLLAPSE_N;
        ratio.replica[b] = of[KAD_COLLAPSE_X] / of[KAD_COLLAPSE_NU];
    }
    f->scan[f->n_scans++] =
        (kad_fss_scan){.quantity = q,
                       .z_max = z_max,
                       .l_min = l_min,
                       .tc = kad_replicas_estimate(&c->of, KAD_COLLAPSE_TC),
                       .nu = kad_replicas_estimate(&c->of, KAD_COLLAPSE_NU),
                       .exponent = kad_replicas_estimate(&ratio, 0),
                       .chi2 = c->chi2,
                       .p_value = c->p_value,
                       .n = c->n,
                       .dof = c->dof};
    return KAD_OK;
}

/* The largest |z| of the points, which a collapse of all of them has. */
static double widest(const work *w)
{
    double z = 0;
    for (size_t i = 0; i < w->f->n_points; i++) {
        const kad_fss_point *p = &w->f->point[i];
        z = fmax(z, fabs((p->tune - w->tc) / w->tc * pow(p->size, w->inv_nu)));
    }
    return z * (1 + 1e-9);
}

static const char *const collapse_of[] = {"collapse of binder", "collapse of xi/L",
                                          "collapse of chi", "collapse of |m|"};

static void state_scan(kad_fss *f, const kad_fss_scan *s)
{
    const char *method = collapse_of[s->quantity];
    state(f, "T_c", method, s->tc, s->chi2, s->dof, s->p_value, s->n);
    state(f, "nu", method, s->nu, s->chi2, s->dof, s->p_value, s->n);
    if (s->quantity >= KAD_FSS_DIMENSIONLESS)
        state(f, kad_fss_kinds[s->quantity].exponent, method, s->exponent, s->chi2,
              s->dof, s->p_value, s->n);
}

/* From the smallest lattice on with which the fit is good (p > 0.05), three sizes at least
 * where there are three; then with fewer points in z. */
static kad_status collapse(work *w, kad_fss_quantity q)
{
    kad_fss *f = w->f;
    const size_t least = f->n_sizes < 3 ? f->n_sizes : 3;
    const double all = widest(w), given = w->options->z_max;
    const double z_max = isfinite(given) && given < all ? given : all;
    size_t chosen = SIZE_MAX;
    kad_collapse c;
    for (size_t s = 0; s + least <= f->n_sizes; s++) {
        const size_t before = f->n_scans;
        KAD_CALL(try_collapse(w, q, z_max, f->size[s], &c));
        if (f->n_scans == before) continue;
        if (chosen != SIZE_MAX && f->scan[chosen].p_value >= GOOD_P) continue;
        chosen = before;
        f->collapse[q] = c;
    }
    if (chosen == SIZE_MAX) return KAD_OK;
    f->scan[chosen].chosen = true;
    state_scan(f, &f->scan[chosen]);
    for (int k = 3; k >= 2; k--) /* 3/4, 2/4 */
        KAD_CALL(try_collapse(w, q, z_max * k / 4, f->scan[chosen].l_min, &c));
    return KAD_OK;
}

/* --- the universal jump --------------------------------------------------------------
 */

static kad_status find_jumps(work *w)
{
    kad_fss *f = w->f;
    for (size_t s = 0; s < f->n_sizes; s++) {
        KAD_SCOPE(scope, w->in->ctx);
        kad_crossing c;
        if (!has(w, s, KAD_FSS_HELICITY)) continue;
        KAD_CALL(kad_jump_meet(&scope, &w->curve[s][KAD_FSS_HELICITY], &c));
        if (c.found)
            f->jump[f->n_jumps++] =
                (kad_fss_jump){f->size[s], kad_replicas_estimate(&c.of, KAD_CROSSING_AT)};
    }
    return add_pairs(w, KAD_FSS_HELICITY);
}

/* T_KT: the mean over the pairs. False in *any where there is nothing of the kind. */
static kad_status use_jumps(work *w, bool *any)
{
    kad_fss *f = w->f;
    const kad_replicas *at[KAD_FSS_PAIRS];
    size_t n = 0;
    double size[KAD_FSS_PAIRS];
    KAD_CALL(find_jumps(w));
    for (size_t p = 0; p < f->n_pairs; p++) {
        if (!f->pair[p].crossing.found) continue;
        size[n] = f->size[f->pair[p].i];
        at[n++] = &f->pair[p].crossing.of;
    }
    *any = n + f->n_jumps > 0;
    if (!*any) f->n_pairs = 0;
    const numbers pairs = {"T_c", "jump of helicity", n, KAD_CROSSING_AT, size, at};
    return state_limit(w, &pairs, NAN, false);
}

kad_status kad_fss_analyse(kad_scope *in, size_t n, const kad_fss_point *point,
                           const kad_fss_options *options, kad_fss *out,
                           char reason[KAD_FSS_REASON])
{
    KAD_SCOPE(scope, in->ctx);
    work *w;
    bool jumps;
    KAD_CALL(kad_take(&scope, 1, &w));
    *w = (work){.in = in, .options = options, .f = out, .tc = NAN, .inv_nu = 1};
    *out = (kad_fss){0};
    reason[0] = 0;
    KAD_CALL(sort_points(w, n, point, reason));
    if (reason[0] != 0) return KAD_OK;
    KAD_CALL(draw_curves(w));
    KAD_CALL(use_jumps(w, &jumps));
    if (jumps) return KAD_OK; /* no power laws there */
    for (kad_fss_quantity q = 0; q < KAD_FSS_DIMENSIONLESS; q++)
        KAD_CALL(add_pairs(w, q));
    for (kad_fss_quantity q = 0; q < KAD_FSS_DIMENSIONLESS; q++)
        KAD_CALL(use_pairs(w, q));
    for (kad_fss_quantity q = 0; q <= KAD_FSS_ABS_M && isfinite(w->tc); q++)
        KAD_CALL(collapse(w, q));
    return KAD_OK;
}
