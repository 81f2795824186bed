/* The dual's conditional draws (dual_local.h) on a tile of chains. In the modes of J,
 *     x_k = A_k s_k + sqrt(A_k) g_k.
 * Chains are kept in double, so this file is empty in single. */
#include "models/dual_local.h"

#if KAD_PREC == 64
#include "base/vmath.h"
#include "lattice/matrix_kern.h"

#include <math.h>
#include <string.h>

static size_t rows_of(const kad_dual *dual)
{
    return (size_t)dual->action.lattice->n_sites * (size_t)dual->action.n_comp;
}

void kad_dual_ising_spins(const kad_dual *dual, const kad_turn *turn, const double *x,
                          double *s)
{
    const size_t n = rows_of(dual);
    const vreal *X = (const vreal *)x;
    vreal *s_rows = (vreal *)s;
    for (size_t quad = 0; 4 * quad < n; quad++)
        kad_rng_uniform_rows_f64(turn->rng[KAD_LOCAL_SPIN], turn->step, turn->first_chain,
                                 (uint32_t)quad, KAD_W, KAD_W, s + 4 * quad * KAD_W);
    for (size_t i = 0; i < n * KAD_NV; i++) {
        const kad_vmask up = kad_vlt(s_rows[i], kad_vsigmoid(2 * X[i]));
        s_rows[i] = kad_vselect(up, kad_vset(1), kad_vset(-1));
    }
}

size_t kad_dual_field_bytes(const kad_dual *dual)
{
    const size_t modes = dual->hartley
                             ? kad_hartley_scratch_bytes(dual->hartley, KAD_DOUBLE)
                             : rows_of(dual) * KAD_ROW_BYTES;
    return (modes + 63) / 64 * 64 + 4 * KAD_ROW_BYTES;
}

/* The modes of s become those of a draw of x. */
static void draw_modes(const kad_dual *dual, const kad_turn *turn, double *x, double *g)
{
    const size_t n_rows = rows_of(dual), n = (size_t)dual->action.n_comp;
    for (size_t row = 0; row < n_rows; row++) {
        const size_t k = row / n;
        const double A = dual->whitened ? dual->forward_f64[k] * dual->forward_f64[k]
                                        : dual->inverse_f64[k];
        const double root = dual->whitened ? dual->forward_f64[k] : sqrt(A);
        if (row % 4 == 0)
            kad_rng_normal_rows_f64(turn->rng[KAD_LOCAL_FIELD], turn->step,
                                    turn->first_chain, (uint32_t)(row / 4), KAD_W, KAD_W,
                                    g);
        vreal *X = (vreal *)x + row * KAD_NV;
        const vreal *G = (const vreal *)g + row % 4 * KAD_NV;
        for (size_t v = 0; v < KAD_NV; v++)
            X[v] = A * X[v] + root * G[v];
    }
}

void kad_dual_field(const kad_dual *dual, const kad_turn *turn, const double *s,
                    double *x, void *work)
{
    const size_t N = (size_t)dual->action.lattice->n_sites;
    const size_t n = (size_t)dual->action.n_comp, stride = n * KAD_W;
    double *g = work, *modes = g + 4 * KAD_W;
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
#else
typedef int kad_dual_local_is_double_only;
#endif
