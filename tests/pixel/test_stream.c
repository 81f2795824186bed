/* Images that lie in a file are not held in memory, however many there are. */
#include "image/load.h"
#include "pixel/recipe.h"
#include "tests/support/claim.h"
#include "tests/support/scratch.h"
#include "train/image_trainer.h"

enum { SIDE = 32, N = 12000, BATCH = 16 };

static void write_npy(const char *path)
{
    char head[128];
    uint8_t row[SIDE * SIDE];
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    memset(head, ' ', sizeof head);
    memcpy(head, "\x93NUMPY\x01\x00\x76\x00", 10);
    const int n = sprintf(head + 10,
                          "{'descr': '|u1', 'fortran_order': False, "
                          "'shape': (%d, %d, %d), }",
                          N, SIDE, SIDE);
    head[10 + n] = ' ';
    head[sizeof head - 1] = '\n';
    fwrite(head, 1, sizeof head, f);
    for (int i = 0; i < N; i++) {
        for (int k = 0; k < SIDE * SIDE; k++)
            row[k] = (uint8_t)(i + 5 * k);
        fwrite(row, 1, sizeof row, f);
    }
    assert_int_equal(fclose(f), 0);
}

/* What of mapped files is in memory, in MB. */
static double resident(void)
{
    char line[256];
    double kb = 0;
    FILE *f = fopen("/proc/self/status", "r");
    if (f == NULL) skip();
    while (fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, "RssFile:", 8) == 0) kb = atof(line + 8);
    fclose(f);
    return kb / 1024;
}

/* 150 steps of the level's groups look all over 12 MB. */
static double train(kad_ctx *ctx, const kad_images *images, size_t most)
{
    kad_image_map *map;
    kad_image_trainer *trainer;
    kad_pixel_options net = kad_pixel_defaults();
    kad_image_train_options o = kad_image_train_defaults();
    net.hidden = 8;
    o.seconds = 0;
    o.steps = 150;
    o.batch = BATCH;
    o.resident = most;
    const int height = images->height;
    assert_int_equal(kad_pixel_recipe_create(ctx, &net, 1, height, images->width, &map),
                     KAD_OK);
    assert_int_equal(kad_image_trainer_create(ctx, map, &o, images, &trainer), KAD_OK);
    const double before = resident();
    kad_image_trainer_run(trainer, 1, 1e9);
    const double after = resident();
    kad_image_trainer_destroy(trainer);
    kad_image_map_destroy(map);
    return after - before;
}

static void memory_does_not_grow(void **state)
{
    (void)state;
    scratch folder;
    char path[300];
    kad_ctx ctx;
    kad_image_store *store;
    scratch_make(&folder);
    snprintf(path, sizeof path, "%s/x.npy", folder.path);
    write_npy(path);
    kad_ctx_init(&ctx, 1);
    const kad_image_options o = {.source = path, .held_out = 0.01, .validation = 0};
    assert_int_equal(kad_image_store_open(&ctx, &o, folder.path, &store), KAD_OK);
    const kad_images *images = &kad_image_store_set(store)->train;
    /* 1 MB, and what a step looks at: 16 images of 64 kB */
    const double some = train(&ctx, images, 1 << 20), all = train(&ctx, images, 1 << 30);
    print_message("# %.1f of %.1f MB of images in memory; left alone %.1f\n", some,
                  (double)(images->n * kad_image_size(images)) / (1 << 20), all);
    assert_true(some < 5);
    assert_true(all > some + 4); /* or there would be nothing to let go */
    kad_image_store_close(store);
    scratch_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("training of images: those of a file leave memory again",
              memory_does_not_grow),
    };
    return cmocka_run_group_tests_name("streams of images", tests, NULL, NULL);
}
