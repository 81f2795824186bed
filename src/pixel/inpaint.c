#include "pixel/inpaint.h"

#include "base/parallel.h"
#include "base/rng.h"
#include "base/signals.h"
#include "pixel/visit.h"

#include <math.h>
#include <string.h>

enum { COLUMNS = KAD_PIXEL_COLUMNS, CHANNELS = KAD_PIXEL_CHANNELS_MAX };

/* Streams of their own among those of Markov chains. */
enum { STREAM = 0x1a9 };

typedef struct work {
    const kad_pixel_plan *plan;
    const kad_pixel_cones *cones;
    const kad_image_inpainting *what;
    kad_rng propose, accept;
    const bool *cone; /* inference cone of the hole */
    int most_seen;    /* sites that see one, at most */
    size_t n, per_tile;
    uint8_t *x;
    double *mean;
    double *accepted, *moves; /* [n_tiles] */
} work;

/* A thread's memory, and the move that is made at one site of all images of a tile. */
typedef struct desk {
    const work *w;
    kad_pixel_desk d;
    size_t first, n; /* the tile's images */
    double *ln_p;    /* [n][n_sites] of the cone's sites, all channels together */
    double *t;       /* [n][C][n_sites] of latents that may not change; else NULL */
    double *now;     /* [n][most_seen]: ln_p after the move */
    int site;
    uint64_t sweep;
    double ln_new[COLUMNS];
    uint8_t old[COLUMNS][CHANNELS];
    bool moves[COLUMNS], bad[COLUMNS];
    int seen_at[COLUMNS]; /* of a column: which of the sites that see it */
} desk;

static size_t n_sites_of(const work *w)
{
    return (size_t)w->cones->n_sites;
}

static bool keeps_latents(const work *w)
{
    return w->what->free != NULL;
}

static size_t desk_bytes(const work *w)
{
    const size_t n = w->per_tile, sites = n_sites_of(w);
    const size_t C = (size_t)w->plan->map->n_channels;
    return kad_pixel_desk_bytes(w->plan->map) + kad_cut_bytes(n * sites, sizeof(double)) +
           (keeps_latents(w) ? kad_cut_bytes(n * sites * C, sizeof(double)) : 0) +
           kad_cut_bytes(n * (size_t)w->most_seen, sizeof(double));
}

static uint8_t *image_of(const desk *k, size_t i)
{
    return k->w->x + (k->first + i) * kad_pixel_size(k->w->plan->map);
}

static void add_column(const desk *k, kad_pixel_columns *c, size_t image, int site)
{
    c->number[c->n] = image;
    c->image[c->n] = image_of(k, image);
    c->index[c->n++] = k->w->cones->index[site];
}

/* --- the start --------------------------------------------------------------------------- */

static void start_channel(void *self, const kad_pixel_columns *c, int channel,
                          kad_pixel_desk *d)
{
    desk *k = self;
    const kad_pixel_map *map = k->w->plan->map;
    const size_t sites = n_sites_of(k->w);
    kad_pixel_visit_mass(k->w->plan, c, channel, d);
    for (int i = 0; i < c->n; i++)
        k->ln_p[c->number[i] * sites + (size_t)kad_pixel_column_site(c, i)] +=
            log(d->mass[i]);
    if (k->t == NULL) return;
    for (int i = 0; i < COLUMNS; i++)
        d->u[i] = 0.5;
    kad_pixel_density_infer(&d->density, d->level, d->u, d->t, d->rest);
    for (int i = 0; i < c->n; i++)
        k->t[c->number[i] * kad_pixel_size(map) +
             kad_pixel_column_at(map, c, i, channel)] = d->t[i];
}

static void start(desk *k)
{
    const kad_pixel_map *map = k->w->plan->map;
    memset(k->ln_p, 0, k->n * n_sites_of(k->w) * sizeof *k->ln_p);
    for (int g = 0; g < map->n_groups; g++) {
        kad_pixel_columns c = {.group = &map->group[g]};
        for (int s = 0; s < map->group[g].n_sites; s++) {
            if (!k->w->cone[map->group[g].site[s]]) continue;
            for (size_t i = 0; i < k->n; i++) {
                add_column(k, &c, i, map->group[g].site[s]);
                if (c.n < COLUMNS) continue;
                kad_pixel_visit(k->w->plan, &c, &k->d, start_channel, k);
                c.n = 0;
            }
        }
        if (c.n > 0) kad_pixel_visit(k->w->plan, &c, &k->d, start_channel, k);
    }
}

/* --- a move ------------------------------------------------------------------------------ */

