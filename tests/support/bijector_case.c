#include "tests/support/bijector_case.h"
#include "tests/support/claim.h"

static const struct {
    int d, shape[KAD_MAX_DIM];
} shapes[N_LATTICES] = {
    {1, {8, 1, 1}}, {1, {7, 1, 1}}, {2, {2, 3, 1}}, {2, {4, 4, 1}}, {2, {6, 4, 1}},
    {2, {5, 3, 1}}, {2, {6, 6, 1}}, {3, {2, 2, 4}}, {3, {3, 2, 2}},
};

double *normals(size_t n, uint32_t which)
{
    const kad_rng rng = kad_rng_stream(20260101, KAD_RNG_TEST, which);
    double *x = kad_alloc(n + 1, sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < n; i += 2)
        kad_rng_normal2(rng, 0, i, 0, x + i);
    return x;
}

void instance_pack(instance *t, double step, const double *direction)
{
    double *theta = kad_alloc(t->stage.n_theta, sizeof *theta);
    assert_non_null(theta);
    for (size_t i = 0; i < t->stage.n_theta; i++)
        theta[i] = t->theta[i] + (direction ? step * direction[i] : 0.0);
    for (int p = 0; p < 2; p++)
        t->stage.ops->kern[p]->pack(&t->stage, theta, t->packed[p]);
    kad_free(theta);
}

bool instance_open(instance *t, const kad_bijector_ops *ops, int i_lattice, int variant)
{
    memset(t, 0, sizeof *t);
    kad_ctx_init(&t->ctx, 1);
    const int *shape = shapes[i_lattice].shape;
    assert_int_equal(kad_lattice_create(&t->ctx, shapes[i_lattice].d, shape, &t->lattice),
                     KAD_OK);
    const kad_status status = ops->example(&t->ctx, t->lattice, variant, &t->stage);
    if (status == KAD_EUSAGE) {
        kad_lattice_destroy(t->lattice);
        return false;
    }
    snprintf(t->label, sizeof t->label, "%s variant %d on %dx%dx%d", ops->name, variant,
             shape[0], shape[1], shape[2]);
    if (status != KAD_OK) fail_msg("%s: %s", t->label, t->ctx.message);
    const size_t n = t->stage.n_theta;
    t->theta = kad_alloc(n, sizeof *t->theta);
    assert_non_null(t->theta);
    if (n > 0) ops->init(&t->stage, kad_rng_stream(1, KAD_RNG_INIT, 0), 0, t->theta);
    double *noise = normals(n, (uint32_t)(1000 + variant));
    for (size_t i = 0; i < n; i++)
        t->theta[i] += 0.3 * noise[i];
    kad_free(noise);
    for (int p = 0; p < 2; p++) {
        t->packed[p] = kad_alloc(t->stage.packed_bytes[p], 1);
        t->scratch[p] = kad_alloc(t->stage.scratch_bytes[p], 1);
        assert_non_null(t->packed[p]);
        assert_non_null(t->scratch[p]);
    }
    instance_pack(t, 0.0, NULL);
    return true;
}

void instance_close(instance *t)
{
    for (int p = 0; p < 2; p++) {
        kad_free(t->packed[p]);
        kad_free(t->scratch[p]);
    }
    kad_free(t->theta);
    kad_stage_clear(&t->stage);
    kad_lattice_destroy(t->lattice);
}

size_t tile_size(const instance *t, kad_prec prec)
{
    return (size_t)t->stage.n_rows * (size_t)kad_lanes(prec);
}

/* Copy of x in the precision, and back. */
static void *narrow(kad_prec prec, size_t n, const double *x)
{
    if (!x) return NULL;
    void *copy = kad_alloc(n + 16, sizeof(double));
    assert_non_null(copy);
    for (size_t i = 0; i < n; i++)
        if (prec == KAD_SINGLE)
            ((float *)copy)[i] = (float)x[i];
        else
            ((double *)copy)[i] = x[i];
    return copy;
}

static void widen(kad_prec prec, size_t n, void *copy, double *x)
{
    for (size_t i = 0; x && i < n; i++)
        x[i] = prec == KAD_SINGLE ? (double)((float *)copy)[i] : ((double *)copy)[i];
    kad_free(copy);
}

void apply(const instance *t, operation op, kad_prec prec, double *x, double *g,
           double gl, double *dtheta, double *ld)
{
    const kad_stage *stage = &t->stage;
    const kad_bijector_kern *kern = stage->ops->kern[prec];
    const size_t n = tile_size(t, prec);
    void *tx = narrow(prec, n, x), *tg = narrow(prec, n, g);
    void *td = narrow(prec, stage->n_theta, dtheta);
    const void *packed = t->packed[prec];
    double unused[KAD_W_MAX] = {0};
    void *scratch = t->scratch[prec];
    switch (op) {
    case GENERATE:
        kern->generate(stage, packed, tx, ld ? ld : unused, scratch);
        break;
    case INFER:
        kern->infer(stage, packed, tx, ld ? ld : unused, scratch);
        break;
    case GENERATE_ADJOINT:
        kern->generate_adjoint(stage, packed, tx, tg, gl, td, ld, scratch);
        break;
    case INFER_ADJOINT:
        kern->infer_adjoint(stage, packed, tx, tg, gl, td, ld, scratch);
        break;
    }
    widen(prec, n, tx, x);
    widen(prec, n, tg, g);
    widen(prec, stage->n_theta, td, dtheta);
}

double max_abs_difference(size_t n, const double *a, const double *b)
{
    double worst = 0.0;
    for (size_t i = 0; i < n; i++) {
        const double e = fabs(a[i] - b[i]);
        if (!(e <= worst)) worst = e;
    }
    return worst;
}

double max_abs(size_t n, const double *a)
{
    double worst = 0.0;
    for (size_t i = 0; i < n; i++)
        if (!(fabs(a[i]) <= worst)) worst = fabs(a[i]);
    return worst;
}
