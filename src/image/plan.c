#include "image/plan.h"

#include "base/parallel.h"
#include "base/rng.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { STREAM_SIDE = 16, STREAM_WINDOW = 17, STREAM_VALIDATION = 18, A_TILE = 64 };
static const double default_share = 0.1;

/* --- sides and windows ----------------------------------------------------------------- */

/* What a picture is known by, whatever else its source holds. */
static uint64_t identity(const kad_image_source *s, size_t i)
{
    if (s->ops->name_of == NULL) return i;
    uint64_t h = 0xcbf29ce484222325u; /* FNV-1a */
    for (const char *p = s->ops->name_of(s, i); *p; p++)
        h = (h ^ (unsigned char)*p) * 0x100000001b3u;
    return h & 0xffffffffffffu; /* a sample's number has 48 bits */
}

static bool chosen(const kad_image_plan *plan, size_t i, uint32_t stream, double share)
{
    const kad_rng rng = kad_rng_stream(0, KAD_RNG_IMAGE, stream);
    return kad_rng_uniform(rng, 0, identity(&plan->source, i), 0) < share;
}

static bool is_held_out(const kad_image_plan *plan, size_t i)
{
    const kad_image_source *s = &plan->source;
    const kad_image_side own = s->ops->side ? s->ops->side(s, i) : KAD_IMAGE_ANY;
    if (own != KAD_IMAGE_ANY &&
        (isnan(plan->options->held_out) || plan->options->own_sides))
        return own == KAD_IMAGE_HELD_OUT;
    return chosen(plan, i, STREAM_SIDE, plan->held_out);
}

static int side_of(const kad_image_plan *plan, size_t i)
{
    if (is_held_out(plan, i)) return KAD_SIDE_HELD_OUT;
    return chosen(plan, i, STREAM_VALIDATION, plan->options->validation)
               ? KAD_SIDE_VALIDATION
               : KAD_SIDE_TRAIN;
}

size_t kad_image_plan_share(const kad_image_plan *plan, size_t i,
                            const size_t have[KAD_SIDES], int *side)
{
    const size_t most =
        plan->options->limit > 0 ? (size_t)plan->options->limit : SIZE_MAX;
    if (plan->unread[i]) return 0;
    *side = side_of(plan, i);
    const size_t left = most - have[*side];
    return plan->a_picture < left ? plan->a_picture : left;
}

/* The largest octave of those asked for that fits. */
static int octave(int size, int scales, size_t k, int shorter)
{
    int side = size << (int)(k % (size_t)scales);
    while (side > shorter && side > size)
        side /= 2;
    return side;
}

kad_window kad_image_plan_window(const kad_image_plan *plan, size_t i, size_t k,
                                 const kad_picture *p)
{
    const kad_image_options *o = plan->options;
    const int shorter = p->height < p->width ? p->height : p->width;
    uint32_t word[4];
    if (o->crops > 0) {
        const int side = octave(o->size, o->scales, k, shorter);
        kad_rng_u32x4(kad_rng_stream((uint64_t)o->seed, KAD_RNG_IMAGE, STREAM_WINDOW), k,
                      identity(&plan->source, i), 0, word);
        return (kad_window){kad_rng_below(word[0], p->width - side + 1),
                            kad_rng_below(word[1], p->height - side + 1), side, side};
    }
    if (o->crop == 0 && o->size == 0) return (kad_window){0, 0, p->width, p->height};
    const int side = o->crop > 0 ? o->crop : shorter;
    return (kad_window){(p->width - side) / 2, (p->height - side) / 2, side, side};
}

/* --- measuring ------------------------------------------------------------------------- */

void kad_image_plan_drop(kad_ctx *ctx, kad_image_plan *plan, size_t i,
                         const char *message)
{
    if (plan->unread[i]) return;
    plan->unread[i] = 1;
    plan->n_unread++;
    kad_note(ctx, "%s", message);
}

typedef struct size {
    int n_channels, height, width;
} size;

typedef struct measuring {
    kad_image_plan *plan;
    size_t first, n;
    size *sizes;     /* [source.n] */
    kad_status *why; /* [A_TILE * tiles] */
    char (*text)[KAD_MESSAGE_MAX];
} measuring;

/* A picture that is too small for what is cut from it. */
static kad_status check_window(kad_ctx *ctx, const kad_image_plan *plan, size_t i,
                               const kad_picture *p)
{
    const kad_image_options *o = plan->options;
    const kad_image_source *s = &plan->source;
    const int least = o->crops > 0 ? o->size : o->crop;
    if (p->height >= least && p->width >= least) return KAD_OK;
    return kad_fail(ctx, KAD_EDATA, "%s: %d x %d pixels, smaller than %s %d",
                    s->ops->name_of ? s->ops->name_of(s, i) : s->path, p->width,
                    p->height, o->crops > 0 ? "data.size" : "data.crop", least);
}

static bool measure_one(void *self, size_t k, void *scratch)
{
    measuring *m = self;
    const size_t i = m->first + k;
    const kad_image_source *s = &m->plan->source;
    kad_ctx ctx;
    kad_picture p = {0};
    (void)scratch;
    kad_ctx_init(&ctx, 1);
    KAD_SCOPE(scope, &ctx);
    m->why[k] = s->ops->measure(&scope, s, i, &p);
    if (m->why[k] == KAD_OK) m->why[k] = check_window(&ctx, m->plan, i, &p);
    if (m->why[k] != KAD_OK) memcpy(m->text[k], ctx.message, sizeof ctx.message);
    m->sizes[i] = (size){p.n_channels, p.height, p.width};
    return true;
}

