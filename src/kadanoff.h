/* kadanoff: learned hierarchical (holographic) maps of lattice field theories, as a
 * library. This header is all that is public; doc/library.md has an example.
 *
 * A map x = G(z) takes latent variables z of a simple prior p (the bulk) to configurations
 * x of a lattice field (the boundary), and is invertible. It is trained so that its density
 * q comes close to exp(-S)/Z. Because q is known, every configuration has a weight, and
 *     ln q(x) = ln p(z) - ln |det dG/dz|,   w = exp(-S)/q,   <w>_q = Z.
 *
 * Conventions
 *   Arrays     Configurations and latents are arrays of double of shape [n][component]
 *              [axes...], sample by sample, row-major, the last axis running fastest: what
 *              is stored as `configs` and `latents` in run.h5. kad_study_shape gives the
 *              sizes. The caller owns every array; none is kept.
 *   Latents    Those of a site's place in the hierarchy. They have the configuration's
 *              shape; where sites are integrated out exactly (flow.decimation) the latents
 *              at these sites are zero and are not read.
 *   Variables  x is the field of the model (boundary variables), with the sites that were
 *              integrated out drawn given the others. The map works in flow variables y: y =
 *              x but for actions with a field of their own (on-dual: x = A^(1/2) y). S and
 *              ln q are functions of y on the sites that are not integrated out. Weights
 *              hold the constants between the two: the mean of w is the Z of the model.
 *   Units      Lattice units; actions and logarithms are dimensionless (nats).
 *   Precision  Everything but draws is evaluated in double, whatever flow.precision is.
 *   Errors     Functions return KAD_OK or a code; kad_study_message then says in one line
 *              what was wrong, with the offending value. Outputs are then undefined, the
 *              handle stays usable. The library does not print, exit, abort or install
 *              signal handlers. The only exception: its own libraries (OpenMP, FFTW) end
 *              the process when the system refuses them memory or threads.
 *   Threads    A handle belongs to one thread at a time. Functions of different handles may
 *              be called from different threads; they take turns, since each uses all the
 *              threads it was given. kad_study_stop may be called from anywhere, signal
 *              handlers included. HDF5 is used inside: a program that calls a serial HDF5
 *              itself must not do so in another thread meanwhile.
 *   Numbers    The same config gives the same bytes as the program `kadanoff`, with any
 *              number of threads. */
#ifndef KADANOFF_H
#define KADANOFF_H

#include <stddef.h>
#include <stdint.h>

/* Version of this header. Names are only added while the major version stays; before 1.0
 * the minor version counts as the major one. */
#define KAD_VERSION_MAJOR 0
#define KAD_VERSION_MINOR 1
#define KAD_VERSION_PATCH 0

#if defined(__GNUC__)
#define KAD_MUST_USE __attribute__((warn_unused_result))
#pragma GCC visibility push(default)
#else
#define KAD_MUST_USE
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The values are also exit codes of the program. */
typedef enum kad_status {
    KAD_OK = 0,
    KAD_EUSAGE = 64,    /* a call that makes no sense: arguments, order of calls */
    KAD_EDATA = 65,     /* a file is damaged or does not fit; values not finite */
    KAD_ENOINPUT = 66,  /* a file or folder is missing; nothing is trained yet */
    KAD_EINUSE = 69,    /* the run folder is in use by another process */
    KAD_EINTERNAL = 70, /* a numerical failure; a processor that the build is not for */
    KAD_ENOMEM = 71,    /* out of memory */
    KAD_ECREATE = 73,   /* an output cannot be created */
    KAD_EIO = 74,       /* reading or writing failed: full disk */
    KAD_EINTERRUPTED = 75, /* stopped with a checkpoint: the same call goes on */
    KAD_ECONFIG = 78 /* the config: unknown key, bad value, over the memory budget */
} kad_status;

