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
#include "io/sha256.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    BLOCK_BYTES = 512,
    TRAILER_BYTES = 64,
    MAGIC_BYTES = 16,
    TAG_BYTES = KAD_H5_TAG /* the last of a trailer */
};
static const char block_magic[MAGIC_BYTES + 1] = "KADANOFF-DIGEST1";
static const char trailer_magic[MAGIC_BYTES + 1] = "KADANOFF-DIGEST2";

enum { CORE_INCREMENT = 1 << 20 };
static const size_t largest_file = (size_t)1 << 33;
static _Atomic size_t max_bytes; /* 0: largest_file; changed by tests only */

size_t kad_h5_max_bytes(void)
{
    size_t n = atomic_load(&max_bytes);
    return n ? n : largest_file;
}

void kad_h5_set_max_bytes(size_t n_bytes)
{
    atomic_store(&max_bytes, n_bytes);
}

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

static atomic_bool ready;

bool kad_h5_ready(void)
{
    return atomic_load(&ready);
}

/* H5open, whose failure prints to standard error whatever one asks for. */
static herr_t open_library(void)
{
    fflush(stderr);
    int saved = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (saved >= 0 && null >= 0) dup2(null, STDERR_FILENO);
    H5dont_atexit(); /* no use where the program had opened it before */
    herr_t result = H5open();
    if (saved >= 0 && null >= 0) dup2(saved, STDERR_FILENO);
    if (saved >= 0) close(saved);
    if (null >= 0) close(null);
    return result;
}

/* Failures are reported through kad_h5_reason, never printed; no plugins are loaded;
 * nothing is tidied up at exit, where HDF5 trips over what a failed call left behind. */
