/* Couplings of pairs of sites, and phases of spins in the plane, from a file. */
#ifndef KAD_MODELS_COUPLINGS_H
#define KAD_MODELS_COUPLINGS_H

#include "base/context.h"
#include "io/digest.h"

enum { KAD_COUPLINGS_MAX_SITES = 1024 };

/* KAD_ECONFIG where a file cannot be for so many sites. */
KAD_MUST_USE kad_status kad_couplings_check(kad_ctx *ctx, int n_sites);
/* Text lines "i j J_ij" (sites 0 .. N-1, i != j, every pair at most once, '#' starts a comment), or
 * an HDF5 file (name ending in .h5) whose dataset /couplings is a symmetric [N][N] matrix with
 * zero diagonal, as results hold it (run.h5). J [N][N] overwritten; digest: the file's. A [N][N]
 * (NULL: none are allowed): lines may go on with a phase A_ij = -A_ji in radians, HDF5 files may
 * have an antisymmetric /phases; 0 where none is given. Errors: KAD_ENOINPUT, KAD_EDATA with file
 * and line, or when no coupling differs from 0. */
KAD_MUST_USE kad_status kad_couplings_read(kad_ctx *ctx, const char *path, int N,
                                           double *J, double *A,
                                           char digest[KAD_DIGEST_CHARS]);

#endif
