#include "bulk/operators.h"

#include "base/memory.h"

const char *const kad_operator_names[KAD_N_OPERATORS] = {
    "nn", "nnn", "third", "phi2", "phi4", "phi6", "nn_mixed", "nn_quartic", "plaquette"};
const int kad_operator_degree[KAD_N_OPERATORS] = {2, 2, 2, 2, 4, 6, 4, 4, 4};

/* --- geometry ------------------------------------------------------------------------ */

typedef struct box {
    int d, extent[3], n;
} box;

static int shifted(const box *b, int site, const int step[3])
{
    int c[3] = {0}, out = 0;
    for (int mu = b->d - 1; mu >= 0; mu--) {
        c[mu] = site % b->extent[mu] + step[mu];
        site /= b->extent[mu];
        c[mu] = ((c[mu] % b->extent[mu]) + b->extent[mu]) % b->extent[mu];
    }
    for (int mu = 0; mu < b->d; mu++)
        out = out * b->extent[mu] + c[mu];
    return out;
}

/* Steps to the partners of one kind of pair: nn, nnn, third. */
static int pair_steps(const box *b, int kind, int step[12][3])
{
    int n = 0;
    for (int mu = 0; mu < b->d; mu++)
        for (int nu = mu; nu < b->d; nu++)
            for (int s = 0; s < 4; s++) {
                int *v = step[n];
                if ((kind == 1) != (nu != mu) || (kind != 1 && s > 1)) continue;
                if (b->extent[mu] < (kind == 2 ? 4 : 2) || b->extent[nu] < 2) continue;
                v[0] = v[1] = v[2] = 0;
                v[mu] = (s & 1 ? -1 : 1) * (kind == 2 ? 2 : 1);
                if (nu != mu) v[nu] = s & 2 ? -1 : 1;
                n++;
            }
    return n;
}

static kad_status make_pairs(kad_scope *in, const box *b, int kind, kad_operators *o)
{
    int step[12][3] = {{0}};
    const int n = pair_steps(b, kind, step);
    o->n_pair[kind] = n;
    KAD_CALL(kad_take(in, (size_t)b->n * (size_t)n, &o->pair[kind]));
    for (int i = 0; i < b->n; i++)
        for (int k = 0; k < n; k++)
            o->pair[kind][i * n + k] = shifted(b, i, step[k]);
    return KAD_OK;
}

static kad_status make_corners(kad_scope *in, const box *b, kad_operators *o)
{
    int step[12][3] = {{0}}, m = 0;
    o->n_corner = pair_steps(b, 1, step); /* a diagonal names a plaquette */
    KAD_CALL(kad_take(in, (size_t)b->n * (size_t)o->n_corner * 3, &o->corner));
    for (int i = 0; i < b->n; i++)
        for (int k = 0; k < o->n_corner; k++) {
            int one[3] = {0}, other[3] = {0};
            for (int mu = 0, first = 1; mu < 3; mu++) {
                if (step[k][mu] == 0) continue;
                (first ? one : other)[mu] = step[k][mu];
                first = 0;
            }
            o->corner[m++] = shifted(b, i, one);
            o->corner[m++] = shifted(b, i, step[k]);
            o->corner[m++] = shifted(b, i, other);
        }
    return KAD_OK;
}

static void choose(kad_operators *o)
{
    for (int a = 0; a < KAD_N_OPERATORS; a++) {
        const kad_operator op = (kad_operator)a;
        const bool there =
            op == KAD_OP_PHI2 || op == KAD_OP_PHI4 || op == KAD_OP_PHI6 ||
            (op <= KAD_OP_THIRD && o->n_pair[a] > 0) ||
            ((op == KAD_OP_NN_MIXED || op == KAD_OP_NN_QUARTIC) && o->n_pair[0] > 0) ||
            (op == KAD_OP_PLAQUETTE && o->n_corner > 0);
        if (there) o->op[o->n++] = op;
    }
}

kad_status kad_operators_create(kad_scope *in, int d, const int *extents, int n_comp,
                                kad_operators **out)
{
    kad_operators *o;
    box b = {.d = d, .n = 1};
    if (d < 1 || d > 3 || n_comp < 1 || n_comp > KAD_OPERATOR_COMPONENTS)
        return kad_fail(in->ctx, KAD_EUSAGE, "operators: %d components in %d dimensions",
                        n_comp, d);
    for (int mu = 0; mu < d; mu++)
        b.n *= b.extent[mu] = extents[mu];
    KAD_CALL(kad_take(in, 1, &o));
    o->n_sites = b.n;
    o->n_comp = n_comp;
    for (int kind = 0; kind < 3; kind++)
        KAD_CALL(make_pairs(in, &b, kind, o));
    KAD_CALL(make_corners(in, &b, o));
    choose(o);
    *out = o;
    return KAD_OK;
}

/* --- one site ------------------------------------------------------------------------ */

/* Gradient [op][component], Laplacian [op] and the site's share of the value [op]. */
typedef struct local {
    double grad[KAD_N_OPERATORS][KAD_OPERATOR_COMPONENTS];
    double laplace[KAD_N_OPERATORS], value[KAD_N_OPERATORS];
} local;

