/* Files as images in memory: create, read from disk, write to disk.
 *
 * Every file written here carries a digest: of the demanded kind (checkpoints) in a user
 * block of 512 bytes before the HDF5 image, which HDF5 itself skips; else (results) in a
 * trailer of 64 bytes behind the image, which no reader looks at and which goes away when
 * another program edits the file. Both begin with
 *   bytes  0-15  magic
 *         16-23  length of the image, little-endian
 *         24-55  SHA-256 of the image
 * and are zero beyond. */
#include "io/h5_impl.h"

#include "base/memory.h"
#include "io/file.h"

#include <sha2.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { BLOCK_BYTES = 512, TRAILER_BYTES = 64, MAGIC_BYTES = 16 };
static const char block_magic[MAGIC_BYTES + 1] = "KADANOFF-DIGEST1";
static const char trailer_magic[MAGIC_BYTES + 1] = "KADANOFF-DIGEST2";

enum { CORE_INCREMENT = 1 << 20 };
static const size_t default_max_bytes = (size_t)1 << 33;

static hid_t core_access(void)
{
    hid_t fapl = H5Pcreate(H5P_FILE_ACCESS);
    if (fapl < 0) return -1;
    if (H5Pset_fapl_core(fapl, CORE_INCREMENT, 0) < 0 ||
        H5Pset_libver_bounds(fapl, H5F_LIBVER_EARLIEST, H5F_LIBVER_LATEST) < 0 ||
        H5Pset_fclose_degree(fapl, H5F_CLOSE_STRONG) < 0) {
        H5Pclose(fapl);
        return -1;
    }
    return fapl;
}

/* Failures are reported through kad_h5_reason, never printed; no plugins are loaded. */
static void quiet(void)
{
    H5open();
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    H5PLset_loading_state(0);
}

/* HDF5 knows in-memory files by their names, so every one gets its own. */
static void unique_name(char *name, size_t size)
{
    static atomic_ulong count;
    snprintf(name, size, "memory-%lu", atomic_fetch_add(&count, 1));
}

hid_t kad_h5_core_create(void)
{
    char name[40];
    quiet();
    unique_name(name, sizeof name);
    hid_t fapl = core_access(), fcpl = H5Pcreate(H5P_FILE_CREATE), id = -1;
    if (fapl >= 0 && fcpl >= 0 && H5Pset_obj_track_times(fcpl, 0) >= 0)
        id = H5Fcreate(name, H5F_ACC_TRUNC, fcpl, fapl);
    hid_t reason = H5Eget_current_stack(); /* closing would forget it */
    if (fapl >= 0) H5Pclose(fapl);
    if (fcpl >= 0) H5Pclose(fcpl);
    H5Eset_current_stack(reason);
    return id;
}

hid_t kad_h5_core_open(const void *image, size_t n_bytes)
{
    char name[40];
    quiet();
    unique_name(name, sizeof name);
    hid_t fapl = core_access(), id = -1;
    if (fapl < 0) return -1;
    /* the library copies the image; it does not write to ours */
    if (H5Pset_file_image(fapl, (void *)(uintptr_t)image, n_bytes) >= 0)
        id = H5Fopen(name, H5F_ACC_RDWR, fapl);
    hid_t reason = H5Eget_current_stack();
    H5Pclose(fapl);
    H5Eset_current_stack(reason);
    return id;
}

static kad_status new_file(kad_ctx *ctx, const char *name, kad_h5 **out)
{
    kad_status status = kad_new(ctx, 1, sizeof **out, out);
    if (status != KAD_OK) return status;
    (*out)->id = -1;
    (*out)->name = kad_strdup(name);
    if ((*out)->name) return KAD_OK;
    kad_h5_close(*out);
    *out = NULL;
    return kad_fail(ctx, KAD_ENOMEM, "out of memory");
}

