/* Images as the configuration asks for them: read from their source once, into one file
 * that is mapped from then on. A million images take no memory of their own. */
#ifndef KAD_IMAGE_LOAD_H
#define KAD_IMAGE_LOAD_H

#include "image/images.h"
#include "image/options.h"

enum { KAD_IMAGE_CHANNELS = 3 };

typedef struct kad_image_facts {
    double mean[KAD_IMAGE_CHANNELS]; /* level of a channel, of the images to train on */
    double zeros;                    /* share of their levels that are 0 */
    size_t n_unread; /* files that could not be read (data.on_error skip) */
} kad_image_facts;

typedef struct kad_image_store kad_image_store;

/* The images of `options`: from the cache's file if it holds them, else read now, tile by
 * tile on the threads of ctx. The file is FOLDER/images.h5, or in options->cache one named
 * by what it holds. Files that cannot be read are named, a line each, in notices; whether
 * that is the end options->on_error says. Which images are held out is said by the source,
 * or by a hash of the name of an image's file (its number where it has none): files that
 * are added change no other's side.
 * Errors: KAD_ENOINPUT, KAD_EDATA, KAD_ECONFIG (options that contradict each other, no room
 * on the disk), KAD_EIO, KAD_ECREATE, KAD_ENOMEM, KAD_EINTERRUPTED. */
KAD_MUST_USE kad_status kad_image_store_open(kad_ctx *ctx,
                                             const kad_image_options *options,
                                             const char *folder, kad_image_store **out);
void kad_image_store_close(kad_image_store *store);
KAD_LOCAL_OF(kad_image_store, kad_image_store_close)
const kad_image_set *kad_image_store_set(const kad_image_store *store);
const kad_image_facts *kad_image_store_facts(const kad_image_store *store);
/* Pixels that were looked at leave this process's memory until they are looked at again:
 * to be called now and then by who walks over many. */
void kad_image_store_rest(const kad_image_store *store);

/* Does data.source name images rather than fields? By what is there: all but an HDF5 file
 * whose data set (/configs where it is not named) is no array of bytes. */
KAD_MUST_USE kad_status kad_image_source_is_one(kad_ctx *ctx, const char *source,
                                                const char *dataset, bool *images);

#endif
