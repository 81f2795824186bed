#include "image/stack.h"

#include "image/bytes.h"
#include "io/file.h"
#include "io/rows.h"

#include <string.h>

typedef struct state {
    kad_stack stack;
    size_t image_bytes;
    /* The part that is being read, up to picture `at`, in order. */
    int part;
    size_t at, part_first;
    kad_bytes *bytes, *labels;
    /* What was fetched. */
    size_t first, n, room;
    uint8_t *record;
} state;

kad_status kad_stack_axes(kad_ctx *ctx, const char *path, int rank, const size_t *dims,
                          kad_stack *stack)
{
    const bool last = rank == 4 && (dims[3] == 1 || dims[3] == 3);
    const bool first = rank == 4 && (dims[1] == 1 || dims[1] == 3);
    const size_t none[4] = {0}, *d = rank == 3 || rank == 4 ? dims : none;
    const size_t channels = last ? d[3] : first ? d[1] : rank == 3 ? 1 : 0;
    const size_t height = last || rank == 3 ? d[1] : d[2];
    const size_t width = last || rank == 3 ? d[2] : d[3];
    if (channels == 0)
        return kad_fail(ctx, KAD_EDATA,
                        "%s: expected [n][height][width] or, with 1 or 3 channels, "
                        "[n][height][width][channel] or [n][channel][height][width]",
                        path);
    KAD_CALL(kad_picture_check_size(ctx, path, width, height));
    stack->n_channels = (int)channels;
    stack->height = (int)height;
    stack->width = (int)width;
    stack->planar = !last;
    stack->n_parts = 1;
    stack->part[0].path = path;
    stack->part[0].n = dims[0];
    return KAD_OK;
}

static void release(void *self)
{
    state *s = self;
    kad_bytes_close(s->bytes);
    kad_bytes_close(s->labels);
    kad_h5_rows_close(s->stack.rows);
    kad_free(s->record);
}

enum { GZIP_MOST = 1100 }; /* deflate cannot do better than 1032 */

/* A file of n records behind a header, as long as that says; or compressed, and long
 * enough. */
static kad_status check_length(kad_ctx *ctx, const char *path, size_t header, size_t n,
                               size_t record)
{
    uint8_t head[2], tail[2];
    size_t n_file, expected;
    KAD_CALL(kad_file_ends(ctx, path, sizeof head, head, tail, &n_file));
    const bool fits = kad_size_mul(n, record, &expected) && expected <= SIZE_MAX - header;
    expected = fits ? expected + header : SIZE_MAX;
    const bool packed = head[0] == 0x1f && head[1] == 0x8b;
    if (packed ? expected / GZIP_MOST <= n_file : expected == n_file) return KAD_OK;
    return kad_fail(ctx, KAD_EDATA,
                    "%s: damaged: of %zu bytes, but its header says %zu%s", path, n_file,
                    expected, packed ? ", more than can be packed into them" : "");
}

static kad_status check_part(kad_ctx *ctx, const kad_stack *s, const kad_stack_part *p,
                             size_t record)
{
    if (p->n == 0) return kad_fail(ctx, KAD_EDATA, "%s: no images in it", p->path);
    if (s->rows != NULL) return KAD_OK;
    KAD_CALL(check_length(ctx, p->path, p->header, p->n, record));
    return p->labels == NULL ? KAD_OK
                             : check_length(ctx, p->labels, p->label_header, p->n, 1);
}

kad_status kad_stack_open(kad_scope *in, const kad_stack *stack, kad_image_source *source)
{
    static const char *const one[] = {"class"}, *const two[] = {"coarse", "class"};
    state *s;
    const kad_status taken = kad_take(in, 1, &s);
    if (taken != KAD_OK) kad_h5_rows_close(stack->rows);
    KAD_CALL(taken);
    s->stack = *stack;
    KAD_CALL(kad_defer(in, release, s));
    s->part = -1;
    s->image_bytes =
        (size_t)stack->n_channels * (size_t)stack->height * (size_t)stack->width;
    const bool labels = stack->prefix > 0 || stack->part[0].labels != NULL;
    source->self = s;
    source->alike = true;
    source->n_labels = stack->prefix > 0 ? (size_t)stack->prefix : labels ? 1 : 0;
    source->label_name = stack->prefix == 2 ? two : one;
    source->state = "";
    for (int i = 0; i < stack->n_parts; i++) {
        const char *line;
        KAD_CALL(check_part(in->ctx, stack, &stack->part[i],
                            s->image_bytes + (size_t)stack->prefix));
        source->n += stack->part[i].n;
        KAD_CALL(kad_image_file_state(in, stack->part[i].path, &line));
        KAD_CALL(kad_take_printf(in, &source->state, "%s%s%s", source->state,
                                 i > 0 ? ", " : "", line));
    }
    return KAD_OK;
}

