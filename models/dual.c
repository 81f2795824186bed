/* O(n) dual: creation, spectrum and constants. Kernels are in dual_kern.c. */
#include "models/dual.h"

#include "base/memory.h"
#include "io/writer.h"
#include "models/couplings.h"
#include "models/delta.h"
#include "models/local.h"
#include "models/single_site.h"

#include <gsl/gsl_eigen.h>
#include <gsl/gsl_errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Reals are NaN where nothing is given. */
typedef struct options {
    double beta, temperature;
    double epsilon;  /* smallest eigenvalue of A */
    double coupling; /* J of uniform couplings */
    double field;
    const char *couplings; /* "uniform" or a file */
    const char *couplings_sha256;
    enum representation { WHITENED, FIELD } representation;
} options;

static const kad_key KEYS[KAD_DUAL_N_KEYS] = {
    {"action.beta", KAD_REAL_OF(options, beta), NULL, 0, 1e3, "", NULL,
     "inverse temperature; with neither beta nor temperature the square lattice's Ising "
     "model is taken at its critical point"},
    {"action.temperature", KAD_REAL_OF(options, temperature), NULL, 1e-3, 1e12, "", NULL,
     "1 / beta"},
    {"action.epsilon", KAD_REAL_OF(options, epsilon), NULL, 1e-6, 1e3, "", NULL,
     "smallest eigenvalue of A = K + alpha; default 0.01 whitened, 0.1 field"},
    {"action.couplings", KAD_PATH_OF(options, couplings), "uniform", 1, 0, "", "uniform",
     "\"uniform\" (nearest neighbours) or a file of couplings: lines \"i j J\", or HDF5 "
     "(*.h5) with a symmetric matrix /couplings"},
    {"action.coupling", KAD_REAL_OF(options, coupling), NULL, -1e3, 1e3, "", NULL,
     "J of uniform couplings (default 1); -1 is the antiferromagnet"},
    {"action.field", KAD_REAL_OF(options, field), "0", -1e3, 1e3, "", NULL,
     "uniform external field h along the first component: energy -h sum_i s_i^1 of "
     "spins, "
     "S - h sum_i phi_i^1 of phi4"},
    {"action.couplings_sha256", KAD_STRING_OF(options, couplings_sha256), NULL, 1, 0, "",
     NULL, "the file's SHA-256; recorded, and another file is refused"},
    {"action.representation", KAD_ENUM_OF(options, representation, WHITENED), "whitened",
     1, 0, "", "whitened|field",
     "flow variables: y = A^-1/2 x with unit Gaussian part, or the field x itself"},
};

/* Of the uniform Ising model in two dimensions, the only one with a default. */
static double critical_temperature(void)
{
    return 2 / log1p(sqrt(2.0));
}

static kad_status read_beta(kad_ctx *ctx, const options *o, kad_dual *dual)
{
    KAD_CALL(kad_action_beta(ctx, o->beta, o->temperature, &dual->beta));
    dual->by_beta = !isnan(o->beta);
    if (!isnan(dual->beta)) return KAD_OK;
    if (dual->action.n_comp == 1 && dual->action.lattice->d == 2 && !dual->J &&
        dual->coupling == 1)
        dual->beta = 1 / critical_temperature();
    else
        return kad_fail(ctx, KAD_ECONFIG,
                        "action.beta: give beta or temperature (only the uniform Ising "
                        "model in two dimensions, J = 1, has a default)");
    return KAD_OK;
}

KAD_LOCAL_OF(gsl_matrix, gsl_matrix_free)
KAD_LOCAL_OF(gsl_vector, gsl_vector_free)
KAD_LOCAL_OF(gsl_eigen_symmv_workspace, gsl_eigen_symmv_free)

