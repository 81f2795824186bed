/* The stages of a study: those of the program. */
#include "analysis/analyse.h"
#include "api/study.h"

static void on_update(void *self, const char *part, int64_t step, int64_t total)
{
    kad_study *study = self;
    if (study->progress(study->progress_self, part, step, total) != 0)
        kad_study_stop(study);
}

void kad_study_on_progress(kad_study *study, kad_progress_call *call, void *self)
{
    study->progress = call;
    study->progress_self = self;
    study->app.watch = call != NULL ? on_update : NULL;
    study->app.watch_self = study;
}

/* What is in the folder may change: the map is read again. */
static kad_status do_stages(kad_study *study, void *arguments)
{
    const unsigned *stages = arguments;
    KAD_CALL(kad_study_require(study));
    kad_map_destroy(study->map);
    study->map = NULL;
    return kad_pipeline_text(&study->app, study->text, study->name, *stages);
}

static kad_status sample(kad_study *study, void *arguments)
{
    kad_ctx *ctx = &study->app.ctx;
    KAD_LOCAL(kad_run, run);
    KAD_CALL(do_stages(study, arguments));
    KAD_CALL(kad_run_open(ctx, study->app.out, KAD_RUN_UPDATE, &run));
    return kad_analyse(ctx, run);
}

kad_status kad_study_train(kad_study *study)
{
    unsigned stages = KAD_STAGE_TRAIN;
    return kad_study_call(study, do_stages, &stages);
}

kad_status kad_study_sample(kad_study *study)
{
    unsigned stages = KAD_STAGE_SAMPLE;
    return kad_study_call(study, sample, &stages);
}

kad_status kad_study_run(kad_study *study)
{
    unsigned stages = KAD_STAGE_ALL;
    return kad_study_call(study, do_stages, &stages);
}
