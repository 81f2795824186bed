/* Comparison of two configurations in what a training depends on. */
#include "train/trainer_state.h"

kad_status kad_trainer_compare(kad_ctx *ctx, const char *where, const char *then,
                               const kad_settings *now)
{
    kad_difference d;
    KAD_CALL(kad_settings_compare(ctx, then, where, now,
                                  "title sample bulk data.draws train.checkpoint_seconds",
                                  &d));
    if (d.key[0] == '\0') return KAD_OK;
    return kad_fail(ctx, KAD_ECONFIG,
                    "%s: trained with %s %s, but the configuration says %s (use another "
                    "run folder)",
                    where, d.key, d.old, d.now);
}