/* A few words for a status: "bad data". Static, never NULL. */
const char *kad_status_text(kad_status status);
/* Version of the library that is linked: "0.1.0". Static. */
const char *kad_version(void);

/* A study: a config, the run folder that belongs to it, and what was trained there. */
typedef struct kad_study kad_study;

/* An empty study. n_threads 0: OMP_NUM_THREADS, or the number of cores. NULL when there is
 * no memory. Free with kad_study_destroy, which takes NULL. */
kad_study *kad_study_create(int n_threads);
void kad_study_destroy(kad_study *study);

/* What was wrong with the last call that failed: one line, "" when none did. Belongs to the
 * study and holds until its next call. */
const char *kad_study_message(const kad_study *study);

/* --- the config ----------------------------------------------------------------------
 * YAML as in doc/reference.md, from a file or a text, with n overrides
 * "section.key=value". `folder` is the run folder: the stages below make it, or go on with
 * it, and it belongs to this config from then on. Nothing is written yet. A study that had
 * a config forgets it.
 * Errors: KAD_ECONFIG with file:line and the value, KAD_ENOINPUT, KAD_EDATA (couplings),
 * KAD_EINTERNAL (this processor), KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_study_load(kad_study *study, const char *path,
                                       const char *folder, size_t n,
                                       const char *const *overrides);
KAD_MUST_USE kad_status kad_study_parse(kad_study *study, const char *text,
                                        const char *folder, size_t n,
                                        const char *const *overrides);
/* The config of an existing run folder. */
KAD_MUST_USE kad_status kad_study_open(kad_study *study, const char *folder);

/* Sizes: d extents in shape (the rest 1), components of the field a site, and values of a
 * configuration = components * sites, the stride of all arrays. Any pointer may be NULL.
 * Errors: KAD_EUSAGE (no config). */
KAD_MUST_USE kad_status kad_study_shape(kad_study *study, int *d, size_t shape[3],
                                        size_t *n_components, size_t *n_values);

/* --- stages: what `kadanoff train`, `sample` and `run` do ------------------------------
 * Each takes up what an earlier call or the program left in the folder, and does nothing
 * where that is finished. train: the map. sample: every sampler of the config, then means
 * and errors. run: all of it, the bulk and the report too; the map only where something
 * needs it.
 * Errors: KAD_EINTERRUPTED (stopped: the same call goes on from there), KAD_EINUSE (the
 * folder is held by another process, which the message names), KAD_ENOINPUT (sample:
 * nothing is trained), KAD_ECONFIG (the folder has another config), KAD_EDATA,
 * KAD_EINTERNAL, KAD_EUSAGE, KAD_ECREATE, KAD_EIO, KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_study_train(kad_study *study);
KAD_MUST_USE kad_status kad_study_sample(kad_study *study);
KAD_MUST_USE kad_status kad_study_run(kad_study *study);

/* How far a stage is: `step` of `total` of its part ("train 16x16", "mis"). About every
 * tenth of a second, and at the end of each part; in the thread that called the stage. What
 * is not 0 asks it to stop. Functions of this study fail with KAD_EUSAGE inside, but for
 * kad_study_stop. NULL: none. */
typedef int kad_progress_call(void *self, const char *part, int64_t step, int64_t total);
void kad_study_on_progress(kad_study *study, kad_progress_call *call, void *self);
/* Notices of what was decided or is odd, a line each. NULL: none. */
typedef void kad_notice_call(void *self, const char *line);
void kad_study_on_notice(kad_study *study, kad_notice_call *call, void *self);
/* Ask the call in progress to stop: it saves a checkpoint and returns KAD_EINTERRUPTED,
 * within seconds. Nothing happens when none is. */
void kad_study_stop(kad_study *study);

/* --- the trained map --------------------------------------------------------------------
 * Of the study's run folder, read at the first of these calls.
 * Errors: KAD_ENOINPUT (nothing is trained), KAD_EDATA, KAD_EUSAGE (no config), KAD_ECONFIG
 * (ln w where action.name is none), KAD_EINTERRUPTED (kad_study_stop), KAD_ENOMEM. n = 0 is
 * fine. */

