/* What `kadanoff sweep plan` prints. */
#ifndef KAD_CLI_SWEEP_PLAN_H
#define KAD_CLI_SWEEP_PLAN_H

#include "sweep/sweep.h"

/* The points of a checked sweep with what they cost, unless app->no_timing, as a table or, with
 * app->json, as JSON. Errors: kad_sweep_estimate's. */
KAD_MUST_USE kad_status kad_print_plan(kad_app *app, const kad_sweep *sweep);

#endif
