/* Draws of the map carried to the action: annealed importance sampling.
 *
 * Between the map's density and the model's stand the densities of the path
 *     p_t ~ q^{1-t} e^{-t S} ~ q(y) w(y)^t,   w = e^{-S}/q,   0 = t_0 < t_1 < ... < t_n < 1,
 * t_k = k/(n + 1). A draw y_0 of the map is taken through n updates, the k-th of which leaves
 * p_{t_k} invariant; the work done on it on the way is its weight,
 *     ln W = sum_{k=0}^{n} (t_{k+1} - t_k) ln w(y_k),   t_{n+1} = 1,   y_k behind update k.
 * <W> is the mean of w, so that ln Z stays exact (Jarzynski; Crooks), and W/<W> weighs y_n as
 * w/<w> weighs y_0. Updates are accepted or rejected and so add no factor of their own. With
 * n = 0 this is mis.
 *
 * The Metropolised chain lives on whole ways (y_0, ..., y_n): they are proposed by the map and
 * the updates, while the target draws y_n from the model and goes the same way back, so that
 * the ratio of both densities is W (Neal; also where a state is given, by kad_anneal_back).
 *
 * Updates work in the latents: with y = f(z), z of the normal prior p, p_t ~ p(z) w(f(z))^t. An
 * update turns z and a momentum v, drawn like z, by an angle into each other, which the prior
 * does not notice, with `kicks` kicks by the force of t ln w on the way, and is accepted with
 *     min(1, e^{t [ln w(z') - ln w(z)] - [K(z', v') - K(z, v)]}),  K = (z^2 + v^2)/(2 T).
 * Each of `kicks` steps turns by theta/2, kicks, and turns by theta/2, a reversible map of
 * volume 1; K is conserved but for the kicks. The smaller t, the larger the angle:
 * theta(t) = min(pi/2, theta/t), for a change of t ln w alike.
 * Sources: Neal, Stat. Comput. 11 (2001) 125; Jarzynski, Phys. Rev. Lett. 78 (1997) 2690;
 * Wu, Koehler, Noe, arXiv:2002.06707 (with maps); Neal, Bayesian Statistics 6 (1998) 475, eq. 15,
 * Beskos et al., Stoch. Proc. Appl. 121 (2011) 2201 (updates). */
#ifndef KAD_SAMPLE_ANNEALED_H
#define KAD_SAMPLE_ANNEALED_H

#include "sample/mis.h"
#include "sample/step_size.h"
#include "sample/trajectory.h"

typedef struct kad_annealed_options {
    int updates;  /* n; -1: auto */
    int kicks;    /* of an update */
    double angle; /* theta; NaN: tuned */
} kad_annealed_options;

/* --- annealed_path.c --- */

/* What a way is made of. */
typedef struct kad_anneal {
    kad_hmc_target target; /* its force: of S - ln|det dy/dz| */
    const kad_action *action;
    const kad_map *map;
    kad_prec prec;
    int updates, kicks;
    double angle;
    uint64_t seed_draws; /* of the latents of the draws, stream KAD_RNG_DRAW */
    uint64_t seed;       /* of the updates */
} kad_anneal;

/* Whether there are kicks with this map: not where it is symmetrised over the global sign,
 * whose force is not made. */
bool kad_anneal_kicks(const kad_map *map);

/* n draws with consecutive numbers from `first` on, to the end of their ways: y [n][n_rows],
 * latents z [n][n_rows] (NULL: not wanted), S(y), ln W, and in moved [n] the fractions of
 * their updates accepted. Errors: KAD_ENOMEM, KAD_EINTERRUPTED. */
KAD_MUST_USE kad_status kad_anneal_draw(kad_ctx *ctx, const kad_anneal *anneal,
                                        uint64_t first, size_t n, double *y, double *z,
                                        double *S, double *log_w, double *moved);
/* ln W of n given ends y of ways, whose beginnings are drawn by the updates in reverse order.
 * `first` names the random numbers. */
KAD_MUST_USE kad_status kad_anneal_back(kad_ctx *ctx, const kad_anneal *anneal,
                                        uint64_t first, size_t n, const double *y,
                                        double *log_w);

/* --- annealed_scan.c --- */

enum { KAD_SCAN_MOST = 16, KAD_SCAN_ROUNDS = 4, KAD_SCAN_DRAWS = 256, KAD_SCAN_SUMS = 3 };

/* The tuning: rounds of a tile of draws of their own. The first quarter of them finds the
 * angle by their acceptance (half, where the updates are given); the others try 0, 1, 2, 4,
 * ... updates, KAD_SCAN_ROUNDS rounds each, while more of them could still be cheaper, and
 * what costs least per independent configuration, cost/ESS, is taken. Costs are counted, not
 * timed, in passes of the map in double, so that the choice is the same on every machine. */
typedef struct kad_scan {
    int64_t n_rounds; /* behind us */
    kad_step_size angle;
    int64_t n;                        /* numbers of updates tried */
    double updates[KAD_SCAN_MOST];    /* whole numbers */
    double ess[KAD_SCAN_MOST];        /* a draw */
    double cost[KAD_SCAN_MOST];       /* of a draw */
    double acceptance[KAD_SCAN_MOST]; /* of updates */
    double log_w[KAD_SCAN_DRAWS];     /* of the number under way */
    double sums[KAD_SCAN_SUMS];       /* its draws, its rounds, and of their acceptance */
} kad_scan;

/* Passes of the map in double that a draw takes. */
double kad_anneal_cost(const kad_anneal *anneal);

/* options: what is given is not tuned; their kicks are decided. */
kad_scan kad_scan_start(const kad_annealed_options *options);
/* The next round of n_tune; `anneal` with the seeds of the tuning. Errors: as
 * kad_anneal_draw. */
KAD_MUST_USE kad_status kad_scan_round(kad_ctx *ctx, kad_scan *scan,
                                       const kad_annealed_options *options,
                                       int64_t n_tune, const kad_anneal *anneal);
/* Updates of the cheapest way tried; some where none was. */
int kad_scan_best(const kad_scan *scan);
/* A notice, and group `scan` of the results, where several were tried. */
void kad_scan_say(kad_ctx *ctx, const kad_scan *scan, int entry);
void kad_scan_describe(const kad_scan *scan, kad_writer *w);
/* Of a damaged file: false. */
bool kad_scan_is_possible(const kad_scan *scan);

#endif