bool kad_h5_initialise(void)
{
    if (!kad_h5_ready() && open_library() < 0) return false;
    atomic_store(&ready, true);
    errno = 0;
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    H5PLset_loading_state(0);
    return true;
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
    if (!kad_h5_initialise()) return -1;
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
    if (!kad_h5_initialise()) return -1;
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
    (*out)->starved = &(*out)->starved_flag;
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
    (*out)->scales_known = (*out)->vouched = true;
    (*out)->id = kad_h5_core_create();
    if ((*out)->id >= 0) return KAD_OK;
    status = kad_h5_fail(ctx, *out, "/", KAD_EINTERNAL, "cannot be made in memory: %s",
                         kad_h5_reason());
    kad_h5_close(*out);
    *out = NULL;
    return status;
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

/* The tag, NULL: none, is the end of it. */
static void make_digest(const char *magic, const void *image, size_t n_bytes,
                        const char *tag, size_t digest_bytes, unsigned char *digest)
{
    kad_sha256 sha;
    memset(digest, 0, digest_bytes);
    memcpy(digest, magic, MAGIC_BYTES);
    for (int i = 0; i < 8; i++)
        digest[MAGIC_BYTES + i] = (unsigned char)((uint64_t)n_bytes >> (8 * i));
    kad_sha256_begin(&sha);
    kad_sha256_add(&sha, image, n_bytes);
    if (tag != NULL && *tag != 0) {
        memcpy(digest + digest_bytes - TAG_BYTES, tag, TAG_BYTES);
        kad_sha256_add(&sha, tag, TAG_BYTES);
    }
    kad_sha256_end(&sha, digest + MAGIC_BYTES + 8);
}

/* What is wrong with a file that must have a user block; NULL when nothing is. */
static const char *block_problem(const char *data, size_t n_bytes)
{
    unsigned char digest[BLOCK_BYTES];
    if (n_bytes < BLOCK_BYTES) return "shorter than its user block";
    if (memcmp(data, block_magic, MAGIC_BYTES) != 0)
        return "it has no digest of this program";
    make_digest(block_magic, data + BLOCK_BYTES, n_bytes - BLOCK_BYTES, NULL, BLOCK_BYTES,
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
    make_digest(trailer_magic, data, n, data + n_bytes - TAG_BYTES, TRAILER_BYTES,
                digest);
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

/* ---- what a file's first and last bytes say ---- */

enum { END_BYTES = 4096, MOST_USER_BLOCK = 2048 };
static const unsigned char signature[8] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};

static uint64_t little_endian(const unsigned char *bytes, size_t n)
{
    uint64_t value = 0;
    while (n-- > 0)
        value = value << 8 | bytes[n];
    return value;
}

/* The superblock: at 0 or behind a user block of 512, 1024, ... bytes; NULL: none. */
static const unsigned char *superblock_of(const unsigned char *head)
{
    if (memcmp(head, signature, sizeof signature) == 0) return head;
    for (size_t at = BLOCK_BYTES; at <= MOST_USER_BLOCK; at *= 2)
        if (memcmp(head + at, signature, sizeof signature) == 0) return head + at;
    return NULL;
}

/* The bytes a file without a digest claims to have: base and end-of-file addresses of the
 * superblock; 0: cannot be told. */
static uint64_t claimed_bytes(const unsigned char *head)
{
    static const size_t bases[] = {24, 28, 12, 12}; /* by version */
    const unsigned char *block = superblock_of(head);
    if (!block || block[8] >= 4) return 0;
    const size_t n = block[block[8] < 2 ? 13 : 9], base = bases[block[8]];
    if (n < 2 || n > 8) return 0;
    uint64_t start = little_endian(block + base, n);
    uint64_t end = little_endian(block + base + 2 * n, n), sum;
    return __builtin_add_overflow(start, end, &sum) ? 0 : sum;
}

/* Before a large file is read: it must be of a kind known here, and no longer than its
 * own header accounts for; else a hole of gigabytes would be taken for data. */
static kad_status check_ends(kad_ctx *ctx, const char *path, bool digest, size_t most)
{
    enum { SLACK_BYTES = 1 << 20 };
    unsigned char head[END_BYTES], tail[END_BYTES];
    size_t n;
    kad_status status = kad_file_ends(ctx, path, END_BYTES, head, tail, &n);
    if (status != KAD_OK) return status;
    if (n > most)
        return kad_fail(ctx, KAD_EDATA, "%s: %zu bytes, at most %zu are allowed", path, n,
                        most);
    uint64_t claimed = claimed_bytes(head);
    const unsigned char *trailer = tail + END_BYTES - TRAILER_BYTES;
    if (memcmp(head, block_magic, MAGIC_BYTES) == 0)
        claimed = little_endian(head + MAGIC_BYTES, 8) + BLOCK_BYTES;
    else if (digest && n <= SLACK_BYTES)
        return KAD_OK; /* what is wrong will be said */
    else if (digest)
        return kad_fail(ctx, KAD_EDATA, "%s: damaged: it has no digest of this program",
                        path);
    else if (!superblock_of(head))
        return kad_fail(ctx, KAD_EDATA, "%s: not a readable HDF5 file", path);
    else if (memcmp(trailer, trailer_magic, MAGIC_BYTES) == 0)
        claimed = little_endian(trailer + MAGIC_BYTES, 8) + TRAILER_BYTES;
    if (n > SLACK_BYTES && n - SLACK_BYTES > claimed)
        return kad_fail(ctx, KAD_EDATA,
                        "%s: damaged: of its %zu bytes its header accounts for %llu",
                        path, n, (unsigned long long)claimed);
    /* the file and HDF5's copy of it */
    const size_t available = n > SLACK_BYTES ? kad_memory_available_bytes() : SIZE_MAX;
    if (n > available / 2)
        return kad_fail(ctx, KAD_ENOMEM,
                        "%s: reading it takes %.0f MiB of memory, but only %.0f MiB are "
                        "available to this process",
                        path, 2 * (double)n / 0x1p20, (double)available / 0x1p20);
    return KAD_OK;
}

kad_status kad_h5_check_kind(kad_ctx *ctx, const char *path)
{
    return check_ends(ctx, path, false, kad_h5_max_bytes());
}

kad_status kad_h5_load(kad_ctx *ctx, const char *path, bool digest, size_t most,
                       char **data, size_t *n_bytes)
{
    if (most == 0) most = kad_h5_max_bytes();
    KAD_CALL(check_ends(ctx, path, digest, most));
    return kad_file_read(ctx, path, most, data, n_bytes);
}

kad_status kad_h5_open(kad_ctx *ctx, const char *path, bool digest, size_t most,
                       kad_h5 **out)
{
    KAD_LOCAL(char, data);
    size_t n_file = 0;
    *out = NULL;
    KAD_CALL(kad_h5_load(ctx, path, digest, most, &data, &n_file));
    return kad_h5_open_bytes(ctx, path, digest, data, n_file, out);
}

kad_status kad_h5_open_bytes(kad_ctx *ctx, const char *path, bool digest,
                             const char *data, size_t n_file, kad_h5 **out)
{
    size_t n = 0, start;
    bool vouched;
    KAD_LOCAL(kad_h5, file);
    *out = NULL;
    KAD_CALL(find_image(ctx, path, digest, data, n_file, &start, &n, &vouched));
    KAD_CALL(new_file(ctx, path, &file));
    file->image_bytes = n;
    file->vouched = vouched;
    if (!vouched) KAD_CALL(kad_h5_probe(ctx, file, data + start, n));
    file->id = kad_h5_core_open(data + start, n);
    if (file->id < 0)
        KAD_CALL(kad_h5_fail(ctx, file, "/", KAD_EDATA, "not a readable HDF5 file: %s",
                             kad_h5_reason()));
    *out = file;
    file = NULL;
    return KAD_OK;
}

size_t kad_h5_bytes(const kad_h5 *file)
{
    return file->image_bytes;
}

/* The bytes of a file in memory, from kad_alloc. */
static kad_status get_image(kad_ctx *ctx, const kad_h5 *file, hid_t id, char **image,
                            size_t *n_bytes)
{
    KAD_LOCAL(char, bytes);
    *image = NULL;
    ssize_t n = H5Fflush(id, H5F_SCOPE_GLOBAL) < 0 ? -1 : H5Fget_file_image(id, NULL, 0);
    if (n <= 0)
        return kad_h5_fail(ctx, file, "/", KAD_EINTERNAL, "no file image: %s",
                           kad_h5_reason());
    KAD_CALL(kad_new(ctx, (size_t)n, 1, &bytes));
    if (H5Fget_file_image(id, bytes, (size_t)n) != n)
        return kad_h5_fail(ctx, file, "/", KAD_EINTERNAL, "no file image: %s",
                           kad_h5_reason());
    *n_bytes = (size_t)n;
    *image = bytes;
    bytes = NULL;
    return KAD_OK;
}

static void close_file(hid_t *id)
{
    if (*id >= 0) H5Fclose(*id);
}

kad_status kad_h5_save_temporary(kad_ctx *ctx, kad_h5 *file, const char *path,
                                 bool digest)
{
    hid_t fresh KAD_CLEARED(close_file) = -1;
    KAD_LOCAL(char, image);
    size_t n = 0;
    unsigned char block[BLOCK_BYTES], trailer[TRAILER_BYTES];
    KAD_CALL(kad_h5_collect_scales(ctx, file));
    if (file->edited || file->n_scales > 0 || !digest)
        KAD_CALL(kad_h5_repack(ctx, file, !digest, &fresh));
    KAD_CALL(get_image(ctx, file, fresh >= 0 ? fresh : file->id, &image, &n));
    if (digest)
        make_digest(block_magic, image, n, NULL, BLOCK_BYTES, block);
    else
        make_digest(trailer_magic, image, n, file->tag, TRAILER_BYTES, trailer);
    size_t n_file = n + (digest ? BLOCK_BYTES : TRAILER_BYTES);
    if (n_file > kad_h5_max_bytes())
        return kad_fail(ctx, KAD_ECONFIG,
                        "%s: %zu bytes would be written, but only files of %zu are read "
                        "back: store fewer draws or configurations",
                        path, n_file, kad_h5_max_bytes());
    kad_file_piece pieces[3] = {{block, digest ? BLOCK_BYTES : 0},
                                {image, n},
                                {trailer, digest ? 0 : TRAILER_BYTES}};
    return kad_file_write_temporary(ctx, path, 3, pieces);
}

kad_status kad_h5_save(kad_ctx *ctx, kad_h5 *file, const char *path, bool digest)
{
    kad_status status = kad_h5_save_temporary(ctx, file, path, digest);
    return status == KAD_OK ? kad_file_commit(ctx, path) : status;
}

void kad_h5_set_tag(kad_h5 *file, const char *tag)
{
    memset(file->tag, 0, TAG_BYTES);
    memcpy(file->tag, tag, strnlen(tag, TAG_BYTES));
}

void kad_h5_tag(kad_ctx *ctx, const char *path, char tag[KAD_H5_TAG + 1])
{
    unsigned char head[TRAILER_BYTES], tail[TRAILER_BYTES];
    size_t n;
    memset(tag, 0, TAG_BYTES + 1);
    if (kad_file_ends(ctx, path, TRAILER_BYTES, head, tail, &n) == KAD_OK &&
        memcmp(tail, trailer_magic, MAGIC_BYTES) == 0 &&
        little_endian(tail + MAGIC_BYTES, 8) == (uint64_t)n - TRAILER_BYTES)
        memcpy(tag, tail + TRAILER_BYTES - TAG_BYTES, TAG_BYTES);
}

kad_status kad_h5_check_digest(kad_ctx *ctx, const char *path)
{
    char *data;
    size_t n;
    kad_status status = kad_file_read(ctx, path, kad_h5_max_bytes(), &data, &n);
    if (status != KAD_OK) return status;
    const char *problem = block_problem(data, n);
    if (problem) status = kad_fail(ctx, KAD_EDATA, "%s: damaged: %s", path, problem);
    kad_free(data);
    return status;
}
