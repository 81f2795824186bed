/* Sampling as a stage of a run: every entry of the config's list `sample`, with the
 * trained map of the run. This folder drives samplers (sample/) and observables
 * (measure/), and is the only one that knows both:
 *   entries   what the config asks for, entry by entry
 *   job       one entry from the first draw to its group of run.h5
 *   chains    its draws while they are being made: buffers, current rows, segments
 *   store     the series they end in; configs: stored configurations, read back
 *   weigh     a trained map's weights at configurations it did not make
 *   exact     known values beside the estimates */
#ifndef KAD_RECORD_SAMPLE_H
#define KAD_RECORD_SAMPLE_H

#include "io/progress.h"
#include "io/run_folder.h"
#include "record/entries.h"
#include "train/model.h"

/* What the samplers would refuse, before a map is trained: each is made for a map at its
 * start, and thrown away. Errors: the samplers' own (KAD_ECONFIG, KAD_ENOMEM). */
KAD_MUST_USE kad_status kad_sample_check(kad_ctx *ctx, const kad_sample_options *options,
                                         const kad_model *model);

/* Whether every entry that has results has as many draws as it is to have. */
KAD_MUST_USE kad_status kad_sample_complete(kad_ctx *ctx, kad_h5 *file,
                                            const kad_sample_options *options,
                                            bool *complete);
/* Whether draws can be appended where `now` asks for more of them than `old`, by which the
 * run was made. Errors: KAD_ECONFIG (those of `old` are not all there yet), KAD_EDATA (their
 * end is not kept). */
KAD_MUST_USE kad_status kad_sample_check_growth(kad_ctx *ctx, const kad_run *run,
                                                const kad_sample_options *old,
                                                const kad_sample_options *now);

/* Run every entry (entries.h); series and attributes end in /samplers/NAME of run.h5 (a
 * second entry of one name: NAME_2, ...), known exact values in /exact. Finished entries
 * are skipped or, where more draws are asked for, go on; interrupted ones are continued. Where an entry needs a map its parameters are
 * read from /flow/params of run.h5. progress may be NULL.
 * Errors: KAD_ECONFIG; KAD_ENOINPUT/KAD_EDATA (no or other parameters in run.h5);
 * KAD_EINTERRUPTED; KAD_EINTERNAL (weights not finite); KAD_EIO, KAD_ECREATE, KAD_ENOMEM.
 */
KAD_MUST_USE kad_status kad_sample(kad_ctx *ctx, kad_run *run,
                                   const kad_sample_options *options,
                                   const kad_model *model, kad_progress *progress);

#endif
