#include "analysis/report/report.h"
#include "analysis/results.h"

/* The figures of a sweep's page, as they stand on it. */
#define FIGURES(X)    \
    X(fss_results)    \
    X(fss_crossings)  \
    X(fss_binder)     \
    X(fss_xi)         \
    X(fss_chi)        \
    X(fss_abs_m)      \
    X(fss_jump)       \
    X(fss_collapse)   \
    X(fss_residual)   \
    X(fss_scans)      \
    X(sweep_energy)   \
    X(sweep_heat)     \
    X(sweep_m)        \
    X(sweep_chi)      \
    X(sweep_helicity) \
    X(sweep_ln_z)     \
    X(sweep_anchor)   \
    X(sweep_overlap)  \
    X(sweep_ess)      \
    X(sweep_cost)     \
    X(sweep_tau)      \
    X(sweep_seeds)    \
    X(sweep_points)

#define DECLARE(name) extern const kad_figure kad_figure_##name;
#define ADDRESS(name) &kad_figure_##name,
FIGURES(DECLARE)
static const kad_figure *const figures[] = {FIGURES(ADDRESS) NULL};

kad_status kad_sweep_html(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    KAD_SCOPE(scope, ctx);
    const char *title = kad_attr_string(&scope, file, "/", "title");
    const char *model = kad_attr_string(&scope, file, "/", "model");
    return kad_page_html(ctx, file, figures, title, model, out);
}
