/* Changes of the dual (see delta.h), in double. Its quadratic form is dense, so a tile
 * keeps v = M y: M = A^1/2 whitened, A^-1 for the field. A change d on the sites C moves
 * it by dv = M_C d, |C| N products, or a whole transform M y where that costs less; then
 *   whitened  dS = 1/2 sum_C (now^2 - old^2) - sum_i [F(|v_i + dv_i|^2) - F(|v_i|^2)]
 *   field     dS = sum_C d.(v + dv/2) - sum_C [F(|now|^2) - F(|old|^2)]
 * with F(s) = ln w_n(sqrt s), and - sum_C l.(now - old) of an external field. Rounding errors of v collect until `begin`. */
#include "models/delta.h"
#include "models/dual.h"

#if KAD_PREC == 64
#include "base/matrix_kern.h"
#include "models/radial_kern.h"

#include <string.h>

static size_t rounded(size_t n)
{
    return (n + 63) / 64 * 64;
}

static size_t n_rows_of(const kad_action *action)
{
    return (size_t)action->lattice->n_sites * (size_t)action->n_comp;
}

/* Columns from which on a whole transform costs less: it takes 2 sum_mu L_mu products a
 * row by Hartley (half by their symmetry), 2 N by eigenvectors. */
static int most_columns(const kad_dual *dual)
{
    const kad_lattice *lattice = dual->action.lattice;
    int n = 0;
    for (int mu = 0; mu < lattice->d; mu++)
        n += lattice->shape[mu];
    return dual->hartley && n < lattice->n_sites ? n : lattice->n_sites;
}

/* --- M: its first column where J is uniform, all of it otherwise ----------------------- */

static size_t shared_bytes(const kad_action *action)
{
    const kad_dual *dual = action->self;
    const size_t N = (size_t)action->lattice->n_sites, rows = n_rows_of(action);
    const size_t size = dual->hartley ? N : N * N;
    /* and room for `prepare` */
    return rounded(size * sizeof(double)) + 2 * rows * KAD_ROW_BYTES +
           action->scratch_bytes[KAD_DOUBLE];
}

/* M from unit fields of the first component, KAD_W columns at a time. */
static void prepare(const kad_action *action, void *shared)
{
    const kad_dual *dual = action->self;
    const size_t N = (size_t)action->lattice->n_sites, n = (size_t)action->n_comp;
    const size_t rows = n_rows_of(action), n_columns = dual->hartley ? 1 : N;
    double *m = shared;
    double *unit = (double *)((char *)shared + rounded(n_columns * N * sizeof(double)));
    double *image = unit + rows * KAD_W, *scratch = image + rows * KAD_W;
    for (size_t first = 0; first < n_columns; first += KAD_W) {
        const size_t left = n_columns - first < KAD_W ? n_columns - first : KAD_W;
        memset(unit, 0, rows * KAD_ROW_BYTES);
        for (size_t l = 0; l < left; l++)
            unit[(first + l) * n * KAD_W + l] = 1;
        kad_dual_apply_f64(dual, dual->forward_f64, unit, image, scratch);
        for (size_t l = 0; l < left; l++)
            for (size_t i = 0; i < N; i++)
                m[(first + l) * N + i] = image[i * n * KAD_W + l];
    }
}

/* Column j of M. */
static void column(const kad_dual *dual, const double *m, int j, double *out)
{
    const kad_lattice *lattice = dual->action.lattice;
    const int *L = lattice->shape;
    int at[KAD_MAX_DIM];
    if (!dual->hartley) {
        memcpy(out, m + (size_t)j * (size_t)lattice->n_sites,
               (size_t)lattice->n_sites * sizeof *out);
        return;
    }
    const int L1 = lattice->d > 1 ? L[1] : 1, L2 = lattice->d > 2 ? L[2] : 1;
    kad_lattice_coords(lattice, j, at);
    for (int x = 0; x < L[0]; x++)
        for (int y = 0; y < L1; y++) {
            const int dx = x >= at[0] ? x - at[0] : x - at[0] + L[0];
            const int dy = lattice->d < 2 ? 0 : y >= at[1] ? y - at[1] : y - at[1] + L1;
            const double *line = m + (dx * L1 + dy) * L2;
            const int dz = lattice->d > 2 ? at[2] : 0;
            for (int z = 0; z < L2; z++)
                *out++ = line[z >= dz ? z - dz : z - dz + L2];
        }
}