/* Of a family of maps (section `family` of the config) the one at these couplings, for the
 * functions below; ln w is that of the model there. names [n] are the couplings, with "action."
 * or without, values [n] theirs; what is not named is at the config's own, and so is all of it
 * with n = 0 and before the first call. A config that is loaded forgets it; the stages know
 * nothing of it. Nothing has to be trained yet. Also KAD_ECONFIG (outside of the range that the
 * family is trained for) and KAD_EUSAGE (no coupling of the family, or one map only). */
KAD_MUST_USE kad_status kad_study_choose(kad_study *study, size_t n,
                                         const char *const *names, const double *values);
/* Draws first .. first + n - 1 of the map: configurations x [n][n_values], their latents z
 * [n][n_values], ln q [n] and ln w [n]; any may be NULL. They are the proposals of the config's
 * first sampler: made in flow.precision, ln q and S of them in double. A draw depends on its
 * number and the config's seed only. With flow.symmetry `mixture` x has a random sign, x =
 * +-G(z), and with flow.average it is a random one of the images that q is averaged over.
 * With flow.translation x is shifted by a random lattice vector, unless z is asked for;
 * ln q and ln w are those before the shift. */
KAD_MUST_USE kad_status kad_study_draw(kad_study *study, uint64_t first, size_t n,
                                       double *x, double *z, double *ln_q, double *ln_w);
/* Generate: x [n][n_values] of z [n][n_values]. log_det [n] = ln |det dy/dz|, of flow
 * variables (NULL: not wanted). Sites that are integrated out are drawn, sample i with the
 * random numbers of draw `first` + i. x and z must not overlap. */
KAD_MUST_USE kad_status kad_study_generate(kad_study *study, uint64_t first, size_t n,
                                           const double *z, double *x, double *log_det);
/* Infer: z [n][n_values] of x [n][n_values], the inverse of generate. x and z must not
 * overlap. KAD_EDATA where x is not finite. */
KAD_MUST_USE kad_status kad_study_infer(kad_study *study, size_t n, const double *x,
                                        double *z);
/* ln_q [n] = ln q, normalised over the flow variables of sites that are not integrated out,
 * symmetrisation included; ln_w [n] = -S - ln q + the model's constant, so that the mean of
 * w over draws estimates Z. Either may be NULL. KAD_EDATA where x is not finite. */
KAD_MUST_USE kad_status kad_study_weigh(kad_study *study, size_t n, const double *x,
                                        double *ln_q, double *ln_w);

/* --- results ------------------------------------------------------------------------------
 * What was measured, read from run.h5 (doc/fileformat.md says what else is in it). */

/* ln Z of the model with its error, by the sampler with weights that the config names
 * first. exact: where it is known, else NaN; may be NULL. Errors: KAD_ENOINPUT (not sampled,
 * or no sampler has weights), KAD_EDATA, KAD_EUSAGE, KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_study_log_z(kad_study *study, double *value, double *error,
                                        double *exact);
/* Mean and error of an observable with a sampler (the entry's name in run.h5: "mis", a second
 * one "mis_2"; names as in `kadanoff list observables`, "magnetisation[1]" where one has
 * several values). error: NaN where the chains do not allow one. tau_int: integrated
 * autocorrelation time in draws, NaN where draws are independent; exact: where it is known,
 * else NaN. Both may be NULL. Errors: KAD_ENOINPUT (no such sampler or observable: the message
 * names those there are), KAD_EDATA, KAD_EUSAGE, KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_study_mean(kad_study *study, const char *sampler,
                                       const char *observable, double *mean,
                                       double *error, double *tau_int, double *exact);

#ifdef __cplusplus
}
#endif
#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
#endif
