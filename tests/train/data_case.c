#include "tests/train/data_case.h"

#include "base/memory.h"
#include "base/rng.h"
#include "io/h5.h"
#include "tests/support/claim.h"
#include "tests/support/train_case.h"

enum { L = DATA_CASE_L, N = DATA_CASE_N };
static const double PI = 3.14159265358979323846;

/* khat^2 + m^2, m = 1. */
static double eigenvalue(int k)
{
    const double a = sin(PI * (k % L) / L), b = sin(PI * (k / L) / L);
    return 1 + 4 * (a * a + b * b);
}

double data_case_entropy(void)
{
    double h = 0.5 * (log(2 * PI) + 1);
    for (int k = 0; k < N; k++)
        h -= 0.5 * log(eigenvalue(k)) / N;
    return h;
}

void data_case_draw(uint64_t number, double *x)
{
    const kad_rng rng = kad_rng_stream(5, KAD_RNG_TEST, 3);
    memset(x, 0, N * sizeof *x);
    for (int k = 0; k < N; k++) {
        double n[2];
        kad_rng_normal2(rng, number, (uint64_t)k, 0, n);
        for (int s = 0; s < N; s++) {
            const double phase = 2 * PI * ((k % L) * (s % L) + (k / L) * (s / L)) / L;
            x[s] += (cos(phase) + sin(phase)) * n[0] / sqrt(N * eigenvalue(k));
        }
    }
}

void data_case_write(data_case *f, const char *dataset, size_t n, int rank,
                     const size_t *dims, const double *x)
{
    kad_h5 *file = NULL;
    size_t left = n;
    for (int i = 0; i < rank; i++)
        left /= dims[i];
    assert_int_equal(left, 1);
    assert_int_equal(kad_h5_create(&f->ctx, &file), KAD_OK);
    assert_int_equal(kad_h5_write(&f->ctx, file, dataset, KAD_H5_F64, rank, dims, x),
                     KAD_OK);
    assert_int_equal(kad_h5_save(&f->ctx, file, f->file, false), KAD_OK);
    kad_h5_close(file);
}

void data_case_open(data_case *f, size_t n)
{
    const size_t dims[3] = {n, L, L};
    kad_ctx_init(&f->ctx, 2);
    scratch_make(&f->folder);
    snprintf(f->file, sizeof f->file, "%s", scratch_file(&f->folder, "data.h5"));
    snprintf(f->source, sizeof f->source, "data.source=%s", f->file);
    double *x = kad_alloc(n, N * sizeof *x);
    for (size_t i = 0; i < n; i++)
        data_case_draw(i, x + i * N);
    data_case_write(f, "/configs", n * N, 3, dims, x);
    kad_free(x);
}

void data_case_round(data_case *f, size_t n, double step)
{
    const size_t dims[3] = {n, L, L};
    double *x = kad_alloc(n, N * sizeof *x);
    for (size_t i = 0; i < n; i++)
        data_case_draw(i, x + i * N);
    for (size_t i = 0; i < n * N; i++)
        x[i] = step * nearbyint(x[i] / step);
    data_case_write(f, "/configs", n * N, 3, dims, x);
    kad_free(x);
}

kad_config *data_case_config(data_case *f, const char *const *more)
{
    const char *base[] = {"lattice.shape=[4, 4]", f->source, NULL};
    return train_case_config(&f->ctx, base, more);
}

void data_case_refuses(data_case *f, const char *const *more, kad_status want,
                       const char *what)
{
    train_case_result result;
    kad_config *config = data_case_config(f, more);
    const kad_status status = train_case_try(&f->ctx, NULL, config, &result);
    if (status != want || strstr(f->ctx.message, what) == NULL ||
        strchr(f->ctx.message, '\n') != NULL)
        fail_msg("status %d, message \"%s\"", (int)status, f->ctx.message);
    kad_config_destroy(config);
}
