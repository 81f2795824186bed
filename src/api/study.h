/* This folder holds the library's functions (kadanoff.h): a study drives the main job as
 * the program does (src/run), and evaluates the trained map. Nothing else includes this. */
#ifndef KAD_API_STUDY_H
#define KAD_API_STUDY_H

#include "base/memory.h"
#include "run/pipeline.h"

#include <stdatomic.h>

struct kad_study {
    kad_app app;      /* folder, overrides, who listens; the context */
    kad_scope words;  /* text, names and overrides of the config */
    const char *text; /* of the config */
    const char *name; /* of it, for messages */
    kad_pipeline job; /* prepared: config and model */
    kad_map *map;     /* NULL: not read yet */
    bool has_own; /* of a family: the config's own couplings, since another was chosen */
    kad_family_point own;
    atomic_bool stop; /* asked for */
    bool busy;        /* a call is in progress */
    kad_progress_call *progress;
    void *progress_self;
};

/* Every public function that can fail does its work in here: one call at a time in the
 * process, on a processor that has what the kernels need, with messages and numbers in the
 * C locale and without GSL's error handler, which would abort. */
typedef kad_status kad_study_work(kad_study *study, void *arguments);
KAD_MUST_USE kad_status kad_study_call(kad_study *study, kad_study_work *work,
                                       void *arguments);

/* KAD_EUSAGE when the study has no config. */
KAD_MUST_USE kad_status kad_study_require(kad_study *study);
/* The results of the study's run folder, to be closed by the caller. KAD_ENOINPUT. */
KAD_MUST_USE kad_status kad_study_results(kad_study *study, kad_h5 **file);

#endif