static inline double dot(int n, const double *a, const double *b)
{
    double s = 0;
    for (int c = 0; c < n; c++)
        s += a[c] * b[c];
    return s;
}

static inline void add(int n, double w, const double *a, double *to)
{
    for (int c = 0; c < n; c++)
        to[c] += w * a[c];
}

static inline void powers(int n, const double *p, local *l)
{
    const double s = dot(n, p, p);
    l->value[KAD_OP_PHI2] = s;
    l->value[KAD_OP_PHI4] = s * s;
    l->value[KAD_OP_PHI6] = s * s * s;
    add(n, 2, p, l->grad[KAD_OP_PHI2]);
    add(n, 4 * s, p, l->grad[KAD_OP_PHI4]);
    add(n, 6 * s * s, p, l->grad[KAD_OP_PHI6]);
    l->laplace[KAD_OP_PHI2] = 2 * n;
    l->laplace[KAD_OP_PHI4] = 4 * (n + 2) * s;
    l->laplace[KAD_OP_PHI6] = 6 * (n + 4) * s * s;
}

static inline void pairs(const kad_operators *o, int n, int i, const double *phi,
                         local *l)
{
    const double *p = phi + (size_t)i * (size_t)n;
    const double s = dot(n, p, p);
    for (int kind = 0; kind < 3; kind++)
        for (int k = 0; k < o->n_pair[kind]; k++) {
            const double *q =
                phi + (size_t)o->pair[kind][i * o->n_pair[kind] + k] * (size_t)n;
            const double c = dot(n, p, q), t = dot(n, q, q);
            add(n, 1, q, l->grad[KAD_OP_NN + kind]);
            l->value[KAD_OP_NN + kind] += 0.5 * c;
            if (kind > 0) continue;
            add(n, 2 * c, p, l->grad[KAD_OP_NN_MIXED]);
            add(n, s + t, q, l->grad[KAD_OP_NN_MIXED]);
            l->laplace[KAD_OP_NN_MIXED] += (2 * n + 4) * c;
            l->value[KAD_OP_NN_MIXED] += 0.5 * (s + t) * c;
            add(n, 2 * c, q, l->grad[KAD_OP_NN_QUARTIC]);
            l->laplace[KAD_OP_NN_QUARTIC] += 2 * t;
            l->value[KAD_OP_NN_QUARTIC] += 0.5 * c * c;
        }
}

static inline void plaquettes(const kad_operators *o, int n, int i, const double *phi,
                              local *l)
{
    const double *p = phi + (size_t)i * (size_t)n;
    for (int k = 0; k < o->n_corner; k++) {
        const int *corner = o->corner + 3 * (i * o->n_corner + k);
        const double *a = phi + (size_t)corner[0] * (size_t)n,
                     *b = phi + (size_t)corner[1] * (size_t)n,
                     *c = phi + (size_t)corner[2] * (size_t)n;
        const double bc = dot(n, b, c), ab = dot(n, a, b);
        add(n, 0.5 * bc, a, l->grad[KAD_OP_PLAQUETTE]);
        add(n, 0.5 * ab, c, l->grad[KAD_OP_PLAQUETTE]);
        l->value[KAD_OP_PLAQUETTE] += 0.125 * (dot(n, p, a) * bc + ab * dot(n, c, p));
    }
}

static inline __attribute__((always_inline)) void visit(const kad_operators *o,
                                                        const int n, const double *phi,
                                                        double *O, double *A, double *b)
{
    for (int i = 0; i < o->n_sites; i++) {
        local l = {0};
        powers(n, phi + (size_t)i * (size_t)n, &l);
        pairs(o, n, i, phi, &l);
        plaquettes(o, n, i, phi, &l);
        for (int u = 0; u < o->n; u++) {
            if (O != NULL) O[u] += l.value[o->op[u]];
            if (A == NULL) continue;
            b[u] += l.laplace[o->op[u]];
            for (int v = 0; v <= u; v++)
                A[u * o->n + v] += dot(n, l.grad[o->op[u]], l.grad[o->op[v]]);
        }
    }
}

static void dispatch(const kad_operators *o, const double *phi, double *O, double *A,
                     double *b)
{
    if (o->n_comp == 1)
        visit(o, 1, phi, O, A, b);
    else if (o->n_comp == 2)
        visit(o, 2, phi, O, A, b);
    else
        visit(o, 3, phi, O, A, b);
}

void kad_operators_values(const kad_operators *operators, const double *phi, double *O)
{
    for (int u = 0; u < operators->n; u++)
        O[u] = 0;
    dispatch(operators, phi, O, NULL, NULL);
}

void kad_operators_moments(const kad_operators *operators, const double *phi, double *O,
                           double *A, double *b)
{
    double part[KAD_N_OPERATORS * KAD_N_OPERATORS] = {0};
    const int n = operators->n;
    for (int u = 0; O != NULL && u < n; u++)
        O[u] = 0;
    dispatch(operators, phi, O, part, b);
    for (int u = 0; u < n; u++)
        for (int v = 0; v < n; v++)
            A[u * n + v] += part[u >= v ? u * n + v : v * n + u];
}
