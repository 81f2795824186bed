/* inception_features WEIGHTS.h5 PICTURES HEIGHT WIDTH CHANNELS THREADS: features of the pictures,
 * a line each, and seconds of the processors on the standard error. For inception.sh. */
#include "base/memory.h"
#include "features/inception.h"
#include "io/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static kad_status run(kad_ctx *ctx, char **argv)
{
    KAD_SCOPE(scope, ctx);
    KAD_LOCAL(kad_inception, net);
    KAD_LOCAL(char, bytes);
    kad_features f;
    kad_images im = {
        .height = atoi(argv[3]), .width = atoi(argv[4]), .n_channels = atoi(argv[5])};
    size_t n_bytes, *index;
    KAD_CALL(kad_inception_create(ctx, argv[1], &net));
    KAD_CALL(kad_file_read(ctx, argv[2], (size_t)1 << 30, &bytes, &n_bytes));
    im.pixels = (const uint8_t *)bytes;
    im.n = n_bytes / kad_image_size(&im);
    KAD_CALL(kad_take(&scope, im.n, &index));
    for (size_t i = 0; i < im.n; i++)
        index[i] = i;
    const clock_t begun = clock();
    KAD_CALL(kad_inception_features(&scope, net, &im, im.n, index, &f));
    fprintf(stderr, "%.3f s of CPU for an image\n",
            (double)(clock() - begun) / CLOCKS_PER_SEC / (double)im.n);
    for (size_t i = 0; i < f.n; i++)
        for (int k = 0; k < f.d; k++)
            printf("%.9g%c", f.x[i * f.stride + (size_t)k], k + 1 < f.d ? ' ' : '\n');
    return KAD_OK;
}

int main(int argc, char **argv)
{
    kad_ctx ctx;
    if (argc != 7) return 64;
    kad_ctx_init(&ctx, atoi(argv[6]));
    const kad_status status = run(&ctx, argv);
    if (status != KAD_OK) fprintf(stderr, "%s\n", ctx.message);
    return status;
}