static void propose_channel(void *self, const kad_pixel_columns *c, int channel,
                            kad_pixel_desk *d)
{
    desk *k = self;
    const work *w = k->w;
    for (int i = 0; i < COLUMNS; i++) {
        d->t[i] = 0.5;
        if (i < c->n)
            d->t[i] = kad_rng_uniform(
                w->propose, k->sweep, w->what->first + k->first + c->number[i],
                (uint32_t)kad_pixel_column_at(w->plan->map, c, i, channel));
        d->rest[i] = 1 - d->t[i];
    }
    kad_pixel_density_generate(&d->density, d->t, d->rest, d->level, d->u);
    kad_pixel_density_mass(&d->density, d->level, d->mass);
    for (int i = 0; i < c->n; i++) {
        uint8_t *x =
            image_of(k, c->number[i]) + kad_pixel_column_at(w->plan->map, c, i, channel);
        k->ln_new[i] += log(d->mass[i]);
        k->old[i][channel] = *x;
        *x = (uint8_t)d->level[i];
        if (*x != k->old[i][channel]) k->moves[i] = true;
    }
}

/* A site that sees the move: how probable its levels are now; and if its latents are to
 * stay, whether they still give these. */
static void judge_channel(void *self, const kad_pixel_columns *c, int channel,
                          kad_pixel_desk *d)
{
    desk *k = self;
    const work *w = k->w;
    const kad_pixel_map *map = w->plan->map;
    kad_pixel_visit_mass(w->plan, c, channel, d);
    for (int i = 0; i < c->n; i++)
        k->now[c->number[i] * (size_t)w->most_seen + (size_t)k->seen_at[i]] +=
            log(d->mass[i]);
    if (!keeps_latents(w) || w->what->free[kad_pixel_column_site(c, 0)]) return;
    for (int i = 0; i < COLUMNS; i++) {
        d->t[i] = 0.5;
        if (i < c->n)
            d->t[i] = k->t[c->number[i] * kad_pixel_size(map) +
                           kad_pixel_column_at(map, c, i, channel)];
        d->rest[i] = 1 - d->t[i];
    }
    kad_pixel_density_generate(&d->density, d->t, d->rest, d->mass, d->u);
    for (int i = 0; i < c->n; i++)
        if (d->mass[i] != d->level[i]) k->bad[c->number[i]] = true;
}

static void propose(desk *k)
{
    const kad_pixel_map *map = k->w->plan->map;
    kad_pixel_columns c = {.group = &map->group[k->w->cones->group[k->site]]};
    for (size_t i = 0; i < k->n; i++) {
        add_column(k, &c, i, k->site);
        k->ln_new[i] = 0;
        k->moves[i] = k->bad[i] = false;
    }
    kad_pixel_visit(k->w->plan, &c, &k->d, propose_channel, k);
}

/* Columns of one call are of one group, and all free or none. */
static void judge(desk *k)
{
    const work *w = k->w;
    const kad_pixel_cones *cones = w->cones;
    const int *seen = cones->seen_by + cones->first[k->site],
              n_seen = cones->first[k->site + 1] - cones->first[k->site];
    kad_pixel_columns c = {.n = 0};
    memset(k->now, 0, k->n * (size_t)w->most_seen * sizeof *k->now);
    for (int s = 0; s < n_seen; s++) {
        const kad_pixel_group *group = &w->plan->map->group[cones->group[seen[s]]];
        const bool other =
            c.n > 0 &&
            (group != c.group ||
             (keeps_latents(w) && w->what->free[seen[s]] != w->what->free[seen[s - 1]]));
        if (other) {
            kad_pixel_visit(w->plan, &c, &k->d, judge_channel, k);
            c.n = 0;
        }
        c.group = group;
        for (size_t i = 0; i < k->n; i++) {
            if (!k->moves[i] || k->bad[i]) continue;
            k->seen_at[c.n] = s;
            add_column(k, &c, i, seen[s]);
            if (c.n < COLUMNS) continue;
            kad_pixel_visit(w->plan, &c, &k->d, judge_channel, k);
            c.n = 0;
        }
    }
    if (c.n > 0) kad_pixel_visit(w->plan, &c, &k->d, judge_channel, k);
}

/* ln of the ratio; the first sweep takes all that may be. */
static bool is_accepted(const desk *k, size_t i, double power)
{
    const work *w = k->w;
    const kad_pixel_cones *cones = w->cones;
    const int first = cones->first[k->site], n_seen = cones->first[k->site + 1] - first;
    const double *was = k->ln_p + i * n_sites_of(w);
    double ratio = 0;
    if (k->bad[i]) return false;
    if (k->sweep == 0) return true;
    for (int s = 0; s < n_seen; s++)
        ratio +=
            k->now[i * (size_t)w->most_seen + (size_t)s] - was[cones->seen_by[first + s]];
    const double u = kad_rng_uniform(w->accept, k->sweep, w->what->first + k->first + i,
                                     (uint32_t)k->site);
    return log(u) < power * ratio + (power - 1) * (k->ln_new[i] - was[k->site]);
}

