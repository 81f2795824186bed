/* Local updates of O(n) spins (xy.h), a tile of chains at a time; chains are kept in
 * double, so this file is empty in single. */
#include "models/xy.h"

#if KAD_PREC == 64
#include "base/vtrig.h"
#include "models/spins.h"

static void unit(int n, const vreal *x, vreal *s)
{
    for (size_t v = 0; v < KAD_NV; v++) {
        vreal r2 = {0};
        for (int a = 0; a < n; a++)
            r2 += x[a * KAD_NV + (int)v] * x[a * KAD_NV + (int)v];
        const vreal inverse = 1 / kad_vsqrt(kad_vmax(r2, kad_vset(1e-300)));
        for (int a = 0; a < n; a++)
            s[a * KAD_NV + (int)v] = x[a * KAD_NV + (int)v] * inverse;
    }
}

void kad_xy_directions(const kad_xy *xy, const double *x, double *s)
{
    const size_t n = (size_t)xy->action.n_comp;
    for (size_t i = 0; i < (size_t)xy->action.lattice->n_sites; i++)
        unit((int)n, (const vreal *)x + i * n * KAD_NV, (vreal *)s + i * n * KAD_NV);
}

/* x = r s with r = |x| (kept) or that of a normal vector z. */
static void stretch(int n, const vreal *z, const vreal *s, vreal *x)
{
    for (int v = 0; v < KAD_NV; v++) {
        vreal r2 = {0};
        for (int a = 0; a < n; a++)
            r2 += z[a * KAD_NV + v] * z[a * KAD_NV + v];
        const vreal r = kad_vsqrt(r2);
        for (int a = 0; a < n; a++)
            x[a * KAD_NV + v] = r * s[a * KAD_NV + v];
    }
}

void kad_xy_turn(const kad_xy *xy, const double *s, double *x)
{
    const size_t n = (size_t)xy->action.n_comp;
    for (size_t i = 0; i < (size_t)xy->action.lattice->n_sites; i++) {
        vreal *here = (vreal *)x + i * n * KAD_NV;
        stretch((int)n, here, (const vreal *)s + i * n * KAD_NV, here);
    }
}

/* H += J R(A) s of a link. */
static void add_link(const kad_xy *xy, const kad_xy_link *link, const vreal *s, vreal *H)
{
    for (size_t v = 0; v < KAD_NV; v++) {
        H[v] += link->c * s[v] - link->s * s[KAD_NV + v];
        H[KAD_NV + v] += link->s * s[v] + link->c * s[KAD_NV + v];
        if (xy->action.n_comp == 3) H[2 * KAD_NV + v] += link->c * s[2 * KAD_NV + v];
    }
}

/* H = J sum_nbr s + h e_1 of site i. rows: the spins, or (`lengths`) fields along them. */
static void local_field(const kad_xy *xy, int i, bool lengths, const vreal *rows,
                        vreal *H)
{
    const int n = xy->action.n_comp, n_nbr = 2 * xy->action.lattice->d;
    const int *nbr = xy->action.lattice->nbr + (size_t)i * (size_t)n_nbr;
    const size_t size = (size_t)n * KAD_NV;
    const int first = xy->link ? xy->first[i] : 0;
    const int n_links = xy->link ? xy->first[i + 1] - first : n_nbr;
    vreal unity[3 * KAD_NV];
    for (size_t r = 0; r < size; r++)
        H[r] = kad_vset(r < KAD_NV ? xy->h : 0);
    for (int b = 0; b < n_links; b++) {
        const kad_xy_link *link = xy->link ? &xy->link[first + b] : NULL;
        const vreal *s = rows + (size_t)(link ? link->j : nbr[b]) * size;
        if (lengths) {
            unit(n, s, unity);
            s = unity;
        }
        if (link) add_link(xy, link, s, H);
        for (size_t r = 0; !link && r < size; r++)
            H[r] += xy->J * s[r];
    }
}

