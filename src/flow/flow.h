/* A flow: stages in generation order over the active sites of a lattice, a prior, and the
 * sizes of everything a kernel needs. Immutable after creation: parameters live outside
 * (double theta[n_theta]), kernels run on a packed copy in either precision.
 *
 * This folder builds maps from latents to fields:
 *   stage                      one bijector in place; bijectors/, nets/, transforms/
 *   flow, map, mixture         stages with a prior (priors/); with parameters; averages over
 *                              images of the lattice
 *   options, hierarchy, blocks, stage_list: which stages are asked for
 *   parts, cone                stages taken apart; what a change of one latent reaches
 *   shares, shares_kern        stages in shares: several threads at a tile
 *   lanes_kern                 helpers of the kernels */
#ifndef KAD_FLOW_FLOW_H
#define KAD_FLOW_FLOW_H

#include "base/memory.h"
#include "flow/options.h"
#include "flow/priors/prior.h"
#include "flow/stage.h"

typedef struct kad_flow {
    const kad_lattice *lattice; /* borrowed */
    int n_comp;
    int n_rows;      /* n_sites * n_comp */
    int n_active;    /* active sites */
    uint8_t *active; /* [n_sites] */
    int *
        level_of; /* [n_sites] RG level of the latent at a site (finest 0); -1 inactive */
    int n_levels;
    int n_stages;
    kad_stage *stages;
    size_t n_theta;
    size_t packed_bytes[2];
    size_t scratch_bytes[2];
    /* of the stages that solve an equation; NULL: there is none, ln q is exact. Behind the
     * packed parameters there is room to choose their steps, unless they are given. */
    const kad_solver_ops *solver;
    bool solver_given;
    size_t settling[2];
    const kad_prior_ops *prior;
    double temperature; /* the prior's; on the real line the variance of the latents */
    char hierarchy[32];
} kad_flow;

/* Flow of the options (already resolved by the recipe). Errors: KAD_ECONFIG,
 * KAD_ENOMEM, KAD_EINTERNAL (two tensors of one name). */
KAD_MUST_USE kad_status kad_flow_create(kad_ctx *ctx, const kad_flow_options *options,
                                        const kad_flow_target *target, kad_flow **out);
void kad_flow_destroy(kad_flow *flow);
KAD_LOCAL_OF(kad_flow, kad_flow_destroy)
/* Initial parameters, keyed by seed. theta [n_theta]. */
void kad_flow_init(const kad_flow *flow, uint64_t seed, double *theta);
/* Full name of a tensor: "level_2/disentangler/coupling_3/w1" or "spectrum/theta". */
void kad_flow_tensor_name(const kad_stage *stage, const kad_tensor *tensor, char *out,
                          size_t size);
/* Parameters of the L/2 flow `from` into the L flow `to`: level s copies level s; the old
 * top becomes the new top; the new second-from-top copies the one below it; spectra are
 * interpolated in khat^2. What has no counterpart keeps its value. Returns the number of
 * parameters copied. */
size_t kad_flow_transfer(const kad_flow *from, const double *theta_from,
                         const kad_flow *to, double *theta_to);

/* Largest error that ln q is allowed to have (kad_stage.tolerance), summed; 0: exact. */
double kad_flow_tolerance(const kad_flow *flow);
/* Multiply the numbers of steps of stages that solve an equation, in packed parameters. */
void kad_flow_refine(const kad_flow *flow, kad_prec prec, void *packed, int factor);
/* Penalties on the paths of such stages, in packed parameters (kad_solver_ops.penalise). */
void kad_flow_penalise(const kad_flow *flow, kad_prec prec, void *packed, double kinetic,
                       double jacobian);
/* The most steps of such a stage; 0: there is none. */
int kad_flow_steps(const kad_flow *flow, kad_prec prec, const void *packed);

/* Kernels on one tile; packed from kad_flow_pack, scratch of scratch_bytes[prec].
 * Conventions as in stage.h, for the whole flow. x, g [n_rows][lanes]; inactive rows
 * untouched. */
void kad_flow_pack(const kad_flow *flow, kad_prec prec, const double *theta,
                   void *packed);
/* The same with the steps of KAD_FLOW_ROUGH times the tolerance: for gradients, which need
 * no better. */
enum { KAD_FLOW_ROUGH = 10 };
void kad_flow_pack_rough(const kad_flow *flow, kad_prec prec, const double *theta,
                         void *packed);
void kad_flow_generate(const kad_flow *flow, kad_prec prec, const void *packed, void *x,
                       double *ld, void *scratch);
void kad_flow_infer(const kad_flow *flow, kad_prec prec, const void *packed, void *x,
                    double *ld, void *scratch);
/* dtheta: real[n_theta] of that precision, added to; NULL: no parameter gradient. */
void kad_flow_generate_adjoint(const kad_flow *flow, kad_prec prec, const void *packed,
                               void *x, void *g, double gl, void *dtheta, double *ld,
                               void *scratch);
void kad_flow_infer_adjoint(const kad_flow *flow, kad_prec prec, const void *packed,
                            void *x, void *g, double gl, void *dtheta, double *ld,
                            void *scratch);

/* Prior: draw the latents of samples first + lane (inactive rows zero), ln p(z) per lane
 * (overwritten), and g = d ln p/dz (overwritten). Latents to their representatives, which
 * kad_flow_generate does first: nothing where the prior lives on the real line. */
void kad_flow_prior_draw(const kad_flow *flow, kad_prec prec, kad_rng rng, uint64_t step,
                         uint64_t first_sample, void *z);
void kad_flow_prior_lnp(const kad_flow *flow, kad_prec prec, const void *z, double *lnp);
void kad_flow_prior_score(const kad_flow *flow, kad_prec prec, const void *z, void *g);
void kad_flow_prior_wrap(const kad_flow *flow, kad_prec prec, void *z);

#endif
