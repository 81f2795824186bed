/* What the pictures of the report are made of: some configurations at every level, their
 * latents, and latent walks. The files hold numbers; analysis/report paints them. */
#include "bulk/coarse.h"

#include "base/memory.h"
#include "io/writer.h"

#include <math.h>
#include <stdio.h>

enum { WALK_STEPS = 7 };

/* [site][component] of picture i into [i][component][site]. */
static void arrange(size_t i, size_t n_sites, size_t n_comp, const double *field,
                    float *out)
{
    for (size_t c = 0; c < n_comp; c++)
        for (size_t s = 0; s < n_sites; s++)
            out[(i * n_comp + c) * n_sites + s] = (float)field[s * n_comp + c];
}

/* "y x", behind the leading axes. */
static void name_axes(const char *lead, int d, size_t size, char *out)
{
    size_t used = (size_t)snprintf(out, size, "%s", lead);
    for (int mu = 0; mu < d && used < size; mu++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", used > 0 ? " " : "",
                                 kad_axis_name(d, mu));
}

/* Fields [leading axes...][component][extents...]. */
typedef struct fields {
    const char *name, *long_name, *lead; /* the leading axes' names */
    int n_lead;
    size_t n[2];
    size_t n_comp;
    int d;
    const int *extent;
} fields;

static void write_fields(kad_writer *w, const fields *f, const float *data)
{
    size_t dims[KAD_H5_MAX_RANK];
    char lead[32], axes[64];
    int rank = 0;
    for (int i = 0; i < f->n_lead; i++)
        dims[rank++] = f->n[i];
    dims[rank++] = f->n_comp;
    for (int mu = 0; mu < f->d; mu++)
        dims[rank++] = (size_t)f->extent[mu];
    snprintf(lead, sizeof lead, "%s component", f->lead);
    name_axes(lead, f->d, sizeof axes, axes);
    kad_write(w, f->name, KAD_H5_F32, axes, "field", f->long_name, dims, data);
}

static size_t picked(const kad_bulk *bulk, size_t i, size_t n)
{
    return i * bulk->n_per_chain / n;
}

static void write_latents(kad_writer *w, const kad_bulk *bulk, size_t n, float *data)
{
    const kad_flow *flow = bulk->model->flow;
    const int d = flow->lattice->d;
    const size_t n_sites = (size_t)flow->lattice->n_sites, n_comp = (size_t)flow->n_comp;
    const fields latents = {.name = "latents",
                            .long_name = "latents of the pictures, on their sites",
                            .lead = "picture",
                            .n_lead = 1,
                            .n = {n},
                            .n_comp = n_comp,
                            .d = d,
                            .extent = flow->lattice->shape};
    size_t dims[KAD_MAX_DIM];
    char axes[32];
    for (size_t i = 0; i < n; i++)
        arrange(i, n_sites, n_comp, bulk->z + picked(bulk, i, n) * bulk->n_rows, data);
    write_fields(w, &latents, data);
    int64_t *level = kad_write_scratch(w, n_sites, sizeof *level);
    for (size_t i = 0; i < n_sites && level != NULL; i++)
        level[i] = flow->level_of[i];
    for (int mu = 0; mu < d; mu++)
        dims[mu] = (size_t)flow->lattice->shape[mu];
    name_axes("", d, sizeof axes, axes);
    kad_write(w, "level", KAD_H5_I64, axes, "1", "level of the latent of a site", dims,
              level);
    kad_free(level);
}