/* cos(p theta) */
static vreal multiple(int p, vreal c, vreal s)
{
    vreal x = c, y = s;
    for (int k = 1; k < p; k++) {
        const vreal next = x * c - y * s;
        y = x * s + y * c;
        x = next;
    }
    return x;
}

/* s = new where the clock term accepts it, counted; u: a uniform row. */
static void accept_clock(const kad_xy *xy, const vreal *u, const vreal *new, vreal *s,
                         vreal *accepted)
{
    for (int v = 0; v < KAD_NV; v++) {
        const vreal change = multiple(xy->p, new[v], new[KAD_NV + v]) -
                             multiple(xy->p, s[v], s[KAD_NV + v]);
        const kad_vmask yes = kad_vlt(u[v], kad_vexp(xy->beta * xy->h_p * change));
        if (accepted) accepted[v] += kad_vselect(yes, kad_vset(1), kad_vset(0));
        s[v] = kad_vselect(yes, new[v], s[v]);
        s[KAD_NV + v] = kad_vselect(yes, new[KAD_NV + v], s[KAD_NV + v]);
    }
}

void kad_xy_heat_bath(const kad_xy *xy, const kad_turn *turn, double *x, double *accepted,
                      double *s)
{
    const size_t n = (size_t)xy->action.n_comp;
    const uint32_t n_sites = (uint32_t)xy->action.lattice->n_sites;
    vreal H[3 * KAD_NV], drawn[3 * KAD_NV], z[4 * KAD_NV];
    kad_xy_directions(xy, x, s);
    for (uint32_t i = 0; i < n_sites; i++) {
        vreal *here = (vreal *)s + i * n * KAD_NV;
        const kad_spin_source source = {.rng = turn->rng[KAD_LOCAL_SPIN],
                                        .step = turn->step,
                                        .sample = turn->first_chain,
                                        .quad = i,
                                        .quad_stride = n_sites};
        local_field(xy, (int)i, false, (const vreal *)s, H);
        for (size_t r = 0; r < n * KAD_NV; r++)
            H[r] *= xy->beta;
        kad_spin_rows_draw_f64((int)n, &source, KAD_W, KAD_W, (const double *)H,
                               (double *)drawn);
        if (xy->h_p != 0) {
            kad_rng_uniform_rows_f64(turn->rng[KAD_LOCAL_PROPOSE], turn->step,
                                     turn->first_chain, i, KAD_W, KAD_W, (double *)z);
            accept_clock(xy, z, drawn, here, (vreal *)accepted);
        } else {
            for (size_t r = 0; r < n * KAD_NV; r++)
                here[r] = drawn[r];
        }
        kad_rng_normal_rows_f64(turn->rng[KAD_LOCAL_FIELD], turn->step, turn->first_chain,
                                i, KAD_W, KAD_W, (double *)z);
        stretch((int)n, z, here, (vreal *)x + i * n * KAD_NV);
    }
}

void kad_xy_reflect(const kad_xy *xy, double *x)
{
    const size_t n = (size_t)xy->action.n_comp, size = n * KAD_NV;
    vreal *X = (vreal *)x, H[3 * KAD_NV];
    for (int i = 0; i < xy->action.lattice->n_sites; i++) {
        vreal *here = X + (size_t)i * size;
        local_field(xy, i, true, X, H);
        for (size_t v = 0; v < KAD_NV; v++) {
            vreal h2 = kad_vset(1e-300), dot = kad_vset(0);
            for (size_t a = 0; a < n; a++) {
                h2 += H[a * KAD_NV + v] * H[a * KAD_NV + v];
                dot += H[a * KAD_NV + v] * here[a * KAD_NV + v];
            }
            for (size_t a = 0; a < n; a++)
                here[a * KAD_NV + v] =
                    2 * dot / h2 * H[a * KAD_NV + v] - here[a * KAD_NV + v];
        }
    }
}
#else
typedef int kad_xy_local_is_double_only;
#endif
