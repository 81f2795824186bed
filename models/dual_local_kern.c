/* The dual's conditional draws (dual.h) on a tile of chains. In the modes of J,
 *     x_k = A_k s_k + sqrt(A_k) g_k,
 * and in an external field b e_1 besides.
 * On a lattice with an even first extent one short transform is enough. With
 * transforms along the other axes only, mode k of layer r of the noise is
 *     nu_r = a g_r + b g_{r-1},   a, b = [sqrt A(0, k) +- sqrt A(pi, k)] / 2,
 * since |a + b e^{-ip}|^2 = a^2 + b^2 + 2 a b cos p = A(p, k), linear in cos p; and A s
 * is a sum over neighbours. Chains are kept in double, so this file is empty in single.
 */
#include "models/dual.h"

#if KAD_PREC == 64
#include "base/matrix_kern.h"
#include "base/vmath.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

static size_t rows_of(const kad_dual *dual)
{
    return (size_t)dual->action.lattice->n_sites * (size_t)dual->action.n_comp;
}

void kad_dual_ising_spins(const kad_dual *dual, const kad_turn *turn, const double *x,
                          double *s)
{
    const size_t n = rows_of(dual);
    _Alignas(KAD_VBYTES) uint32_t words[4 * KAD_W];
    for (size_t row = 0; row < n; row++) {
        const uint32_t *word = words + row % 4 * KAD_W;
        const vreal *X = (const vreal *)x + row * KAD_NV;
        vreal *spin = (vreal *)s + row * KAD_NV;
        if (row % 4 == 0)
            kad_rng_word_rows(turn->rng[KAD_LOCAL_SPIN], turn->step, turn->first_chain,
                              (uint32_t)(row / 4), KAD_W, KAD_W, words);
        KAD_UNROLL(16)
        for (int v = 0; v < KAD_NV; v++) {
            const vreal u = kad_vunit(word + v * KAD_V);
            const kad_vmask up = kad_vlt(u + u * kad_vexp(-2 * X[v]), kad_vset(1));
            spin[v] = kad_vselect(up, kad_vset(1), kad_vset(-1));
        }
    }
}

size_t kad_dual_field_bytes(const kad_dual *dual)
{
    const size_t modes = dual->hartley
                             ? kad_hartley_scratch_bytes(dual->hartley, KAD_DOUBLE)
                             : rows_of(dual) * KAD_ROW_BYTES;
    return (modes + 63) / 64 * 64 + 4 * KAD_ROW_BYTES;
}

static double root_A(const kad_dual *dual, size_t k)
{
    return dual->whitened ? dual->forward_f64[k] : sqrt(dual->inverse_f64[k]);
}

/* The modes of s become those of a draw of x. */
static void draw_modes(const kad_dual *dual, const kad_turn *turn, double *x, double *g)
{
    const size_t n_rows = rows_of(dual), n = (size_t)dual->action.n_comp;
    for (size_t row = 0; row < n_rows; row++) {
        const double root = root_A(dual, row / n);
        if (row % 4 == 0)
            kad_rng_lean_normal_rows_f64(turn->rng[KAD_LOCAL_FIELD], turn->step,
                                         turn->first_chain, (uint32_t)(row / 4), KAD_W,
                                         KAD_W, g);
        vreal *X = (vreal *)x + row * KAD_NV;
        const vreal *G = (const vreal *)g + row % 4 * KAD_NV;
        for (size_t v = 0; v < KAD_NV; v++)
            X[v] = root * root * X[v] + root * G[v];
    }
}

/* x += c g, or = where nothing is there yet. */
static inline void add_row(double c, const vreal *g, bool empty, vreal *x)
{
    if (empty)
        for (int v = 0; v < KAD_NV; v++)
            x[v] = c * g[v];
    else
        for (int v = 0; v < KAD_NV; v++)
            x[v] += c * g[v];
}

/* Layer r takes a g_r, the next one b g_r; layer 0 comes first and is its last one's
 * next. g: four rows. */