/* --- a tile -------------------------------------------------------------------------- */

typedef struct space {
    double *v, *dv;          /* [n_rows][W] */
    double *ln_w, *new_ln_w; /* [W] whitened: sum of F */
    double *d;               /* [most columns][n_comp][W] */
    double *columns;         /* [most columns][N] */
    void *scratch;
} space;

static size_t carve(const kad_action *action, void *base, space *s)
{
    const kad_dual *dual = action->self;
    const size_t rows = n_rows_of(action), most = (size_t)most_columns(dual);
    double *at = base;
    s->v = at;
    s->dv = s->v + rows * KAD_W;
    s->ln_w = s->dv + rows * KAD_W;
    s->new_ln_w = s->ln_w + KAD_W;
    s->d = s->new_ln_w + KAD_W;
    s->columns = s->d + most * (size_t)action->n_comp * KAD_W;
    const size_t bytes =
        rounded((size_t)((char *)(s->columns + most * (size_t)action->lattice->n_sites) -
                         (char *)base));
    s->scratch = (char *)base + bytes;
    return bytes + action->scratch_bytes[KAD_DOUBLE];
}

static size_t state_bytes(const kad_action *action)
{
    static double none[1];
    space s;
    return carve(action, none, &s);
}

/* F(|x_i|^2) of one vector of a site. */
static vreal ln_weight(const kad_dual *dual, const vreal *x)
{
    vreal s = {0}, f, unused;
    for (int a = 0; a < dual->action.n_comp; a++)
        s += x[a * KAD_NV] * x[a * KAD_NV];
    radial_eval(dual->weight, s, &f, &unused);
    return f;
}

static void sum_ln_weights(const kad_dual *dual, const double *x, double *out)
{
    vreal *sum = (vreal *)out;
    memset(out, 0, KAD_ROW_BYTES);
    for (int i = 0; i < dual->action.lattice->n_sites; i++)
        for (int v = 0; v < KAD_NV; v++)
            sum[v] +=
                ln_weight(dual, (const vreal *)x + i * dual->action.n_comp * KAD_NV + v);
}

static void begin(const kad_action *action, const void *shared, const double *y,
                  void *state)
{
    const kad_dual *dual = action->self;
    space s;
    (void)shared;
    carve(action, state, &s);
    kad_dual_apply_f64(dual, dual->forward_f64, y, s.v, s.scratch);
    if (dual->whitened) sum_ln_weights(dual, s.v, s.ln_w);
}

/* dv = M d, or M now - v. */
static void respond(const kad_dual *dual, const double *m, const kad_change *c,
                    const space *s)
{
    const size_t N = (size_t)dual->action.lattice->n_sites;
    const size_t n = (size_t)dual->action.n_comp, size = n * KAD_W;
    if (c->n > most_columns(dual)) {
        kad_dual_apply_f64(dual, dual->forward_f64, c->now, s->dv, s->scratch);
        for (size_t i = 0; i < N * n * KAD_NV; i++)
            ((vreal *)s->dv)[i] -= ((const vreal *)s->v)[i];
        return;
    }
    for (int k = 0; k < c->n; k++) {
        const size_t at = (size_t)c->sites[k] * size;
        column(dual, m, c->sites[k], s->columns + (size_t)k * N);
        for (size_t i = 0; i < size; i++)
            s->d[(size_t)k * size + i] = c->now[at + i] - c->old[at + i];
    }
    for (size_t a = 0; a < n; a++)
        matrix_rows((int)N, c->n, s->columns, 1, N, s->d + a * KAD_W, size,
                    s->dv + a * KAD_W, size);
}

