#include "train/params.h"

#include "base/memory.h"
#include "io/digest.h"
#include "io/writer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { PATH_MAX_LENGTH = 3 * KAD_NAME_MAX };

static void tensor_path(const kad_stage *stage, const kad_tensor *tensor, char *path)
{
    char name[2 * KAD_NAME_MAX + 16];
    kad_flow_tensor_name(stage, tensor, name, sizeof name);
    snprintf(path, PATH_MAX_LENGTH, "/flow/params/%s", name);
}

/* [rows] or [rows][cols]; of a family, with its coefficients before. */
static int tensor_dims(const kad_tensor *tensor, const kad_family *family, size_t dims[3])
{
    int rank = 0;
    if (kad_family_is(family)) dims[rank++] = (size_t)kad_family_terms(family);
    dims[rank++] = (size_t)tensor->rows;
    if (tensor->cols > 1) dims[rank++] = (size_t)tensor->cols;
    return rank;
}

/* Values of a tensor between where they are kept, [order][n_theta], and where they lie
 * together, [order][n]. */
static void gather(const kad_flow *flow, size_t first, size_t n, int order,
                   const double *theta, double *together)
{
    for (size_t k = 0; k < (size_t)order; k++)
        memcpy(together + k * n, theta + k * flow->n_theta + first, n * sizeof *theta);
}

static void scatter(const kad_flow *flow, size_t first, size_t n, int order,
                    const double *together, double *theta)
{
    for (size_t k = 0; k < (size_t)order; k++)
        memcpy(theta + k * flow->n_theta + first, together + k * n, n * sizeof *theta);
}

static size_t largest_tensor(const kad_flow *flow)
{
    size_t most = 0;
    for (int i = 0; i < flow->n_stages; i++)
        for (int k = 0; k < flow->stages[i].n_tensors; k++) {
            const kad_tensor *t = &flow->stages[i].tensors[k];
            const size_t n = (size_t)t->rows * (size_t)t->cols;
            most = n > most ? n : most;
        }
    return most;
}

static void write_header(kad_writer *w, const kad_flow *flow, kad_prec prec,
                         const kad_family *family, const double *theta)
{
    int64_t shape[KAD_MAX_DIM];
    char digest[KAD_DIGEST_CHARS];
    const size_t d = (size_t)flow->lattice->d;
    for (size_t i = 0; i < d; i++)
        shape[i] = flow->lattice->shape[i];
    const size_t n = (size_t)kad_family_terms(family) * flow->n_theta;
    kad_digest(theta, n * sizeof *theta, digest);
    kad_write(w, "lattice_shape", KAD_H5_I64, "axis", "sites", "extents of the lattice",
              &d, shape);
    kad_write_text(w, "hierarchy", flow->hierarchy);
    kad_write_int(w, "levels", flow->n_levels);
    kad_write_int(w, "stages", flow->n_stages);
    kad_write_text(w, "dtype", prec == KAD_SINGLE ? "float32" : "float64");
    kad_write_int(w, "n_parameters", (int64_t)n);
    kad_family_write(w, family);
    kad_write_text(w, "sha256", digest);
}

/* Names that repeat, or parameters of another map, show in the sum of the sizes. */
static kad_status require_count(kad_ctx *ctx, kad_h5 *file, size_t n_parameters,
                                kad_status code)
{
    size_t n = 0;
    const kad_status status = kad_h5_count(ctx, file, "/flow/params", &n);
    if (status != KAD_OK || n == n_parameters) return status;
    return kad_fail(ctx, code, "/flow/params: %zu values, but the map has %zu parameters",
                    n, n_parameters);
}

static kad_status write_tensor(kad_ctx *ctx, kad_h5 *file, const kad_flow *flow,
                               const kad_stage *stage, const kad_tensor *tensor,
                               const kad_family *family, const double *theta,
                               double *work)
{
    char path[PATH_MAX_LENGTH];
    size_t dims[3];
    const int rank = tensor_dims(tensor, family, dims);
    gather(flow, stage->theta + tensor->offset,
           (size_t)tensor->rows * (size_t)tensor->cols, kad_family_terms(family), theta,
           work);
    tensor_path(stage, tensor, path);
    return kad_h5_write(ctx, file, path, KAD_H5_F64, rank, dims, work);
}

kad_status kad_params_write(kad_ctx *ctx, kad_h5 *file, const kad_flow *flow,
                            kad_prec prec, const kad_family *family, const double *theta)
{
    KAD_SCOPE(scope, ctx);
    double *work;
    const size_t order = (size_t)kad_family_terms(family);
    kad_writer w = kad_write_anew(ctx, file, "/flow");
    write_header(&w, flow, prec, family, theta);
    KAD_CALL(kad_write_end(&w));
    KAD_CALL(kad_h5_group(ctx, file, "/flow/params"));
    KAD_CALL(kad_take(&scope, order * largest_tensor(flow), &work));
    for (int i = 0; i < flow->n_stages; i++)
        for (int k = 0; k < flow->stages[i].n_tensors; k++)
            KAD_CALL(write_tensor(ctx, file, flow, &flow->stages[i],
                                  &flow->stages[i].tensors[k], family, theta, work));
    return require_count(ctx, file, order * flow->n_theta, KAD_EINTERNAL);
}

