#include "pixel/cone.h"

/* Room for what a site sees. */
typedef struct view {
    int *sites; /* [n_sites] */
    int *stamp; /* [n_sites]: the last view that a site was in, from 1 on */
    int last;
} view;

static void add(view *v, int site, int *n)
{
    if (site < 0 || v->stamp[site] == v->last) return;
    v->stamp[site] = v->last;
    v->sites[(*n)++] = site;
}

/* Sites that site i of a group sees, each once, into v->sites; their number. */
static int sees(const kad_pixel_map *map, const kad_pixel_group *g, int i, view *v)
{
    int n = 0;
    v->last++;
    for (int k = 0; k < g->n_known; k++)
        add(v, g->known[i * g->n_known + k], &n);
    for (int k = 0; k < g->n_overview && k < g->n_before + i; k++)
        add(v, map->order[k], &n);
    return n;
}

static void count_and_order(kad_pixel_cones *c, view *v)
{
    int n = 0;
    for (int g = 0; g < c->map->n_groups; g++) {
        const kad_pixel_group *group = &c->map->group[g];
        for (int i = 0; i < group->n_sites; i++) {
            const int site = group->site[i];
            c->order[n++] = site;
            c->group[site] = g;
            c->index[site] = i;
            const int n_seen = sees(c->map, group, i, v);
            for (int k = 0; k < n_seen; k++)
                c->first[v->sites[k] + 1]++;
        }
    }
    for (int i = 0; i < c->n_sites; i++)
        c->first[i + 1] += c->first[i];
}

/* `fill` [n_sites] are zeros. */
static void list(kad_pixel_cones *c, view *v, int *fill)
{
    for (int n = 0; n < c->n_sites; n++) {
        const int site = c->order[n];
        const kad_pixel_group *group = &c->map->group[c->group[site]];
        const int n_seen = sees(c->map, group, c->index[site], v);
        for (int k = 0; k < n_seen; k++)
            c->seen_by[c->first[v->sites[k]] + fill[v->sites[k]]++] = site;
    }
}

kad_status kad_pixel_cones_create(kad_ctx *ctx, const kad_pixel_map *map,
                                  kad_pixel_cones **out)
{
    KAD_SCOPE(scope, ctx);
    KAD_LOCAL(kad_pixel_cones, c);
    const size_t n = (size_t)map->height * (size_t)map->width;
    view v = {0};
    int *fill;
    *out = NULL;
    KAD_CALL(kad_new(ctx, 1, sizeof *c, &c));
    c->map = map;
    c->n_sites = (int)n;
    KAD_CALL(kad_new(ctx, n, sizeof(int), &c->order));
    KAD_CALL(kad_new(ctx, n, sizeof(int), &c->group));
    KAD_CALL(kad_new(ctx, n, sizeof(int), &c->index));
    KAD_CALL(kad_new(ctx, n + 1, sizeof(int), &c->first));
    KAD_CALL(kad_take(&scope, n, &v.sites));
    KAD_CALL(kad_take(&scope, n, &v.stamp));
    count_and_order(c, &v);
    KAD_CALL(kad_new(ctx, (size_t)c->first[n], sizeof(int), &c->seen_by));
    KAD_CALL(kad_take(&scope, n, &fill));
    list(c, &v, fill);
    *out = c;
    c = NULL;
    return KAD_OK;
}

void kad_pixel_cones_destroy(kad_pixel_cones *c)
{
    if (!c) return;
    kad_free(c->order);
    kad_free(c->group);
    kad_free(c->index);
    kad_free(c->first);
    kad_free(c->seen_by);
    kad_free(c);
}

/* Latents depend on levels, of the site and of those it sees: one step, no more. */
size_t kad_pixel_inference_cone(const kad_pixel_cones *c, const bool *set, bool *cone)
{
    size_t n = 0;
    for (int i = 0; i < c->n_sites; i++)
        cone[i] = set[i];
    for (int i = 0; i < c->n_sites; i++)
        for (int s = c->first[i]; set[i] && s < c->first[i + 1]; s++)
            cone[c->seen_by[s]] = true;
    for (int i = 0; i < c->n_sites; i++)
        n += cone[i];
    return n;
}

/* Earliest first: what a site adds is passed by later. */
size_t kad_pixel_generation_cone(const kad_pixel_cones *c, const bool *set, bool *cone)
{
    size_t n = 0;
    for (int i = 0; i < c->n_sites; i++)
        cone[i] = set[i];
    for (int k = 0; k < c->n_sites; k++) {
        const int site = c->order[k];
        if (!cone[site]) continue;
        n++;
        for (int s = c->first[site]; s < c->first[site + 1]; s++)
            cone[c->seen_by[s]] = true;
    }
    return n;
}
