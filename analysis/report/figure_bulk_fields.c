/* The bulk's pictures in the report: configurations at every level, their latents,
 * latent walks and wavelets. */
#include "analysis/report/bulk_paint.h"
#include "analysis/report/image.h"
#include "analysis/report/numbers.h"
#include "analysis/report/report.h"
#include "analysis/results.h"

#include <stdio.h>

enum { FIELD_PIXELS = 176, WALK_PIXELS = 80, WAVELET_PIXELS = 112, MAX_SCALE = 24 };

typedef struct gallery {
    kad_text *out;
    int pixels;           /* aimed at for the largest picture */
    int scale;            /* of the boundary; 0: each picture by itself */
    int row;              /* open row; -1: none */
    size_t n, n_left_out; /* pictures; those whose numbers found no room */
} gallery;

static int scale_of(const gallery *g, const kad_picture *p)
{
    const int extent = p->w > p->h ? p->w : p->h;
    const int scale = g->pixels / extent;
    return scale < 1 ? 1 : scale > MAX_SCALE ? MAX_SCALE : scale;
}

static void label_of(const kad_picture *p, char *out, size_t size)
{
    switch (p->kind) {
    case KAD_PICTURE_FIELD:
        snprintf(out, size, p->column == 0 ? "boundary" : "level %d", p->column);
        break;
    case KAD_PICTURE_LATENTS:
        snprintf(out, size, "latents");
        break;
    case KAD_PICTURE_WALK:
        snprintf(out, size, "level %d, z = %.2g", p->row, p->value);
        break;
    default:
        snprintf(out, size, "level %d", p->row);
        break;
    }
}

static kad_status hang(kad_ctx *ctx, void *self, const kad_picture *p)
{
    gallery *g = self;
    char label[64], name[96];
    (void)ctx;
    if (g->row < 0 || (p->row != g->row && p->kind != KAD_PICTURE_LATENTS)) {
        kad_text_add(g->out, "%s<div class=\"gallery\">", g->row >= 0 ? "</div>" : "");
        g->row = p->row;
    }
    label_of(p, label, sizeof label);
    kad_text_add(g->out, "<div>");
    /* a coarse site covers the fine ones it stands for */
    const int scale = p->kind == KAD_PICTURE_FIELD && p->column > 0
                          ? g->scale << p->column
                          : scale_of(g, p);
    if (p->kind == KAD_PICTURE_FIELD && p->column == 0) g->scale = scale;
    kad_image_render(g->out, p->w, p->h, p->rgb, scale, label);
    kad_text_add(g->out, "<br>%s</div>", label);
    g->n++;
    if (g->out->numbers != NULL) {
        snprintf(name, sizeof name, "row %d, %s", p->row, label);
        kad_numbers_picture(g->out->numbers, name, p->w, p->h, p->n_comp, p->values,
                            &g->n_left_out);
    }
    return KAD_OK;
}

static kad_status draw(kad_ctx *ctx, kad_h5 *file, kad_picture_kind kind, int pixels,
                       kad_text *out)
{
    gallery g = {.out = out, .pixels = pixels, .row = -1};
    const kad_status status = kad_bulk_paint(ctx, file, kind, hang, &g);
    if (g.row >= 0) kad_text_add(out, "</div>");
    kad_numbers_rest(out, g.n_left_out, g.n);
    if (g.row >= 0 && kind != KAD_PICTURE_FIELD &&
        kad_attr_int(ctx, file, "/model", "decimated") == 1)
        kad_text_add(out, "<p class=\"note\">White: odd sites, which are integrated out "
                          "exactly and have no latents.</p>\n");
    return status;
}

static kad_status draw_fields(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    return draw(ctx, file, KAD_PICTURE_FIELD, FIELD_PIXELS, out);
}

static kad_status draw_latents(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    return draw(ctx, file, KAD_PICTURE_LATENTS, FIELD_PIXELS, out);
}

static kad_status draw_walks(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    return draw(ctx, file, KAD_PICTURE_WALK, WALK_PIXELS, out);
}

static kad_status draw_wavelets(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    return draw(ctx, file, KAD_PICTURE_WAVELET, WAVELET_PIXELS, out);
}

const kad_figure kad_figure_bulk_fields = {
    .title = "From the boundary into the bulk",
    .caption = "Each row is one configuration of the chain: the boundary field, then the "
               "coarse fields the map leaves when it has undone the levels below. Each "
               "level has its own unit of colour (two root mean squares). One component: "
               "blue negative, red positive; two: the hue is the angle. What survives to "
               "the right is what the map takes for large-scale structure.",
    .wide = true,
    .group = "/bulk",
    .absent = "pictures need a lattice in two dimensions",
    .draw = draw_fields,
};

const kad_figure kad_figure_bulk_latents = {
    .title = "Latents of the same configurations",
    .caption =
        "As a pyramid, like a wavelet transform: the three outer quarters are the "
        "latents "
        "of the finest level by their place in the block, the coarsest sits in the upper "
        "left corner. Full colour at two standard deviations of the prior. A good map "
        "leaves noise without structure or changes of strength.",
    .wide = true,
    .draw = draw_latents,
};

const kad_figure kad_figure_bulk_walks = {
    .title = "Latent walks",
    .caption = "One latent near the middle takes the values -3 .. 3, all others keep "
               "those of one configuration; the boundary follows. Fine latents (top) "
               "move a few sites, coarse ones (bottom) whole domains.",
    .wide = true,
    .draw = draw_walks,
};

const kad_figure kad_figure_bulk_wavelets = {
    .title = "Wavelets of the map",
    .caption =
        "Mean response dx/dz of the boundary around a latent (in the middle), for each "
        "kind of latent of a level; full colour at the maximum. The window grows with "
        "the "
        "level: self-similar pictures are the mark of a scale invariant map.",
    .wide = true,
    .draw = draw_wavelets,
};