kad_status kad_stack_measure(kad_scope *in, const kad_image_source *source, size_t i,
                             kad_picture *out)
{
    const kad_stack *s = &((const state *)source->self)->stack;
    const size_t width = (size_t)s->width, plane = width * (size_t)s->height;
    const size_t step = s->planar ? 1 : (size_t)s->n_channels;
    (void)in;
    (void)i;
    *out = (kad_picture){.n_channels = s->n_channels,
                         .height = s->height,
                         .width = s->width,
                         .row = width * step,
                         .column = step,
                         .channel = s->planar ? plane : 1};
    return KAD_OK;
}

static kad_status skip(kad_ctx *ctx, kad_bytes *bytes, size_t n)
{
    uint8_t some[256];
    for (size_t part; n > 0; n -= part) {
        part = n < sizeof some ? n : sizeof some;
        KAD_CALL(kad_bytes_read(ctx, bytes, part, some));
    }
    return KAD_OK;
}

static kad_status open_part(kad_ctx *ctx, state *s, int number)
{
    const kad_stack_part *part = &s->stack.part[number];
    kad_bytes_close(s->bytes);
    kad_bytes_close(s->labels);
    s->bytes = s->labels = NULL;
    s->part_first = number == 0 ? 0 : s->part_first + s->stack.part[number - 1].n;
    s->part = number;
    if (s->stack.rows != NULL) return KAD_OK;
    KAD_CALL(kad_bytes_open(ctx, part->path, &s->bytes));
    KAD_CALL(skip(ctx, s->bytes, part->header));
    if (part->labels == NULL) return KAD_OK;
    KAD_CALL(kad_bytes_open(ctx, part->labels, &s->labels));
    return skip(ctx, s->labels, part->label_header);
}

/* n images of the open part, their labels before each. */
static kad_status read_part(kad_ctx *ctx, state *s, size_t n, uint8_t *record,
                            size_t n_labels)
{
    const size_t bytes = s->image_bytes + n_labels;
    if (s->stack.rows != NULL)
        return kad_h5_rows_read(ctx, s->stack.rows, s->at - s->part_first, n, record);
    if (s->labels == NULL) return kad_bytes_read(ctx, s->bytes, n * bytes, record);
    for (size_t i = 0; i < n; i++, record += bytes) {
        KAD_CALL(kad_bytes_read(ctx, s->labels, 1, record));
        KAD_CALL(kad_bytes_read(ctx, s->bytes, s->image_bytes, record + 1));
    }
    return KAD_OK;
}

kad_status kad_stack_fetch(kad_ctx *ctx, kad_image_source *source, size_t first, size_t n)
{
    state *s = source->self;
    const size_t bytes = s->image_bytes + source->n_labels;
    if (n > s->room) {
        kad_free(s->record);
        s->record = NULL;
        s->room = 0;
        KAD_CALL(kad_new(ctx, n, bytes, &s->record));
        s->room = n;
    }
    if (first == 0 || s->part < 0) {
        s->at = 0;
        KAD_CALL(open_part(ctx, s, 0));
    }
    if (first != s->at)
        return kad_fail(ctx, KAD_EINTERNAL, "%s: image %zu is asked for after %zu",
                        source->path, first, s->at);
    s->first = first;
    s->n = 0;
    while (s->n < n) {
        const kad_stack_part *part = &s->stack.part[s->part];
        const size_t left = s->part_first + part->n - s->at;
        const size_t some = n - s->n < left ? n - s->n : left;
        KAD_CALL(read_part(ctx, s, some, s->record + s->n * bytes, source->n_labels));
        s->n += some;
        s->at += some;
        if (some < left) continue;
        if (s->bytes != NULL) KAD_CALL(kad_bytes_end(ctx, s->bytes));
        if (s->part + 1 < s->stack.n_parts) KAD_CALL(open_part(ctx, s, s->part + 1));
    }
    return KAD_OK;
}

kad_status kad_stack_picture(kad_scope *in, const kad_image_source *source, size_t i,
                             kad_picture *out, double *labels)
{
    const state *s = source->self;
    const uint8_t *record =
        s->record + (i - s->first) * (s->image_bytes + source->n_labels);
    KAD_CALL(kad_stack_measure(in, source, i, out));
    for (size_t k = 0; k < source->n_labels; k++)
        labels[k] = record[k];
    out->pixels = record + source->n_labels;
    return KAD_OK;
}

kad_image_side kad_stack_side(const kad_image_source *source, size_t i)
{
    const kad_stack *s = &((const state *)source->self)->stack;
    int part = 0;
    while (part + 1 < s->n_parts && i >= s->part[part].n)
        i -= s->part[part++].n;
    return s->part[part].side;
}