/* All pictures of a source whose pictures differ; else the first. */
static kad_status measure(kad_ctx *ctx, kad_image_plan *plan, size_t n, size *sizes)
{
    KAD_SCOPE(scope, ctx);
    measuring m = {.plan = plan, .sizes = sizes};
    KAD_CALL(kad_take(&scope, A_TILE, &m.why));
    KAD_CALL(kad_take(&scope, A_TILE, &m.text));
    for (m.first = 0; m.first < n; m.first += m.n) {
        m.n = n - m.first < A_TILE ? n - m.first : A_TILE;
        KAD_CALL(kad_for_tiles(ctx, "measuring pictures", m.n, 0, measure_one, &m));
        for (size_t k = 0; k < m.n; k++)
            if (m.why[k] == KAD_ENOMEM || (m.why[k] != KAD_OK && plan->source.alike))
                return kad_fail(ctx, m.why[k], "%s", m.text[k]);
            else if (m.why[k] != KAD_OK)
                kad_image_plan_drop(ctx, plan, m.first + k, m.text[k]);
    }
    return KAD_OK;
}

/* --- the shape of images --------------------------------------------------------------- */

static kad_status decide_shape(kad_ctx *ctx, kad_image_plan *plan, size_t n,
                               const size *sizes)
{
    const kad_image_options *o = plan->options;
    const kad_image_source *s = &plan->source;
    size_t first = n;
    plan->n_channels = 1;
    for (size_t i = 0; i < n; i++) {
        if (plan->unread[i]) continue;
        if (first == n) first = i;
        if (sizes[i].n_channels == 3 && !o->grey) plan->n_channels = 3;
        const bool same = sizes[i].height == sizes[first].height &&
                          sizes[i].width == sizes[first].width;
        if (!same && o->size == 0 && o->crop == 0)
            return kad_fail(ctx, KAD_EDATA,
                            "%s: %s is %d x %d, but %s is %d x %d: data.size makes them "
                            "alike",
                            s->path, s->ops->name_of(s, first), sizes[first].width,
                            sizes[first].height, s->ops->name_of(s, i), sizes[i].width,
                            sizes[i].height);
    }
    if (first == n)
        return kad_fail(ctx, KAD_EDATA, "%s: %s: none of its %zu files can be read",
                        kad_image_source_key(o), s->path, n);
    const int side = o->size > 0 ? o->size : o->crop;
    plan->inner_height = side > 0 ? side : sizes[first].height;
    plan->inner_width = side > 0 ? side : sizes[first].width;
    plan->height = plan->inner_height + 2 * o->pad;
    plan->width = plan->inner_width + 2 * o->pad;
    return KAD_OK;
}

kad_status kad_image_plan_count(kad_ctx *ctx, kad_image_plan *plan)
{
    const char *key = kad_image_source_key(plan->options);
    const kad_image_source *s = &plan->source;
    if (plan->n_unread > 0 && plan->options->on_error == KAD_IMAGE_REFUSE) {
        size_t first = 0;
        while (!plan->unread[first])
            first++;
        return kad_fail(ctx, KAD_EDATA,
                        "%s: %s: %zu of %zu files cannot be read, the first %s "
                        "(data.on_error skip goes on without them)",
                        key, s->path, plan->n_unread, s->n, s->ops->name_of(s, first));
    }
    memset(plan->n, 0, sizeof plan->n);
    plan->name_bytes = 0;
    for (size_t i = 0; i < s->n; i++) {
        int side = 0;
        const size_t n = kad_image_plan_share(plan, i, plan->n, &side);
        if (n > 0 && s->ops->name_of != NULL) {
            const size_t bytes = strlen(s->ops->name_of(s, i)) + 1;
            if (bytes > plan->name_bytes) plan->name_bytes = bytes;
        }
        plan->n[side] += n;
    }
    if (plan->options->validation > 0 && plan->n[KAD_SIDE_VALIDATION] == 0)
        return kad_fail(ctx, KAD_EDATA,
                        "%s: %s: data.validation %g of %zu %s leaves none to choose "
                        "weights by",
                        key, s->path, plan->options->validation, s->n - plan->n_unread,
                        s->alike ? "images" : "files");
    if (plan->n[0] > 0 && (plan->n[1] > 0 || plan->held_out == 0)) return KAD_OK;
    return kad_fail(ctx, KAD_EDATA,
                    "%s: %s: data.held_out %g%s of %zu %s leaves %zu images to "
                    "train on and %zu held out",
                    key, s->path, plan->held_out,
                    isnan(plan->options->held_out) ? ", where none is given," : "",
                    s->n - plan->n_unread, s->alike ? "images" : "files", plan->n[0],
                    plan->n[1]);
}

kad_status kad_image_plan_make(kad_scope *in, const kad_image_options *o,
                               const kad_image_source *source, kad_image_plan *plan)
{
    KAD_SCOPE(scope, in->ctx);
    size *sizes;
    *plan = (kad_image_plan){
        .options = o,
        .source = *source,
        .held_out = isnan(o->held_out) ? default_share : o->held_out,
        .a_picture = kad_image_plan_squares(o),
    };
    if (o->crops > 0 && o->size == 0)
        return kad_fail(in->ctx, KAD_ECONFIG,
                        "data.crops: %d, but data.size does not say how large they are",
                        o->crops);
    KAD_CALL(kad_take(in, plan->source.n, &plan->unread));
    const size_t n = plan->source.alike ? 1 : plan->source.n;
    KAD_CALL(kad_take(&scope, n, &sizes));
    KAD_CALL(measure(in->ctx, plan, n, sizes));
    KAD_CALL(decide_shape(in->ctx, plan, n, sizes));
    return kad_image_plan_count(in->ctx, plan);
}
