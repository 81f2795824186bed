#include "train/params.h"

#include "io/digest.h"
#include "io/writer.h"

#include <math.h>
#include <stdio.h>

enum { PATH_MAX_LENGTH = 3 * KAD_NAME_MAX };

static void tensor_path(const kad_stage *stage, const kad_tensor *tensor, char *path)
{
    char name[2 * KAD_NAME_MAX + 16];
    kad_flow_tensor_name(stage, tensor, name, sizeof name);
    snprintf(path, PATH_MAX_LENGTH, "/flow/params/%s", name);
}

static int tensor_dims(const kad_tensor *tensor, size_t dims[2])
{
    dims[0] = (size_t)tensor->rows;
    dims[1] = (size_t)tensor->cols;
    return tensor->cols > 1 ? 2 : 1;
}

static void write_header(kad_writer *w, const kad_flow *flow, kad_prec prec,
                         const double *theta)
{
    int64_t shape[KAD_MAX_DIM];
    char digest[KAD_DIGEST_CHARS];
    const size_t d = (size_t)flow->lattice->d;
    for (size_t i = 0; i < d; i++)
        shape[i] = flow->lattice->shape[i];
    kad_digest(theta, flow->n_theta * sizeof *theta, digest);
    kad_write(w, "lattice_shape", KAD_H5_I64, "axis", "sites", "extents of the lattice",
              &d, shape);
    kad_write_text(w, "hierarchy", flow->hierarchy);
    kad_write_int(w, "levels", flow->n_levels);
    kad_write_int(w, "stages", flow->n_stages);
    kad_write_text(w, "dtype", prec == KAD_SINGLE ? "float32" : "float64");
    kad_write_int(w, "n_parameters", (int64_t)flow->n_theta);
    kad_write_text(w, "sha256", digest);
}

/* Names that repeat, or parameters of another map, show in the sum of the sizes. */
static kad_status require_count(kad_ctx *ctx, kad_h5 *file, const kad_flow *flow,
                                kad_status code)
{
    size_t n = 0;
    const kad_status status = kad_h5_count(ctx, file, "/flow/params", &n);
    if (status != KAD_OK || n == flow->n_theta) return status;
    return kad_fail(ctx, code, "/flow/params: %zu values, but the map has %zu parameters",
                    n, flow->n_theta);
}

kad_status kad_params_write(kad_ctx *ctx, kad_h5 *file, const kad_flow *flow,
                            kad_prec prec, const double *theta)
{
    kad_status status;
    kad_writer w = kad_write_anew(ctx, file, "/flow");
    write_header(&w, flow, prec, theta);
    KAD_TRY(kad_write_end(&w));
    KAD_TRY(kad_h5_group(ctx, file, "/flow/params"));
    for (int i = 0; i < flow->n_stages; i++) {
        const kad_stage *stage = &flow->stages[i];
        for (int k = 0; k < stage->n_tensors; k++) {
            char path[PATH_MAX_LENGTH];
            size_t dims[2];
            const kad_tensor *tensor = &stage->tensors[k];
            const int rank = tensor_dims(tensor, dims);
            tensor_path(stage, tensor, path);
            KAD_TRY(kad_h5_write(ctx, file, path, KAD_H5_F64, rank, dims,
                                 theta + stage->theta + tensor->offset));
        }
    }
    status = require_count(ctx, file, flow, KAD_EINTERNAL);
done:
    return status;
}

kad_status kad_params_read(kad_ctx *ctx, kad_h5 *file, const kad_flow *flow,
                           double *theta)
{
    kad_status status = KAD_OK;
    KAD_TRY(require_count(ctx, file, flow, KAD_EDATA));
    for (int i = 0; i < flow->n_stages; i++) {
        const kad_stage *stage = &flow->stages[i];
        for (int k = 0; k < stage->n_tensors; k++) {
            char path[PATH_MAX_LENGTH];
            size_t dims[2];
            const kad_tensor *tensor = &stage->tensors[k];
            const int rank = tensor_dims(tensor, dims);
            double *values = theta + stage->theta + tensor->offset;
            tensor_path(stage, tensor, path);
            KAD_TRY(kad_h5_read(ctx, file, path, KAD_H5_F64, rank, dims, values));
            for (size_t j = 0; j < (size_t)tensor->rows * (size_t)tensor->cols; j++)
                if (!isfinite(values[j]))
                    return kad_fail(ctx, KAD_EDATA, "%s: element %zu is not finite", path,
                                    j);
        }
    }
done:
    return status;
}

kad_status kad_params_lattice(kad_ctx *ctx, kad_h5 *file, int *d, int shape[KAD_MAX_DIM])
{
    kad_status status;
    int rank = 0;
    size_t dims[KAD_H5_MAX_RANK];
    int64_t extents[KAD_MAX_DIM];
    KAD_TRY(kad_h5_shape(ctx, file, "/flow/lattice_shape", &rank, dims));
    if (rank != 1 || dims[0] < 1 || dims[0] > KAD_MAX_DIM)
        return kad_fail(ctx, KAD_EDATA,
                        "/flow/lattice_shape: expected 1 to %d extents, found %zu",
                        KAD_MAX_DIM, rank == 1 ? dims[0] : 0);
    KAD_TRY(kad_h5_read(ctx, file, "/flow/lattice_shape", KAD_H5_I64, 1, dims, extents));
    *d = (int)dims[0];
    for (int i = 0; i < *d; i++) {
        if (extents[i] < 2 || extents[i] > 1 << 24)
            return kad_fail(ctx, KAD_EDATA, "/flow/lattice_shape: extent %lld",
                            (long long)extents[i]);
        shape[i] = (int)extents[i];
    }
done:
    return status;
}