static void change_whitened(const kad_dual *dual, const kad_change *c, const space *s,
                            double *dS)
{
    const size_t size = (size_t)dual->action.n_comp * KAD_W;
    const size_t n = (size_t)dual->action.lattice->n_sites * size;
    memset(dS, 0, KAD_ROW_BYTES);
    for (int k = 0; k < c->n; k++) {
        const size_t at = (size_t)c->sites[k] * size;
        for (size_t i = 0; i < size; i++)
            dS[i % KAD_W] += 0.5 * (c->now[at + i] - c->old[at + i]) *
                             (c->now[at + i] + c->old[at + i]);
    }
    for (size_t i = 0; i < n; i++)
        s->dv[i] += s->v[i]; /* v after the change */
    sum_ln_weights(dual, s->dv, s->new_ln_w);
    for (int l = 0; l < KAD_W; l++)
        dS[l] -= s->new_ln_w[l] - s->ln_w[l];
}

static void change_field(const kad_dual *dual, const kad_change *c, const space *s,
                         double *dS)
{
    const size_t n = (size_t)dual->action.n_comp;
    const vreal *now = (const vreal *)c->now, *old = (const vreal *)c->old;
    const vreal *v = (const vreal *)s->v, *dv = (const vreal *)s->dv;
    vreal *sum = (vreal *)dS;
    memset(dS, 0, KAD_ROW_BYTES);
    for (int k = 0; k < c->n; k++)
        for (size_t l = 0; l < KAD_NV; l++) {
            const size_t site = (size_t)c->sites[k] * n * KAD_NV + l;
            for (size_t at = site; at < site + n * KAD_NV; at += KAD_NV)
                sum[l] += (now[at] - old[at]) * (v[at] + 0.5 * dv[at]);
            sum[l] -= ln_weight(dual, now + site) - ln_weight(dual, old + site);
        }
    for (size_t i = 0; i < (size_t)dual->action.lattice->n_sites * n * KAD_NV; i++)
        ((vreal *)s->dv)[i] += v[i];
}

static void change(const kad_action *action, const void *shared, const kad_change *c,
                   double *dS, void *state)
{
    const kad_dual *dual = action->self;
    space s;
    carve(action, state, &s);
    respond(dual, shared, c, &s);
    _Alignas(64) double sum[KAD_W];
    if (dual->whitened)
        change_whitened(dual, c, &s, sum);
    else
        change_field(dual, c, &s, sum);
    for (int k = 0; k < c->n && dual->linear_f64 != NULL; k++) {
        const size_t at = (size_t)(c->sites[k] * dual->action.n_comp) * KAD_W;
        for (size_t l = 0; l < KAD_W; l++)
            sum[l] -= dual->linear_f64[c->sites[k]] * (c->now[at + l] - c->old[at + l]);
    }
    memcpy(dS, sum, sizeof sum);
}

static void settle(const kad_action *action, const uint8_t *keep, void *state)
{
    const kad_dual *dual = action->self;
    const size_t rows = n_rows_of(action);
    space s;
    carve(action, state, &s);
    for (size_t r = 0; r < rows; r++)
        for (size_t l = 0; l < KAD_W; l++) {
            const size_t at = r * KAD_W + l;
            s.v[at] = keep[l] ? s.dv[at] : s.v[at];
        }
    for (size_t l = 0; l < KAD_W && dual->whitened; l++)
        s.ln_w[l] = keep[l] ? s.new_ln_w[l] : s.ln_w[l];
}

const kad_action_delta kad_dual_delta = {
    .cost = "changed sites times all sites (dense quadratic form, rank updates)",
    .shared_bytes = shared_bytes,
    .prepare = prepare,
    .state_bytes = state_bytes,
    .begin = begin,
    .change = change,
    .settle = settle,
};
#else
typedef int kad_dual_delta_is_double_only;
#endif