/* Eigenvalues and eigenvectors of the file's J. */
static kad_status diagonalise(kad_ctx *ctx, kad_dual *dual)
{
    const size_t N = (size_t)dual->action.lattice->n_sites;
    if (N > 400)
        kad_note(ctx, "diagonalising the couplings of %zu sites (15 s for 1024)", N);
    KAD_LOCAL(gsl_matrix, matrix);
    KAD_LOCAL(gsl_matrix, vectors);
    KAD_LOCAL(gsl_vector, values);
    KAD_LOCAL(gsl_eigen_symmv_workspace, work);
    matrix = gsl_matrix_alloc(N, N);
    vectors = gsl_matrix_alloc(N, N);
    values = gsl_vector_alloc(N);
    work = gsl_eigen_symmv_alloc(N);
    if (!matrix || !vectors || !values || !work)
        return kad_fail(ctx, KAD_ENOMEM, "action.couplings: out of memory");
    KAD_CALL(kad_new(ctx, N * N, sizeof(double), &dual->basis_f64));
    KAD_CALL(kad_new(ctx, N * N, sizeof(float), &dual->basis_f32));
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < N; j++)
            gsl_matrix_set(matrix, i, j, dual->J[i * N + j]);
    const int code = gsl_eigen_symmv(matrix, values, vectors, work);
    if (code != GSL_SUCCESS)
        return kad_fail(ctx, KAD_EINTERNAL, "action.couplings: eigenvalues: %s",
                        gsl_strerror(code));
    for (size_t k = 0; k < N; k++)
        dual->spectrum[k] = gsl_vector_get(values, k);
    for (size_t i = 0; i < N; i++)
        for (size_t k = 0; k < N; k++) {
            dual->basis_f64[i * N + k] = gsl_matrix_get(vectors, i, k);
            dual->basis_f32[i * N + k] = (float)dual->basis_f64[i * N + k];
        }
    return KAD_OK;
}

/* Nearest neighbours: J(k) = J sum_a 2 cos k_a = J (2 d - khat^2), doubled bonds included.
 */
static kad_status uniform_spectrum(kad_ctx *ctx, kad_dual *dual)
{
    const kad_lattice *lattice = dual->action.lattice;
    KAD_LOCAL(kad_lattice, layer);
    for (int k = 0; k < lattice->n_sites; k++)
        dual->spectrum[k] =
            dual->coupling * (2 * lattice->d - kad_lattice_khat2(lattice, k));
    KAD_CALL(kad_hartley_create(ctx, lattice, dual->action.n_comp, &dual->hartley));
    dual->layered = lattice->shape[0] % 2 == 0;
    if (dual->layered && lattice->d > 1) {
        KAD_CALL(kad_lattice_create(ctx, lattice->d - 1, lattice->shape + 1, &layer));
        KAD_CALL(kad_hartley_create(ctx, layer, dual->action.n_comp, &dual->layer));
    }
    return KAD_OK;
}

/* l and the constant, by the modes of the uniform vector: the first one where J is uniform. */
static void refresh_field(kad_dual *dual)
{
    const size_t N = (size_t)dual->action.lattice->n_sites;
    const double b = dual->beta * dual->h;
    const double *to_y = dual->whitened ? dual->inverse_f64 : dual->forward_f64;
    dual->constant = 0;
    if (dual->linear_f64 == NULL) return;
    for (size_t i = 0; i < N; i++)
        dual->linear_f64[i] = dual->J ? 0 : b * to_y[0];
    for (size_t k = 0; k < (dual->J ? N : 1); k++) {
        double one = dual->J ? 0 : sqrt((double)N); /* of the unit vector of mode k */
        for (size_t i = 0; dual->J && i < N; i++)
            one += dual->basis_f64[i * N + k];
        for (size_t i = 0; dual->J && i < N; i++)
            dual->linear_f64[i] += b * to_y[k] * one * dual->basis_f64[i * N + k];
        const double root = dual->whitened ? to_y[k] : sqrt(to_y[k]); /* A_k^-1/2 */
        dual->constant += 0.5 * b * b * one * one * root * root;
    }
    for (size_t i = 0; i < N; i++)
        dual->linear_f32[i] = (float)dual->linear_f64[i];
}

/* Everything that depends on beta, epsilon and h, in place. */
static void refresh(kad_dual *dual)
{
    const int N = dual->action.lattice->n_sites, n = dual->action.n_comp;
    double lowest = dual->spectrum[0], ln_det = 0;
    for (int k = 1; k < N; k++)
        lowest = fmin(lowest, dual->spectrum[k]);
    dual->K = dual->beta * dual->coupling;
    dual->alpha = dual->epsilon - dual->beta * lowest;
    for (int k = 0; k < N; k++) {
        const double A = dual->epsilon + dual->beta * (dual->spectrum[k] - lowest);
        ln_det += log(A);
        dual->forward_f64[k] = dual->whitened ? sqrt(A) : 1 / A;
        dual->inverse_f64[k] = 1 / dual->forward_f64[k];
        dual->forward_f32[k] = (float)dual->forward_f64[k];
        dual->inverse_f32[k] = (float)dual->inverse_f64[k];
    }
    dual->action.log_z_offset = -0.5 * n * N * log(2 * M_PI) - 0.5 * dual->alpha * N;
    if (!dual->whitened) dual->action.log_z_offset -= 0.5 * n * ln_det;
    if (n == 1) dual->action.log_z_offset += N * M_LN2;
    refresh_field(dual);
}

