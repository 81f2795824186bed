/* What the pictures of the report are made of: some configurations at every level, their
 * latents, and latent walks. The files hold numbers; analysis/report paints them. */
#include "bulk/coarse.h"

#include "base/memory.h"

#include <math.h>
#include <stdio.h>

enum { WALK_STEPS = 7 };

/* Names of the leading axes. */
static const char *const picture[] = {"picture"}, *const walk[] = {"level", "value"};

/* [site][component] of picture i into [i][component][site]. */
static void arrange(size_t i, size_t n_sites, size_t n_comp, const double *field,
                    float *out)
{
    for (size_t c = 0; c < n_comp; c++)
        for (size_t s = 0; s < n_sites; s++)
            out[(i * n_comp + c) * n_sites + s] = (float)field[s * n_comp + c];
}

static kad_status name_sites(kad_ctx *ctx, kad_h5 *file, const char *path, int first,
                             int d)
{
    kad_status status = KAD_OK;
    for (int mu = 0; mu < d; mu++)
        KAD_TRY(kad_h5_axis(ctx, file, path, first + mu, kad_axis_name(d, mu), NULL));
done:
    return status;
}

/* Writes n pictures [n][component][extents...], with leading axes `lead`, named. */
static kad_status write_fields(kad_ctx *ctx, kad_h5 *file, const char *path, int n_lead,
                               const size_t *lead, const char *const *names,
                               size_t n_comp, int d, const int *extent, const float *data)
{
    size_t dims[KAD_H5_MAX_RANK];
    kad_status status;
    int rank = 0;
    for (int i = 0; i < n_lead; i++)
        dims[rank++] = lead[i];
    dims[rank++] = n_comp;
    for (int mu = 0; mu < d; mu++)
        dims[rank++] = (size_t)extent[mu];
    KAD_TRY(kad_h5_write(ctx, file, path, KAD_H5_F32, rank, dims, data));
    for (int i = 0; i < n_lead; i++)
        KAD_TRY(kad_h5_axis(ctx, file, path, i, names[i], NULL));
    KAD_TRY(kad_h5_axis(ctx, file, path, n_lead, "component", NULL));
    status = name_sites(ctx, file, path, n_lead + 1, d);
done:
    return status;
}

static size_t picked(const kad_bulk *bulk, size_t i, size_t n)
{
    return i * bulk->n_per_chain / n;
}

static kad_status write_latents(kad_ctx *ctx, const kad_bulk *bulk, size_t n,
                                kad_h5 *file, float *data)
{
    const kad_flow *flow = bulk->model->flow;
    const size_t n_sites = (size_t)flow->lattice->n_sites, n_comp = (size_t)flow->n_comp;
    kad_status status = KAD_OK;
    size_t dims[KAD_MAX_DIM];
    int64_t *level = NULL;
    for (size_t i = 0; i < n; i++)
        arrange(i, n_sites, n_comp, bulk->z + picked(bulk, i, n) * bulk->n_rows, data);
    KAD_TRY(write_fields(ctx, file, "/bulk/pictures/latents", 1, &n, picture, n_comp,
                         flow->lattice->d, flow->lattice->shape, data));
    KAD_TRY(kad_new(ctx, n_sites, sizeof *level, &level));
    for (size_t i = 0; i < n_sites; i++)
        level[i] = flow->level_of[i];
    for (int mu = 0; mu < flow->lattice->d; mu++)
        dims[mu] = (size_t)flow->lattice->shape[mu];
    KAD_TRY(kad_h5_write(ctx, file, "/bulk/pictures/level", KAD_H5_I64, flow->lattice->d,
                         dims, level));
    status = name_sites(ctx, file, "/bulk/pictures/level", 0, flow->lattice->d);
done:
    kad_free(level);
    return status;
}

kad_status kad_pictures_write(kad_ctx *ctx, const kad_coarse *coarse, kad_h5 *file)
{
    const kad_bulk *bulk = coarse->bulk;
    const kad_flow *flow = bulk->model->flow;
    const size_t n_comp = (size_t)flow->n_comp;
    const size_t n = bulk->n_per_chain < KAD_PICTURES ? bulk->n_per_chain : KAD_PICTURES;
    kad_status status = KAD_OK;
    float *data = NULL;
    KAD_TRY(kad_h5_remove(ctx, file, "/bulk/pictures"));
    KAD_TRY(kad_h5_group(ctx, file, "/bulk/pictures"));
    KAD_TRY(kad_new(ctx, n * bulk->n_rows, sizeof *data, &data));
    for (int h = 0; h < coarse->n_levels && n > 0; h++) {
        const kad_coarse_level *level = &coarse->level[h];
        const size_t n_sites = (size_t)level->n_sites;
        char path[64];
        for (size_t i = 0; i < n; i++)
            arrange(i, n_sites, n_comp,
                    level->field + picked(bulk, i, n) * n_sites * n_comp, data);
        snprintf(path, sizeof path, "/bulk/pictures/level_%d", h);
        KAD_TRY(write_fields(ctx, file, path, 1, &n, picture, n_comp, flow->lattice->d,
                             level->extent, data));
    }
    if (n > 0) KAD_TRY(write_latents(ctx, bulk, n, file, data));
done:
    kad_free(data);
    return status;
}

