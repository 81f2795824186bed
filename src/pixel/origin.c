#include "pixel/origin.h"

#include "base/memory.h"

#include <string.h>

enum { MOST = 1024 };

typedef struct moments {
    uint64_t sum, squares;
} moments;

static void add(moments *m, uint64_t v)
{
    m->sum += v;
    m->squares += v * v;
}

static double variance(const moments *m, size_t n)
{
    const double mean = (double)m->sum / (double)n;
    return (double)m->squares / (double)n - mean * mean;
}

typedef struct work {
    const kad_images *images;
    size_t n;
    moments *site;    /* [height][width] */
    moments *lattice; /* [s][s], by its first site */
    uint64_t *total;  /* [s][s] */
} work;

/* c [s][s] += C_s of one channel, by the lattice's first site. */
static void covariances(work *w, int channel, int s, double *c)
{
    const kad_images *im = w->images;
    const size_t n_lattices = (size_t)s * (size_t)s;
    const double n_sites =
        (double)(im->height / s) * (im->width / s); /* s divides both */
    memset(w->lattice, 0, n_lattices * sizeof *w->lattice);
    for (size_t k = 0; k < w->n; k++) {
        const uint8_t *v = im->pixels + k * im->n / w->n * kad_image_size(im) +
                           (size_t)channel * (size_t)im->height * (size_t)im->width;
        memset(w->total, 0, n_lattices * sizeof *w->total);
        for (int y = 0; y < im->height; y++)
            for (int x = 0; x < im->width; x++)
                w->total[y % s * s + x % s] += *v++;
        for (size_t i = 0; i < n_lattices; i++)
            add(&w->lattice[i], w->total[i]);
    }
    for (size_t i = 0; i < n_lattices; i++)
        c[i] += variance(&w->lattice[i], w->n) / (n_sites * (n_sites - 1));
    for (int y = 0; y < im->height; y++)
        for (int x = 0; x < im->width; x++)
            c[y % s * s + x % s] -=
                variance(&w->site[y * im->width + x], w->n) / (n_sites * (n_sites - 1));
}

static void look_at_sites(work *w, int channel)
{
    const kad_images *im = w->images;
    const size_t n_sites = (size_t)im->height * (size_t)im->width;
    memset(w->site, 0, n_sites * sizeof *w->site);
    for (size_t k = 0; k < w->n; k++) {
        const uint8_t *v = im->pixels + k * im->n / w->n * kad_image_size(im) +
                           (size_t)channel * n_sites;
        for (size_t i = 0; i < n_sites; i++)
            add(&w->site[i], v[i]);
    }
}

kad_status kad_pixel_origin(kad_ctx *ctx, const kad_images *images, int origin[2])
{
    KAD_SCOPE(scope, ctx);
    const size_t n_sites = (size_t)images->height * (size_t)images->width;
    work w = {.images = images, .n = images->n < MOST ? images->n : MOST};
    double *score, *c, most = 0;
    int s = 1; /* the lattices told apart so far */
    KAD_CALL(kad_take(&scope, n_sites, &w.site));
    KAD_CALL(kad_take(&scope, n_sites, &w.lattice));
    KAD_CALL(kad_take(&scope, n_sites, &w.total));
    KAD_CALL(kad_take(&scope, n_sites, &score));
    origin[0] = origin[1] = 0;
    while (images->height % (2 * s) == 0 && images->width % (2 * s) == 0 &&
           n_sites > 4 * (size_t)s * (size_t)s) {
        double *finer = score;
        s *= 2;
        KAD_CALL(kad_take(&scope, (size_t)s * (size_t)s, &c));
        for (int channel = 0; channel < images->n_channels; channel++) {
            look_at_sites(&w, channel);
            covariances(&w, channel, s, c);
        }
        for (int y = 0; y < s; y++)
            for (int x = 0; x < s; x++)
                c[y * s + x] += finer[y % (s / 2) * (s / 2) + x % (s / 2)];
        score = c;
    }
    for (int i = 0; i < s * s; i++) {
        if (score[i] <= most + 1e-9) continue; /* rounding makes none the larger */
        most = score[i];
        origin[0] = i / s;
        origin[1] = i % s;
    }
    return KAD_OK;
}