kad_status kad_pictures_write(kad_ctx *ctx, const kad_coarse *coarse, kad_h5 *file)
{
    const kad_bulk *bulk = coarse->bulk;
    const kad_flow *flow = bulk->model->flow;
    const size_t n_comp = (size_t)flow->n_comp;
    const size_t n = bulk->n_per_chain < KAD_PICTURES ? bulk->n_per_chain : KAD_PICTURES;
    kad_writer w = kad_write_anew(ctx, file, "/bulk/pictures");
    float *data = kad_write_scratch(&w, n * bulk->n_rows, sizeof *data);
    for (int h = 0; h < coarse->n_levels && n > 0 && data != NULL; h++) {
        const kad_coarse_level *level = &coarse->level[h];
        const size_t n_sites = (size_t)level->n_sites;
        char name[32];
        snprintf(name, sizeof name, "level_%d", h);
        const fields f = {.name = name,
                          .long_name = "coarse field of the level",
                          .lead = "picture",
                          .n_lead = 1,
                          .n = {n},
                          .n_comp = n_comp,
                          .d = flow->lattice->d,
                          .extent = level->extent};
        for (size_t i = 0; i < n; i++)
            arrange(i, n_sites, n_comp,
                    level->field + picked(bulk, i, n) * n_sites * n_comp, data);
        write_fields(&w, &f, data);
    }
    if (n > 0 && data != NULL) write_latents(&w, bulk, n, data);
    kad_free(data);
    return kad_write_end(&w);
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
    KAD_CALL(kad_map_generate(ctx, bulk->map, n, KAD_DOUBLE, z, y, NULL));
    return kad_action_boundary(ctx, bulk->model->field, n, y, x);
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

/* Boundary fields of the walks, the values walked through and the latents walked. */
static kad_status write_walks(kad_ctx *ctx, kad_h5 *file, const kad_bulk *bulk,
                              const int64_t *site, const double *value, const double *x)
{
    const kad_flow *flow = bulk->model->flow;
    const size_t n_levels = (size_t)bulk->n_levels, n_steps = WALK_STEPS,
                 n = n_levels * n_steps, n_comp = (size_t)flow->n_comp;
    const fields boundary = {.name = "boundary",
                             .long_name = "boundary field with the latent at the value",
                             .lead = "level value",
                             .n_lead = 2,
                             .n = {n_levels, n_steps},
                             .n_comp = n_comp,
                             .d = flow->lattice->d,
                             .extent = flow->lattice->shape};
    kad_writer w = kad_write_anew(ctx, file, "/bulk/walks");
    float *data = kad_write_scratch(&w, n * bulk->n_rows, sizeof *data);
    for (size_t i = 0; i < n && data != NULL; i++)
        arrange(i, (size_t)flow->lattice->n_sites, n_comp, x + i * bulk->n_rows, data);
    write_fields(&w, &boundary, data);
    kad_write(&w, "value", KAD_H5_F64, "value", "1", "value of the latent", &n_steps,
              value);
    kad_write(&w, "site", KAD_H5_I64, "level", "1",
              "site of the level's latent; -1: it has none", &n_levels, site);
    kad_free(data);
    return kad_write_end(&w);
}

/* One latent of each level takes the values `value` [step], -3 .. 3 standard deviations of
 * the prior, the others keep those of one configuration; boundary
 * [level][step][component][sites...] f32, site [level] the latent's site. */
kad_status kad_bulk_walks(kad_ctx *ctx, const kad_bulk *bulk, kad_h5 *file)
{
    KAD_SCOPE(scope, ctx);
    const size_t n_levels = (size_t)bulk->n_levels, n = n_levels * WALK_STEPS;
    int64_t site[KAD_BULK_LEVELS];
    double value[WALK_STEPS], *z, *y, *x;
    if (bulk->n == 0) return KAD_OK;
    KAD_CALL(kad_take(&scope, n * bulk->n_rows, &z));
    KAD_CALL(kad_take(&scope, n * bulk->n_rows, &y));
    KAD_CALL(kad_take(&scope, n * bulk->n_rows, &x));
    for (size_t k = 0; k < WALK_STEPS; k++)
        value[k] =
            ((double)k - (WALK_STEPS - 1) / 2) * sqrt(bulk->model->flow->temperature);
    for (size_t h = 0; h < n_levels; h++)
        site[h] = middle_latent(bulk, (int)h);
    fill_walks(bulk, n_levels, site, value, z);
    KAD_CALL(generate(ctx, bulk, n, z, y, x));
    return write_walks(ctx, file, bulk, site, value, x);
}