static void settle(desk *k, size_t i, bool accepted)
{
    const work *w = k->w;
    const kad_pixel_cones *cones = w->cones;
    const int first = cones->first[k->site];
    double *ln_p = k->ln_p + i * n_sites_of(w);
    uint8_t *x = image_of(k, i);
    if (!accepted) {
        for (int c = 0; c < w->plan->map->n_channels; c++)
            x[(size_t)c * n_sites_of(w) + (size_t)k->site] = k->old[i][c];
        return;
    }
    ln_p[k->site] = k->ln_new[i];
    for (int s = 0; s < cones->first[k->site + 1] - first; s++)
        ln_p[cones->seen_by[first + s]] = k->now[i * (size_t)w->most_seen + (size_t)s];
}

static void move_site(desk *k, double power, size_t tile)
{
    propose(k);
    judge(k);
    for (size_t i = 0; i < k->n; i++) {
        const bool accepted = !k->moves[i] || is_accepted(k, i, power);
        if (k->moves[i]) settle(k, i, accepted);
        if (k->sweep == 0) continue;
        k->w->moves[tile]++;
        k->w->accepted[tile] += accepted;
    }
}

/* --- a tile ------------------------------------------------------------------------------ */

static void add_to_mean(const desk *k)
{
    const work *w = k->w;
    const int S = w->what->sweeps;
    const size_t size = kad_pixel_size(w->plan->map);
    const int n = S - S / 2; /* sweeps that count */
    if (w->mean == NULL || (int)k->sweep <= S / 2) return;
    for (size_t i = 0; i < k->n * size; i++)
        w->mean[k->first * size + i] += w->x[k->first * size + i] / (double)n;
}

static bool do_tile(void *self, size_t tile, void *scratch)
{
    const work *w = self;
    const kad_pixel_map *map = w->plan->map;
    const size_t sites = n_sites_of(w);
    const int S = w->what->sweeps;
    const double begun = kad_stop_clock();
    char *at = scratch;
    desk k = {.w = w, .first = tile * w->per_tile};
    k.n = w->n - k.first < w->per_tile ? w->n - k.first : w->per_tile;
    k.d = kad_pixel_desk_cut(map, &at);
    k.ln_p = kad_cut(&at, w->per_tile * sites, sizeof *k.ln_p);
    if (keeps_latents(w))
        k.t = kad_cut(&at, w->per_tile * kad_pixel_size(map), sizeof *k.t);
    k.now = kad_cut(&at, w->per_tile * (size_t)w->most_seen, sizeof *k.now);
    start(&k);
    for (int s = 0; s <= S; s++) {
        const double power = kad_image_inpainting_power(w->what, s);
        k.sweep = (uint64_t)s;
        for (int i = 0; i < w->cones->n_sites; i++) {
            k.site = w->cones->order[i];
            if (!w->what->hole[k.site]) continue;
            if (keeps_latents(w) && !w->what->free[k.site]) continue;
            move_site(&k, power, tile);
            if (kad_stop_overdue(begun)) return false;
        }
        add_to_mean(&k);
    }
    return true;
}

kad_status kad_pixel_inpaint(kad_ctx *ctx, const kad_pixel_plan *plan,
                             const kad_pixel_cones *cones,
                             const kad_image_inpainting *what, size_t n, uint8_t *x,
                             double *mean, double *accepted)
{
    KAD_SCOPE(scope, ctx);
    work w = {.plan = plan, .cones = cones, .what = what, .n = n, .x = x, .mean = mean};
    bool *cone;
    if (n == 0) return KAD_OK;
    const size_t n_threads = (size_t)ctx->n_threads,
                 all = (n + n_threads - 1) / n_threads;
    w.per_tile = all < COLUMNS ? all : COLUMNS;
    const size_t n_tiles = (n + w.per_tile - 1) / w.per_tile;
    KAD_CALL(kad_take(&scope, (size_t)cones->n_sites, &cone));
    KAD_CALL(kad_take(&scope, n_tiles, &w.accepted));
    KAD_CALL(kad_take(&scope, n_tiles, &w.moves));
    kad_pixel_inference_cone(cones, what->hole, cone);
    w.cone = cone;
    w.propose = kad_rng_stream(what->seed, KAD_RNG_CHAIN, STREAM);
    w.accept = kad_rng_stream(what->seed, KAD_RNG_ACCEPT, STREAM);
    for (int i = 0; i < cones->n_sites; i++)
        if (cones->first[i + 1] - cones->first[i] > w.most_seen)
            w.most_seen = cones->first[i + 1] - cones->first[i];
    if (mean != NULL) memset(mean, 0, n * kad_pixel_size(plan->map) * sizeof *mean);
    KAD_CALL(kad_for_tiles(ctx, "inpainting", n_tiles, desk_bytes(&w), do_tile, &w));
    const double moves = kad_tree_sum1(w.moves, n_tiles);
    if (accepted != NULL)
        *accepted = moves > 0 ? kad_tree_sum1(w.accepted, n_tiles) / moves : NAN;
    return KAD_OK;
}
