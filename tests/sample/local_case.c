#include "tests/sample/local_case.h"

#include "base/memory.h"
#include "models/spins.h"
#include "record/sample.h"
#include "run/schema.h"
#include "tests/support/claim.h"

static const kad_key keys[] = {
    {"action.name", KAD_STRING, KAD_NO_MEMBER, NULL, 1, 0, "", NULL, "model"},
    {"lattice.shape", KAD_INTS, KAD_NO_MEMBER, NULL, 2, 1048576, "sites", NULL, "shape"},
    {"sample[].name", KAD_STRING, KAD_NO_MEMBER, NULL, 1, 0, "", NULL, "sampler"},
};

void local_case_make(local_case *s, int d, int extent, const char *yaml, bool decimate)
{
    const int shape[3] = {extent, extent, extent};
    memset(s, 0, sizeof *s);
    kad_ctx_init(&s->ctx, 2);
    kad_schema_add(&s->schema, keys, sizeof keys / sizeof *keys);
    kad_action_schema(&s->schema);
    kad_schema_add(&s->schema, kad_sample_keys, kad_sample_n_keys);
    kad_schema_add(&s->schema, kad_local_keys, KAD_LOCAL_N_KEYS);
    assert_ok(
        s, kad_config_parse(&s->ctx, &s->schema, yaml, "test.yaml", 0, NULL, &s->config));
    assert_ok(s, kad_run_options_read(&s->ctx, s->config, &s->options));
    assert_ok(s, kad_lattice_create(&s->ctx, d, shape, &s->lattice));
    assert_ok(s, kad_action_options_read(&s->ctx, s->config, &s->action_options));
    assert_ok(s, kad_action_create(&s->ctx, &s->action_options, s->lattice, decimate,
                                   &s->action));
    s->n_rows = (size_t)s->lattice->n_sites * (size_t)s->action->n_comp;
}

static void scene_forget(local_case *s)
{
    kad_free(s->x);
    kad_free(s->S);
    kad_free(s->number);
    kad_free(s->accepted);
    s->x = s->S = NULL;
    s->number = NULL;
    s->accepted = NULL;
}

void local_case_clear(local_case *s)
{
    scene_forget(s);
    kad_action_destroy(s->action);
    kad_lattice_destroy(s->lattice);
    kad_run_options_clear(&s->options);
    kad_action_options_clear(&s->action_options);
    kad_config_destroy(s->config);
}

kad_sampler_setup local_case_setup(const local_case *s, int chains, int burn_in,
                                   int draws)
{
    return (kad_sampler_setup){
        .own = kad_sampler_own(kad_sampler_find("cluster"), s->options.entries[0].own),
        .start = s->options.entries[0].start,
        .action = s->action,
        .seed = 20,
        .n_chains = chains,
        .n_draws = draws,
        .n_burn_in = burn_in,
        .n_tune = burn_in,
        .n_batch_max = (size_t)(draws > burn_in ? draws : burn_in)};
}

void local_case_prepare(local_case *s, int chains, int draws)
{
    const size_t n = (size_t)chains * (size_t)draws;
    scene_forget(s);
    s->n_chains = chains;
    s->n_draws = draws;
    s->x = kad_alloc(n * s->n_rows, sizeof *s->x);
    s->S = kad_alloc(n, sizeof *s->S);
    s->number = kad_alloc(n, sizeof *s->number);
    s->accepted = kad_alloc(n, 1);
}

void local_case_advance(local_case *s, void *self, int n)
{
    kad_draws out = {.n = (size_t)n,
                     .number = s->number,
                     .x = s->x,
                     .action = s->S,
                     .accepted = s->accepted};
    assert_ok(s, kad_shell_advance(&s->ctx, self, &out));
}