static kad_status allocate_diagonals(kad_ctx *ctx, kad_dual *dual)
{
    const size_t N = (size_t)dual->action.lattice->n_sites;
    KAD_CALL(kad_new(ctx, N, sizeof(double), &dual->forward_f64));
    KAD_CALL(kad_new(ctx, N, sizeof(double), &dual->inverse_f64));
    KAD_CALL(kad_new(ctx, N, sizeof(float), &dual->forward_f32));
    if (dual->h_given != 0) {
        KAD_CALL(kad_new(ctx, N, sizeof(double), &dual->linear_f64));
        KAD_CALL(kad_new(ctx, N, sizeof(float), &dual->linear_f32));
    }
    return kad_new(ctx, N, sizeof(float), &dual->inverse_f32);
}

static kad_status allocate(kad_ctx *ctx, kad_dual *dual)
{
    const size_t N = (size_t)dual->action.lattice->n_sites;
    KAD_CALL(kad_new(ctx, N, sizeof(double), &dual->spectrum));
    KAD_CALL(allocate_diagonals(ctx, dual));
    return kad_new(ctx, 1, sizeof *dual->weight, &dual->weight);
}

static kad_status read_couplings(kad_ctx *ctx, const options *o, kad_dual *dual)
{
    const char *path = o->couplings, *expected = o->couplings_sha256;
    const size_t N = (size_t)dual->action.lattice->n_sites;
    if (!strcmp(path, "uniform") && expected)
        return kad_fail(ctx, KAD_ECONFIG,
                        "action.couplings_sha256: has no effect with action.couplings "
                        "uniform");
    if (!strcmp(path, "uniform")) return KAD_OK;
    KAD_CALL(kad_couplings_check(ctx, (int)N));
    KAD_CALL(kad_new(ctx, N * N, sizeof(double), &dual->J));
    KAD_CALL(kad_couplings_read(ctx, path, (int)N, dual->J, NULL, dual->digest));
    return kad_digest_require(ctx, path, "action.couplings_sha256", expected,
                              dual->digest);
}

static kad_status read_coupling(kad_ctx *ctx, const options *o, kad_dual *dual)
{
    const bool given = !isnan(o->coupling);
    dual->coupling = given ? o->coupling : 1;
    if (given && dual->J)
        return kad_fail(ctx, KAD_ECONFIG,
                        "action.coupling: is for uniform couplings, action.couplings "
                        "names a file");
    return KAD_OK;
}

static void dual_destroy(kad_action *action)
{
    kad_dual *dual = action->self;
    kad_free(dual->forward_f64);
    kad_free(dual->forward_f32);
    kad_free(dual->inverse_f64);
    kad_free(dual->inverse_f32);
    kad_free(dual->linear_f64);
    kad_free(dual->linear_f32);
    if (!dual->shares) {
        kad_hartley_destroy(dual->hartley);
        kad_hartley_destroy(dual->layer);
        kad_free(dual->J);
        kad_free(dual->spectrum);
        kad_free(dual->basis_f64);
        kad_free(dual->basis_f32);
        kad_free(dual->weight);
    }
    kad_free(dual);
}

static void scratch_sizes(kad_dual *dual)
{
    kad_action *action = &dual->action;
    const size_t rows = (size_t)action->lattice->n_sites * (size_t)action->n_comp;
    for (int prec = 0; prec < 2; prec++) {
        const size_t work = dual->hartley
                                ? kad_hartley_scratch_bytes(dual->hartley, (kad_prec)prec)
                                : rows * KAD_ROW_BYTES;
        action->scratch_bytes[prec] = rows * KAD_ROW_BYTES + work;
    }
}