static void draw_layer(const kad_dual *dual, const kad_turn *turn, size_t layer,
                       double *x, double *g)
{
    const size_t n = (size_t)dual->action.n_comp;
    const size_t n_layers = (size_t)dual->action.lattice->shape[0];
    const size_t n_rows = rows_of(dual) / n_layers, pi = n_layers / 2 * (n_rows / n);
    const bool first = layer == 0, last = layer + 1 == n_layers;
    vreal *here = (vreal *)x + layer * n_rows * KAD_NV;
    vreal *next = last ? (vreal *)x : here + n_rows * KAD_NV;
    for (size_t row = 0; row < n_rows; row++) {
        const double high = root_A(dual, row / n), low = root_A(dual, pi + row / n);
        const double a = (high + low) / 2, b = (high - low) / 2;
        const size_t number = layer * n_rows + row;
        if (number % 4 == 0)
            kad_rng_lean_normal_rows_f64(turn->rng[KAD_LOCAL_FIELD], turn->step,
                                         turn->first_chain, (uint32_t)(number / 4), KAD_W,
                                         KAD_W, g);
        const vreal *G = (const vreal *)g + number % 4 * KAD_NV;
        add_row(a, G, first, here + row * KAD_NV);
        add_row(b, G, !last, next + row * KAD_NV);
    }
}

/* The sites of a layer of x += A s. */
static void add_mean(const kad_dual *dual, size_t layer, const double *s, double *x)
{
    const kad_lattice *lattice = dual->action.lattice;
    const size_t n = (size_t)dual->action.n_comp;
    const size_t n_sites = (size_t)(lattice->n_sites / lattice->shape[0]);
    const int n_nbr = 2 * lattice->d;
    for (size_t i = layer * n_sites; i < (layer + 1) * n_sites; i++)
        for (size_t a = 0; a < n; a++) {
            const vreal *here = (const vreal *)s + (i * n + a) * KAD_NV;
            vreal sum[KAD_NV], *X = (vreal *)x + (i * n + a) * KAD_NV;
            for (int v = 0; v < KAD_NV; v++)
                sum[v] = kad_vset(0);
            for (int b = 0; b < n_nbr; b++) {
                const size_t j = (size_t)lattice->nbr[i * (size_t)n_nbr + (size_t)b];
                const vreal *there = (const vreal *)s + (j * n + a) * KAD_NV;
                for (int v = 0; v < KAD_NV; v++)
                    sum[v] += there[v];
            }
            for (int v = 0; v < KAD_NV; v++)
                X[v] += dual->alpha * here[v] + dual->K * sum[v];
        }
}

static void draw_by_layers(const kad_dual *dual, const kad_turn *turn, const double *s,
                           double *x, double *g, double *work)
{
    const size_t n_layers = (size_t)dual->action.lattice->shape[0];
    const size_t size = rows_of(dual) / n_layers * KAD_W;
    draw_layer(dual, turn, 0, x, g);
    for (size_t i = 1; i <= n_layers; i++) {
        const size_t layer = i % n_layers; /* the first is complete after the last */
        if (layer != 0) draw_layer(dual, turn, layer, x, g);
        if (dual->layer) kad_hartley_apply_f64(dual->layer, x + layer * size, work);
        add_mean(dual, layer, s, x);
    }
}

static void draw_field(const kad_dual *dual, const kad_turn *turn, const double *s,
                       double *x, void *work)
{
    const size_t N = (size_t)dual->action.lattice->n_sites;
    const size_t n = (size_t)dual->action.n_comp, stride = n * KAD_W;
    double *g = work, *modes = g + 4 * KAD_W;
    if (dual->layered) {
        draw_by_layers(dual, turn, s, x, g, modes);
        return;
    }
    if (dual->hartley) {
        memcpy(x, s, N * n * KAD_ROW_BYTES);
        kad_hartley_apply_f64(dual->hartley, x, modes);
        draw_modes(dual, turn, x, g);
        kad_hartley_apply_f64(dual->hartley, x, modes);
        return;
    }
    for (size_t a = 0; a < n; a++)
        matrix_rows((int)N, (int)N, dual->basis_f64, 1, N, s + a * KAD_W, stride,
                    modes + a * KAD_W, stride);
    draw_modes(dual, turn, modes, g);
    for (size_t a = 0; a < n; a++)
        matrix_rows((int)N, (int)N, dual->basis_f64, N, 1, modes + a * KAD_W, stride,
                    x + a * KAD_W, stride);
}

void kad_dual_field(const kad_dual *dual, const kad_turn *turn, const double *s,
                    double *x, void *work)
{
    const double b = dual->beta * dual->h;
    draw_field(dual, turn, s, x, work);
    for (int i = 0; b != 0 && i < dual->action.lattice->n_sites; i++)
        for (int v = 0; v < KAD_NV; v++)
            ((vreal *)x)[i * dual->action.n_comp * KAD_NV + v] += b;
}
#else
typedef int kad_dual_local_is_double_only;
#endif