kad_status kad_h5_create(kad_ctx *ctx, kad_h5 **out)
{
    kad_status status = new_file(ctx, "new file", out);
    if (status != KAD_OK) return status;
    (*out)->scales_known = true;
    (*out)->id = kad_h5_core_create();
    if ((*out)->id >= 0) return KAD_OK;
    kad_h5_close(*out);
    *out = NULL;
    return kad_fail(ctx, KAD_EINTERNAL, "cannot create an HDF5 file in memory: %s",
                    kad_h5_reason());
}

void kad_h5_close(kad_h5 *file)
{
    if (!file) return;
    if (file->id >= 0) H5Fclose(file->id);
    kad_h5_forget_scales(file, "/");
    kad_free(file->scales);
    kad_free(file->name);
    kad_free(file);
}

/* ---- digest ---- */

static void make_digest(const char *magic, const void *image, size_t n_bytes,
                        size_t digest_bytes, unsigned char *digest)
{
    SHA2_CTX sha;
    memset(digest, 0, digest_bytes);
    memcpy(digest, magic, MAGIC_BYTES);
    for (int i = 0; i < 8; i++)
        digest[MAGIC_BYTES + i] = (unsigned char)((uint64_t)n_bytes >> (8 * i));
    SHA256Init(&sha);
    SHA256Update(&sha, image, n_bytes);
    SHA256Final(digest + MAGIC_BYTES + 8, &sha);
}

/* What is wrong with a file that must have a user block; NULL when nothing is. */
static const char *block_problem(const char *data, size_t n_bytes)
{
    unsigned char digest[BLOCK_BYTES];
    if (n_bytes < BLOCK_BYTES) return "shorter than its user block";
    if (memcmp(data, block_magic, MAGIC_BYTES) != 0)
        return "it has no digest of this program";
    make_digest(block_magic, data + BLOCK_BYTES, n_bytes - BLOCK_BYTES, BLOCK_BYTES,
                digest);
    if (memcmp(data, digest, MAGIC_BYTES + 8) != 0)
        return "its length is not the one written (truncated?)";
    if (memcmp(data, digest, BLOCK_BYTES) != 0)
        return "its SHA-256 digest does not match";
    return NULL;
}

static bool has_trailer(const char *data, size_t n_bytes)
{
    return n_bytes >= TRAILER_BYTES &&
           memcmp(data + n_bytes - TRAILER_BYTES, trailer_magic, MAGIC_BYTES) == 0;
}

static bool trailer_matches(const char *data, size_t n_bytes)
{
    unsigned char digest[TRAILER_BYTES];
    size_t n = n_bytes - TRAILER_BYTES;
    make_digest(trailer_magic, data, n, TRAILER_BYTES, digest);
    return memcmp(data + n, digest, TRAILER_BYTES) == 0;
}

/* Checks whatever digest a file has, finds its image within the data, and says whether
 * the digest vouches for it. */
static kad_status find_image(kad_ctx *ctx, const char *path, bool demanded,
                             const char *data, size_t n_bytes, size_t *start, size_t *n,
                             bool *vouched)
{
    bool block = n_bytes >= BLOCK_BYTES && memcmp(data, block_magic, MAGIC_BYTES) == 0;
    *start = 0;
    *n = n_bytes;
    *vouched = true;
    if (demanded || block) {
        const char *problem = block_problem(data, n_bytes);
        if (problem) return kad_fail(ctx, KAD_EDATA, "%s: damaged: %s", path, problem);
        *start = BLOCK_BYTES;
        *n = n_bytes - BLOCK_BYTES;
    } else if (has_trailer(data, n_bytes)) {
        if (!trailer_matches(data, n_bytes))
            return kad_fail(ctx, KAD_EDATA,
                            "%s: damaged: its SHA-256 digest does not match", path);
        *n = n_bytes - TRAILER_BYTES;
    } else {
        *vouched = false;
    }
    return KAD_OK;
}