static kad_status dual_create(kad_ctx *ctx, const kad_action_options *given,
                              const kad_lattice *lattice, bool decimate, kad_action **out)
{
    KAD_LOCAL(kad_action, made);
    kad_dual *dual;
    options o;
    *out = NULL;
    if (decimate) return kad_fail(ctx, KAD_ECONFIG, "on-dual: has no exact decimation");
    KAD_CALL(kad_new(ctx, 1, sizeof *dual, &dual));
    kad_action *action = &dual->action;
    made = action;
    action->self = dual;
    action->ops = &kad_action_dual;
    action->lattice = lattice;
    action->n_comp = given->n_comp;
    action->n_active = lattice->n_sites;
    kad_keys_copy(KEYS, KAD_DUAL_N_KEYS, given->own, sizeof o, &o);
    dual->whitened = o.representation == WHITENED;
    dual->epsilon = !isnan(o.epsilon) ? o.epsilon : dual->whitened ? 0.01 : 0.1;
    KAD_CALL(read_couplings(ctx, &o, dual));
    KAD_CALL(read_coupling(ctx, &o, dual));
    KAD_CALL(read_beta(ctx, &o, dual));
    dual->h = dual->h_given = o.field;
    action->flags = o.field != 0 ? KAD_ACTION_AXIS : KAD_ACTION_SYMMETRIC;
    if (!dual->J) action->flags |= KAD_ACTION_TRANSLATION;
    KAD_CALL(allocate(ctx, dual));
    if (dual->J)
        KAD_CALL(diagonalise(ctx, dual));
    else
        KAD_CALL(uniform_spectrum(ctx, dual));
    scratch_sizes(dual);
    kad_spin_table(dual->weight, action->n_comp);
    refresh(dual);
    dual->beta_configured = dual->beta;
    KAD_CALL(kad_dual_exact(ctx, dual, true, &dual->log_z_configured));
    kad_exact_show(&dual->log_z_configured, action);
    *out = action;
    made = NULL;
    return KAD_OK;
}

static kad_status dual_copy(kad_ctx *ctx, const kad_action *action, kad_action **out)
{
    KAD_LOCAL(kad_action, made);
    kad_dual *copy;
    KAD_CALL(kad_new(ctx, 1, sizeof *copy, &copy));
    *copy = *(const kad_dual *)action->self;
    copy->action.self = copy;
    copy->shares = true;
    copy->forward_f64 = copy->inverse_f64 = NULL;
    copy->forward_f32 = copy->inverse_f32 = NULL;
    copy->linear_f64 = NULL;
    copy->linear_f32 = NULL;
    made = &copy->action;
    KAD_CALL(allocate_diagonals(ctx, copy));
    refresh(copy);
    *out = made;
    made = NULL;
    return KAD_OK;
}

static void dual_resolve(const kad_action *action, void *own)
{
    const kad_dual *dual = action->self;
    options *o = own;
    if (isnan(o->beta) && isnan(o->temperature)) o->temperature = critical_temperature();
    o->epsilon = dual->epsilon;
    if (dual->J)
        o->couplings_sha256 = dual->digest;
    else
        o->coupling = dual->coupling;
}

/* A file that action.couplings can name. */
static kad_status dual_store(kad_ctx *ctx, const kad_action *action, kad_h5 *file)
{
    const kad_dual *dual = action->self;
    const size_t n = (size_t)action->lattice->n_sites, dims[2] = {n, n};
    if (!dual->J) return KAD_OK;
    kad_writer w = kad_write_into(ctx, file, "/");
    kad_write(&w, "couplings", KAD_H5_F64, "site site", "1",
              "couplings J of pairs of sites", dims, dual->J);
    kad_write_text(&w, "couplings@sha256", dual->digest);
    return kad_write_end(&w);
}