void local_case_run(local_case *s, bool clusters, int chains, int burn_in, int draws)
{
    void *self;
    const kad_sampler_setup setup = local_case_setup(s, chains, burn_in, draws);
    assert_ok(s, kad_local_chains_create(&s->ctx, &setup, clusters, &self));
    local_case_prepare(s, chains, burn_in > draws ? burn_in : draws);
    s->n_draws = draws;
    if (burn_in > 0) local_case_advance(s, self, burn_in);
    local_case_advance(s, self, draws);
    const kad_local_chains *c = self;
    s->width = c->width;
    if (c->local->tuned && burn_in > 0) {
        const double p = c->n_accepted / c->n_tried;
        print_message("# width %.4f, acceptance %.4f\n", c->width, p);
        assert_true(fabs(p - KAD_LOCAL_ACCEPTANCE) < 0.05);
    }
    kad_local_chains_destroy(self);
}

/* --- observables --------------------------------------------------------------------- */

/* f: field, self: what <f_i.f_i> lacks summed over sites. Energy of all bonds a site
 * (negative), mean squared magnetisation, nearest neighbours along the last axis. */
static void pair_values(const local_case *s, const double *f, double self, double out[3])
{
    const int N = s->lattice->n_sites, n = s->action->n_comp, d = s->lattice->d;
    double m[3] = {0};
    out[0] = out[2] = 0;
    for (int i = 0; i < N; i++)
        for (int a = 0; a < n; a++) {
            const double fi = f[i * n + a];
            m[a] += fi;
            for (int mu = 0; mu < d; mu++) {
                const double fj = f[s->lattice->nbr[2 * (i * d + mu)] * n + a];
                out[0] -= fi * fj / N;
                if (mu == d - 1) out[2] += fi * fj / N;
            }
        }
    out[1] = (m[0] * m[0] + m[1] * m[1] + m[2] * m[2] + self) / ((double)N * N);
}

void local_case_spins(const local_case *s, const double *x, double *out)
{
    double m[3 * 64];
    const double self =
        kad_spins_mean(s->action->n_comp, (size_t)s->lattice->n_sites, x, m);
    pair_values(s, m, self, out);
}

void local_case_field(const local_case *s, const double *x, double *out)
{
    const int N = s->lattice->n_sites, n = s->action->n_comp;
    double pairs[3];
    out[0] = out[1] = 0;
    for (int i = 0; i < N; i++) {
        double r2 = 0;
        for (int a = 0; a < n; a++)
            r2 += x[i * n + a] * x[i * n + a];
        out[0] += r2 / N;
        out[1] += r2 * r2 / N;
    }
    pair_values(s, x, 0, pairs);
    out[2] = N * pairs[1];
    out[3] = pairs[2];
}

void local_case_compare(const local_case *s, const char *what, local_case_observe values,
                        const double exact[LOCAL_CASE_VALUES], double relative)
{
    double sum[LOCAL_CASE_VALUES] = {0}, squares[LOCAL_CASE_VALUES] = {0};
    for (int chain = 0; chain < s->n_chains; chain++) {
        double mean[LOCAL_CASE_VALUES] = {0}, one[LOCAL_CASE_VALUES] = {0};
        for (int i = 0; i < s->n_draws; i++) {
            const size_t at = (size_t)(chain * s->n_draws + i);
            values(s, s->x + at * s->n_rows, one);
            for (int k = 0; k < LOCAL_CASE_VALUES; k++)
                mean[k] += one[k] / s->n_draws;
        }
        for (int k = 0; k < LOCAL_CASE_VALUES; k++) {
            sum[k] += mean[k];
            squares[k] += mean[k] * mean[k];
        }
    }
    for (int k = 0; k < LOCAL_CASE_VALUES; k++) {
        const double mean = sum[k] / s->n_chains;
        const double var = squares[k] / s->n_chains - mean * mean;
        const double err = sqrt(var / (s->n_chains - 1));
        if (isnan(exact[k])) continue;
        print_message("# %s[%d] %.6f +- %.6f, exact %.6f (%+.2f)\n", what, k, mean, err,
                      exact[k], (mean - exact[k]) / err);
        assert_true(fabs(mean - exact[k]) < 5 * err);
        assert_true(err < relative * fabs(exact[k]));
    }
}
