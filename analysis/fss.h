/* Finite-size scaling of a set of runs: observables of several lattice sizes along a coupling
 * that is tuned, T. Of what is dimensionless at a critical point (the Binder cumulant U,
 * xi/L) the crossings of pairs of sizes (crossing.h) and the collapse (collapse.h) give T_c
 * and nu; of the susceptibility and |m|, gamma/nu and -beta/nu. Of an XY model the helicity
 * modulus is met with the line beta Y = 2/pi of its universal jump.
 *
 * xi is the second-moment correlation length, sqrt(G(0)/G(k_1) - 1)/(2 sin(pi/L)), k_1 the
 * smallest momentum along an axis (functions.h; Caracciolo et al., Nucl. Phys. B 403 (1993)
 * 475); the jump: Nelson, Kosterlitz, Phys. Rev. Lett. 39 (1977) 1201. */
#ifndef KAD_ANALYSIS_FSS_H
#define KAD_ANALYSIS_FSS_H

#include "analysis/collapse.h"
#include "analysis/crossing.h"
#include "io/h5.h"

typedef enum kad_fss_quantity {
    KAD_FSS_BINDER,
    KAD_FSS_XI, /* over L */
    KAD_FSS_DIMENSIONLESS,
    KAD_FSS_CHI = KAD_FSS_DIMENSIONLESS,
    KAD_FSS_ABS_M,
    KAD_FSS_HELICITY, /* beta Y */
    KAD_FSS_QUANTITIES
} kad_fss_quantity;

/* Name, what x is called in O ~ L^{x/nu}, and the start of its fit over nu. */
typedef struct kad_fss_kind {
    const char *name, *exponent, *long_name;
    double start;
} kad_fss_kind;
extern const kad_fss_kind kad_fss_kinds[KAD_FSS_QUANTITIES];

enum { KAD_FSS_BLOCKS = 100, KAD_FSS_BLOCKS_LEAST = 20, KAD_FSS_REASON = 160 };

/* One run: its size, its coupling, and of every quantity the replicas; value NaN of what it
 * has not. */
typedef struct kad_fss_point {
    double size, tune;
    kad_replicas of; /* [KAD_FSS_QUANTITIES] */
} kad_fss_point;

/* How many blocks of ten tau_int a sampler's draws make, at most KAD_FSS_BLOCKS; 0 with a
 * reason: it is no chain, its means have no error bar (flagged), too few draws. Errors:
 * KAD_EDATA, KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_fss_blocks(kad_ctx *ctx, kad_h5 *file, const char *sampler,
                                       size_t *n_blocks, char reason[KAD_FSS_REASON]);
/* Its quantities in so many blocks of consecutive draws. Errors: as above. */
KAD_MUST_USE kad_status kad_fss_read(kad_scope *in, kad_h5 *file, const char *sampler,
                                     size_t n_blocks, kad_fss_point *out);
/* Runs of several seeds at one size and coupling as one (combine.h). */
KAD_MUST_USE kad_status kad_fss_merge(kad_scope *in, size_t n, const kad_fss_point *point,
                                      kad_fss_point *out);

typedef struct kad_fss_options {
    double
        omega; /* of corrections; NaN: fitted where it can be, no corrections elsewhere */
    double z_max; /* of collapses */
} kad_fss_options;

/* A pair of sizes on one dimensionless quantity. */
typedef struct kad_fss_pair {
    kad_fss_quantity quantity;
    size_t i, j; /* sizes */
    kad_crossing crossing;
    kad_replicas exponent[KAD_FSS_QUANTITIES]; /* x/nu of the others there; n = 0: none */
} kad_fss_pair;

/* Fits of one quantity with other cuts. */
typedef struct kad_fss_scan {
    kad_fss_quantity quantity;
    double z_max, l_min;
    kad_estimate tc, nu, exponent; /* x/nu */
    double chi2, p_value;
    size_t n, dof;
    bool chosen; /* the one that is stated */
} kad_fss_scan;

/* What is stated: "T_c" by "crossings of binder". */
typedef struct kad_fss_result {
    const char *name, *method;
    kad_estimate estimate;
    double chi2, p_value; /* NaN without degrees of freedom */
    size_t dof, n;
} kad_fss_result;

/* Where beta Y meets 2/pi on one lattice. */
typedef struct kad_fss_jump {
    double size;
    kad_estimate at;
} kad_fss_jump;

enum { KAD_FSS_PAIRS = 64, KAD_FSS_SCANS = 64, KAD_FSS_RESULTS = 32, KAD_FSS_SIZES = 16 };

typedef struct kad_fss {
    size_t n_points, n_sizes, n_pairs, n_scans, n_results, n_jumps;
    kad_fss_point *point; /* [n_points] by size, then coupling */
    double size[KAD_FSS_SIZES];
    size_t first[KAD_FSS_SIZES + 1]; /* point of each size */
    kad_fss_pair pair[KAD_FSS_PAIRS];
    kad_collapse collapse[KAD_FSS_QUANTITIES]; /* ok false: none */
    kad_fss_scan scan[KAD_FSS_SCANS];
    kad_fss_result result[KAD_FSS_RESULTS];
    kad_fss_jump jump[KAD_FSS_SIZES];
} kad_fss;

/* Points in any order, all of as many blocks, couplings of one size all different. reason:
 * what is missing ("": nothing): two sizes, three points of each. Errors: KAD_ENOMEM,
 * KAD_EDATA. */
KAD_MUST_USE kad_status kad_fss_analyse(kad_scope *in, size_t n,
                                        const kad_fss_point *point,
                                        const kad_fss_options *options, kad_fss *out,
                                        char reason[KAD_FSS_REASON]);

/* All of it into a group (doc/fileformat.md, /fss). */
KAD_MUST_USE kad_status kad_fss_write(kad_ctx *ctx, kad_h5 *file, const char *group,
                                      const kad_fss *fss);

#endif