static kad_status read_tensor(kad_ctx *ctx, kad_h5 *file, const kad_flow *flow,
                              const kad_stage *stage, const kad_tensor *tensor,
                              const kad_family *family, double *theta, double *work)
{
    char path[PATH_MAX_LENGTH];
    size_t dims[3];
    const int rank = tensor_dims(tensor, family, dims);
    const size_t n = (size_t)tensor->rows * (size_t)tensor->cols;
    tensor_path(stage, tensor, path);
    KAD_CALL(kad_h5_read(ctx, file, path, KAD_H5_F64, rank, dims, work));
    for (size_t j = 0; j < (size_t)kad_family_terms(family) * n; j++)
        if (!isfinite(work[j]))
            return kad_fail(ctx, KAD_EDATA, "%s: element %zu is not finite", path, j);
    scatter(flow, stage->theta + tensor->offset, n, kad_family_terms(family), work,
            theta);
    return KAD_OK;
}

/* As the file has them. */
static kad_status read_all(kad_ctx *ctx, kad_h5 *file, const kad_flow *flow,
                           const kad_family *family, double *theta)
{
    KAD_SCOPE(scope, ctx);
    double *work;
    const size_t order = (size_t)kad_family_terms(family);
    KAD_CALL(require_count(ctx, file, order * flow->n_theta, KAD_EDATA));
    KAD_CALL(kad_take(&scope, order * largest_tensor(flow), &work));
    for (int i = 0; i < flow->n_stages; i++)
        for (int k = 0; k < flow->stages[i].n_tensors; k++)
            KAD_CALL(read_tensor(ctx, file, flow, &flow->stages[i],
                                 &flow->stages[i].tensors[k], family, theta, work));
    return KAD_OK;
}

kad_status kad_params_read(kad_ctx *ctx, kad_h5 *file, const kad_flow *flow,
                           const kad_action *action, double *theta)
{
    KAD_SCOPE(scope, ctx);
    kad_family family;
    double *all;
    KAD_CALL(kad_family_read(ctx, file, "/flow", &family));
    if (!kad_family_is(&family)) return read_all(ctx, file, flow, &family, theta);
    const kad_family_point value = kad_family_of(&family, action);
    KAD_CALL(kad_family_require(ctx, &family, value));
    KAD_CALL(kad_take(&scope, (size_t)kad_family_terms(&family) * flow->n_theta, &all));
    KAD_CALL(read_all(ctx, file, flow, &family, all));
    kad_family_contract(&family, flow->n_theta, all, value, theta);
    return KAD_OK;
}

kad_status kad_params_read_family(kad_ctx *ctx, kad_h5 *file, const kad_flow *flow,
                                  const kad_family *family, double *theta)
{
    kad_family there;
    KAD_CALL(kad_family_read(ctx, file, "/flow", &there));
    if (kad_family_is(&there) &&
        (!kad_family_same(&there, family) || there.order > family->order))
        return kad_fail(
            ctx, KAD_EDATA,
            "/flow: a family of order %d along %s from %g to %g, expected order "
            "%d along %s from %g to %g",
            there.order, there.axis[0].along, there.axis[0].lo, there.axis[0].hi,
            family->order, family->axis[0].along, family->axis[0].lo, family->axis[0].hi);
    return read_all(ctx, file, flow, &there, theta);
}

kad_status kad_params_lattice(kad_ctx *ctx, kad_h5 *file, int *d, int shape[KAD_MAX_DIM])
{
    int rank = 0;
    size_t dims[KAD_H5_MAX_RANK];
    int64_t extents[KAD_MAX_DIM];
    KAD_CALL(kad_h5_shape(ctx, file, "/flow/lattice_shape", &rank, dims));
    if (rank != 1 || dims[0] < 1 || dims[0] > KAD_MAX_DIM)
        return kad_fail(ctx, KAD_EDATA,
                        "/flow/lattice_shape: expected 1 to %d extents, found %zu",
                        KAD_MAX_DIM, rank == 1 ? dims[0] : 0);
    KAD_CALL(kad_h5_read(ctx, file, "/flow/lattice_shape", KAD_H5_I64, 1, dims, extents));
    *d = (int)dims[0];
    for (int i = 0; i < *d; i++) {
        if (extents[i] < 2 || extents[i] > 1 << 24)
            return kad_fail(ctx, KAD_EDATA, "/flow/lattice_shape: extent %lld",
                            (long long)extents[i]);
        shape[i] = (int)extents[i];
    }
    return KAD_OK;
}