kad_status kad_h5_open(kad_ctx *ctx, const char *path, bool digest, size_t max_bytes,
                       kad_h5 **out)
{
    kad_status status;
    char *data = NULL;
    size_t n_file = 0, n = 0, start;
    bool vouched;
    kad_h5 *file = NULL;
    *out = NULL;
    KAD_TRY(kad_file_read(ctx, path, max_bytes ? max_bytes : default_max_bytes, &data,
                          &n_file));
    KAD_TRY(find_image(ctx, path, digest, data, n_file, &start, &n, &vouched));
    KAD_TRY(new_file(ctx, path, &file));
    file->image_bytes = n;
    if (!vouched) KAD_TRY(kad_h5_probe(ctx, file, data + start, n));
    file->id = kad_h5_core_open(data + start, n);
    if (file->id < 0)
        KAD_TRY(kad_fail(ctx, KAD_EDATA, "%s: not a readable HDF5 file: %s", path,
                         kad_h5_reason()));
    *out = file;
    file = NULL;
done:
    kad_h5_close(file);
    kad_free(data);
    return status;
}

/* The bytes of a file in memory, from kad_alloc. */
static kad_status get_image(kad_ctx *ctx, const kad_h5 *file, hid_t id, char **image,
                            size_t *n_bytes)
{
    kad_status status;
    *image = NULL;
    ssize_t n = H5Fflush(id, H5F_SCOPE_GLOBAL) < 0 ? -1 : H5Fget_file_image(id, NULL, 0);
    if (n <= 0)
        return kad_h5_fail(ctx, file, "/", KAD_EINTERNAL, "no file image: %s",
                           kad_h5_reason());
    KAD_TRY(kad_new(ctx, (size_t)n, 1, image));
    if (H5Fget_file_image(id, *image, (size_t)n) != n)
        KAD_TRY(kad_h5_fail(ctx, file, "/", KAD_EINTERNAL, "no file image: %s",
                            kad_h5_reason()));
    *n_bytes = (size_t)n;
    return KAD_OK;
done:
    kad_free(*image);
    *image = NULL;
    return status;
}

kad_status kad_h5_save_temporary(kad_ctx *ctx, kad_h5 *file, const char *path,
                                 bool digest)
{
    kad_status status;
    hid_t fresh = -1;
    char *image = NULL;
    size_t n = 0;
    unsigned char block[BLOCK_BYTES], trailer[TRAILER_BYTES];
    KAD_TRY(kad_h5_collect_scales(ctx, file));
    if (file->edited || file->n_scales > 0 || !digest)
        KAD_TRY(kad_h5_repack(ctx, file, &fresh));
    KAD_TRY(get_image(ctx, file, fresh >= 0 ? fresh : file->id, &image, &n));
    if (digest)
        make_digest(block_magic, image, n, BLOCK_BYTES, block);
    else
        make_digest(trailer_magic, image, n, TRAILER_BYTES, trailer);
    kad_piece pieces[3] = {{block, digest ? BLOCK_BYTES : 0},
                           {image, n},
                           {trailer, digest ? 0 : TRAILER_BYTES}};
    status = kad_file_write_temporary(ctx, path, 3, pieces);
done:
    if (fresh >= 0) H5Fclose(fresh);
    kad_free(image);
    return status;
}

kad_status kad_h5_save(kad_ctx *ctx, kad_h5 *file, const char *path, bool digest)
{
    kad_status status = kad_h5_save_temporary(ctx, file, path, digest);
    return status == KAD_OK ? kad_file_commit(ctx, path) : status;
}

kad_status kad_h5_check_digest(kad_ctx *ctx, const char *path, size_t max_bytes)
{
    char *data;
    size_t n;
    kad_status status =
        kad_file_read(ctx, path, max_bytes ? max_bytes : default_max_bytes, &data, &n);
    if (status != KAD_OK) return status;
    const char *problem = block_problem(data, n);
    if (problem) status = kad_fail(ctx, KAD_EDATA, "%s: damaged: %s", path, problem);
    kad_free(data);
    return status;
}