static kad_status dual_set(kad_ctx *ctx, kad_action *action, const char *key,
                           double value)
{
    kad_dual *dual = action->self;
    if (!strcmp(key, "epsilon")) {
        if (!(value >= 1e-6))
            return kad_fail(ctx, KAD_ECONFIG,
                            "action.epsilon: expected at least 1e-6, got %g", value);
        dual->epsilon = value;
        refresh(dual);
        return KAD_OK;
    }
    const bool field = !strcmp(key, "field");
    if (!field && strcmp(key, "temperature") && strcmp(key, "beta"))
        return kad_fail(ctx, KAD_ECONFIG, "action.%s: cannot be changed", key);
    const double beta = field                        ? dual->beta
                        : strcmp(key, "temperature") ? value
                                                     : 1 / value;
    if (!(beta >= 0 && beta <= 1e3))
        return kad_fail(ctx, KAD_ECONFIG,
                        "action.%s: expected beta from 0 to 1000, got %g", key, value);
    if (field)
        KAD_CALL(kad_action_set_breaking(ctx, key, dual->h_given, 1e3, value, &dual->h));
    dual->beta = beta;
    refresh(dual);
    kad_exact_log_z known = dual->log_z_configured;
    if (beta != dual->beta_configured || dual->h != dual->h_given)
        KAD_CALL(kad_dual_exact(ctx, dual, false, &known));
    kad_exact_show(&known, action);
    return KAD_OK;
}

static kad_status dual_state(kad_ctx *ctx, kad_action *action)
{
    kad_exact_log_z known;
    KAD_CALL(kad_dual_exact(ctx, action->self, true, &known));
    kad_exact_show(&known, action);
    return KAD_OK;
}

/* Of J: order sets in at beta = n over it in mean-field theory. */
static double largest(const kad_dual *dual)
{
    double top = dual->spectrum[0];
    for (int k = 1; k < dual->action.lattice->n_sites; k++)
        top = fmax(top, dual->spectrum[k]);
    return top;
}

static double dual_get(const kad_action *action, const char *key)
{
    const kad_dual *dual = action->self;
    if (!strcmp(key, "beta")) return dual->beta;
    if (!strcmp(key, "temperature")) return 1 / dual->beta;
    if (!strcmp(key, "epsilon")) return dual->epsilon;
    if (!strcmp(key, "coupling")) return dual->coupling;
    if (!strcmp(key, "field")) return dual->h;
    if (!strcmp(key, "mean_field")) return dual->beta * largest(dual) / action->n_comp;
    return (double)NAN;
}

static void dual_title(const kad_action *action, size_t size, char *text)
{
    static const char *const names[] = {"Ising", "XY", "Heisenberg"};
    const kad_dual *dual = action->self;
    const char *what = dual->J != NULL      ? ", couplings "
                       : dual->coupling < 0 ? " antiferromagnet"
                                            : "";
    snprintf(text, size, "%s%s%.8s", names[action->n_comp - 1], what, dual->digest);
}

static const char *const *dual_couplings(const kad_action *action)
{
    static const char *const lists[2][2][5] = {
        {{"coupling", "temperature", "beta", NULL}, {"coupling", "beta", NULL}},
        {{"coupling", "temperature", "beta", "field", NULL},
         {"coupling", "beta", "field", NULL}}};
    const kad_dual *dual = action->self;
    const char *const *all = lists[dual->h_given != 0][dual->by_beta];
    return dual->coupling == 1 ? all + 1 : all;
}

/* Of the spins: beta E. In a field, whose energy is another function of the spins at another h,
 * none. */
static void dual_statistics(const kad_action *action, kad_action_statistics *out)
{
    const kad_dual *dual = action->self;
    *out = (kad_action_statistics){
        .n = 1, .name = {"drawn_energy"}, .c = {dual->beta * action->lattice->n_sites}};
    if (dual->h_given != 0) out->n = 0;
}

const kad_action_ops kad_action_dual = {
    .name = "on-dual",
    .summary = "continuous dual of O(n) spins: Ising (n = 1), XY (2), Heisenberg (3)",
    .reference = "arXiv:1802.02840",
    .keys = KEYS,
    .n_keys = KAD_DUAL_N_KEYS,
    .options_size = sizeof(options),
    .create = dual_create,
    .set = dual_set,
    .state = dual_state,
    .get = dual_get,
    .copy = dual_copy,
    .title = dual_title,
    .couplings = dual_couplings,
    .destroy = dual_destroy,
    .resolve = dual_resolve,
    .store = dual_store,
    .statistics = dual_statistics,
    .bond = kad_dual_bond,
    .spins = &kad_dual_spins,
    .exact = kad_dual_exact_means,
    .kern = {&kad_dual_kern_f32, &kad_dual_kern_f64},
    .local = &kad_dual_local,
    .delta = &kad_dual_delta,
};