/* --- latent walks -------------------------------------------------------------------- */

/* A site whose latent is of this level, nearest to the middle of the lattice. */
static int middle_latent(const kad_bulk *bulk, int level)
{
    const kad_lattice *lattice = bulk->model->lattice;
    int best = -1;
    double nearest = 0;
    for (int i = 0; i < lattice->n_sites; i++) {
        double r2 = 0;
        if (bulk->model->flow->level_of[i] != level) continue;
        for (int mu = 0; mu < lattice->d; mu++) {
            const double r =
                bulk->position[i * lattice->d + mu] - 0.5 * (lattice->shape[mu] - 1);
            r2 += r * r;
        }
        if (best < 0 || r2 < nearest - 1e-9) {
            best = i;
            nearest = r2;
        }
    }
    return best;
}

static kad_status generate(kad_ctx *ctx, const kad_bulk *bulk, size_t n, const double *z,
                           double *y, double *x)
{
    kad_status status = KAD_OK;
    KAD_TRY(kad_map_generate(ctx, bulk->map, n, KAD_DOUBLE, z, y, NULL));
    KAD_TRY(kad_action_boundary(ctx, bulk->model->action, n, y, x));
done:
    return status;
}

static void fill_walks(const kad_bulk *bulk, size_t n_levels, const int64_t *site,
                       const double *value, double *z)
{
    const size_t n_rows = bulk->n_rows, n_comp = (size_t)bulk->model->flow->n_comp;
    for (size_t h = 0; h < n_levels; h++)
        for (size_t k = 0; k < WALK_STEPS; k++) {
            double *own = z + (h * WALK_STEPS + k) * n_rows;
            for (size_t r = 0; r < n_rows; r++)
                own[r] = bulk->z[r];
            if (site[h] >= 0) own[(size_t)site[h] * n_comp] = value[k];
        }
}

/* One latent of each level takes the values `value` [step], -3 .. 3 standard deviations of
 * the prior, the others keep those of one configuration; boundary
 * [level][step][component][sites...] f32, site [level] the latent's site. */
kad_status kad_bulk_walks(kad_ctx *ctx, const kad_bulk *bulk, kad_h5 *file)
{
    const kad_flow *flow = bulk->model->flow;
    const size_t n_levels = (size_t)bulk->n_levels, n_comp = (size_t)flow->n_comp,
                 n = n_levels * WALK_STEPS, lead[2] = {n_levels, WALK_STEPS},
                 steps[1] = {WALK_STEPS};
    int64_t site[KAD_BULK_LEVELS];
    double value[WALK_STEPS], *z = NULL, *y = NULL, *x = NULL;
    float *data = NULL;
    kad_status status = KAD_OK;
    if (bulk->n == 0) return KAD_OK;
    KAD_TRY(kad_h5_remove(ctx, file, "/bulk/walks"));
    KAD_TRY(kad_h5_group(ctx, file, "/bulk/walks"));
    KAD_TRY(kad_new(ctx, n * bulk->n_rows, sizeof *z, &z));
    KAD_TRY(kad_new(ctx, n * bulk->n_rows, sizeof *y, &y));
    KAD_TRY(kad_new(ctx, n * bulk->n_rows, sizeof *x, &x));
    KAD_TRY(kad_new(ctx, n * bulk->n_rows, sizeof *data, &data));
    for (size_t k = 0; k < WALK_STEPS; k++)
        value[k] = ((double)k - (WALK_STEPS - 1) / 2) * sqrt(flow->temperature);
    for (size_t h = 0; h < n_levels; h++)
        site[h] = middle_latent(bulk, (int)h);
    fill_walks(bulk, n_levels, site, value, z);
    KAD_TRY(generate(ctx, bulk, n, z, y, x));
    for (size_t i = 0; i < n; i++)
        arrange(i, (size_t)flow->lattice->n_sites, n_comp, x + i * bulk->n_rows, data);
    KAD_TRY(write_fields(ctx, file, "/bulk/walks/boundary", 2, lead, walk, n_comp,
                         flow->lattice->d, flow->lattice->shape, data));
    KAD_TRY(kad_h5_write(ctx, file, "/bulk/walks/value", KAD_H5_F64, 1, steps, value));
    KAD_TRY(kad_h5_axes(ctx, file, "/bulk/walks/value", "value"));
    KAD_TRY(kad_h5_write(ctx, file, "/bulk/walks/site", KAD_H5_I64, 1, &n_levels, site));
    KAD_TRY(kad_h5_axes(ctx, file, "/bulk/walks/site", "level"));
done:
    kad_free(z);
    kad_free(y);
    kad_free(x);
    kad_free(data);
    return status;
}
