/* Generated images as a source: first those to train on, then those held out. */
#include "image/generator.h"
#include "image/source.h"

typedef struct generated {
    const kad_image_generator *generator;
    uint64_t seed;
} generated;

static bool is(const kad_image_path *path)
{
    return kad_image_generator_find(path->path) != NULL;
}

static kad_status open_generated(kad_scope *in, const kad_image_options *o,
                                 kad_image_source *s)
{
    generated *g;
    KAD_CALL(kad_take(in, 1, &g));
    g->generator = kad_image_generator_find(o->source);
    g->seed = (uint64_t)o->seed;
    s->n = g->generator->n_train + g->generator->n_held_out;
    s->alike = true;
    s->n_labels = g->generator->n_labels;
    s->label_name = g->generator->label_name;
    s->self = g;
    return kad_take_printf(in, &s->state, "version 1, seed %llu",
                           (unsigned long long)g->seed);
}

static kad_status measure(kad_scope *in, const kad_image_source *s, size_t i,
                          kad_picture *out)
{
    const kad_image_generator *g = ((const generated *)s->self)->generator;
    const size_t width = (size_t)g->width, plane = width * (size_t)g->height;
    (void)in;
    (void)i;
    *out = (kad_picture){g->n_channels, g->height, g->width, width, 1, plane, NULL};
    return KAD_OK;
}

static kad_status picture(kad_scope *in, const kad_image_source *s, size_t i,
                          kad_picture *out, double *labels)
{
    const generated *g = s->self;
    const size_t n = g->generator->n_train;
    uint8_t *pixels;
    KAD_CALL(measure(in, s, i, out));
    KAD_CALL(kad_take(in, out->channel * (size_t)out->n_channels, &pixels));
    g->generator->make(g->seed, i >= n, i >= n ? i - n : i, pixels, labels);
    out->pixels = pixels;
    return KAD_OK;
}

static kad_image_side side(const kad_image_source *s, size_t i)
{
    const generated *g = s->self;
    return i < g->generator->n_train ? KAD_IMAGE_TRAIN : KAD_IMAGE_HELD_OUT;
}

const kad_image_source_ops kad_image_source_generated = {
    .name = "generated",
    .summary = NULL, /* the generators have theirs */
    .is = is,
    .open = open_generated,
    .measure = measure,
    .picture = picture,
    .side = side,
};
