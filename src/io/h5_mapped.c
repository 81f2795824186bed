#include "io/h5_impl.h"
#include "io/mapped.h"

#include "io/digest.h"
#include "io/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { MAPPED_BLOCK = 2048, PIECE_BYTES = 1 << 24 };
static const char magic[16] = "KADANOFF-MAPPED";

typedef struct entry {
    uint64_t offset, n_bytes, rank, dims[KAD_MAPPED_RANK];
} entry;

/* As it is on the disk of a little-endian machine; another one does not know the magic. */
typedef struct block {
    char magic[16], key[64];
    uint64_t order; /* 1: of the bytes of a word */
    uint64_t n_file, sum, n_arrays;
    entry array[KAD_MAPPED_ARRAYS];
    uint64_t own; /* sum of what stands before it */
} block;
_Static_assert(sizeof(block) <= MAPPED_BLOCK, "the user block holds the table");

/* --- a hash that keeps up with the disk ------------------------------------------------ */

static uint64_t mix(uint64_t h)
{
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93u;
    return h ^ (h >> 29);
}

/* Four chains of 64-bit words, so that multiplications overlap. */
static uint64_t hash(const void *data, size_t n_bytes, uint64_t seed)
{
    uint64_t h[4] = {seed, seed + 1, seed + 2, seed + 3}, word[4];
    const unsigned char *p = data;
    for (; n_bytes >= sizeof word; n_bytes -= sizeof word, p += sizeof word) {
        memcpy(word, p, sizeof word);
        for (int k = 0; k < 4; k++)
            h[k] = (h[k] ^ word[k]) * 0x9e3779b97f4a7c15u + (h[k] >> 31);
    }
    memset(word, 0, sizeof word);
    memcpy(word, p, n_bytes);
    word[3] ^= (uint64_t)n_bytes << 56;
    uint64_t out = seed;
    for (int k = 0; k < 4; k++)
        out = mix(out + mix(h[k] ^ word[k]));
    return out;
}

/* Of all arrays, a piece at a time, whose pages then leave this process again. */
static uint64_t hash_arrays(const block *b, void *file)
{
    uint64_t sum = b->n_arrays;
    for (size_t i = 0; i < b->n_arrays; i++)
        for (size_t at = 0; at < b->array[i].n_bytes; at += PIECE_BYTES) {
            const size_t left = b->array[i].n_bytes - at;
            sum = hash((const char *)file + b->array[i].offset + at,
                       left < PIECE_BYTES ? left : PIECE_BYTES, sum);
            madvise(file, b->n_file, MADV_DONTNEED);
        }
    return sum;
}

/* --- writing --------------------------------------------------------------------------- */

struct kad_mapped_writer {
    char *path, *temporary;
    int fd;
    block block;
};

static hid_t element(kad_h5_type type)
{
    return type == KAD_H5_U8    ? H5T_STD_U8LE
           : type == KAD_H5_I64 ? H5T_STD_I64LE
           : type == KAD_H5_U64 ? H5T_STD_U64LE
           : type == KAD_H5_F32 ? H5T_IEEE_F32LE
                                : H5T_IEEE_F64LE;
}

static bool set_text(hid_t dataset, const char *name, const char *text)
{
    if (text == NULL) return true;
    const hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
    hid_t attr = -1;
    if (type >= 0 && space >= 0 && H5Tset_size(type, strlen(text) + 1) >= 0)
        attr = H5Acreate2(dataset, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    const bool done = attr >= 0 && H5Awrite(attr, type, text) >= 0;
    if (attr >= 0) H5Aclose(attr);
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    return done;
}

/* An array without values; where its bytes will lie. */
static bool reserve(hid_t file, const kad_mapped_array *a, entry *e)
{
    hsize_t dims[KAD_MAPPED_RANK];
    const hid_t type = element(a->type);
    *e = (entry){.rank = (uint64_t)a->rank, .n_bytes = H5Tget_size(type)};
    for (int i = 0; i < a->rank; i++) {
        dims[i] = e->dims[i] = a->dims[i];
        if (__builtin_mul_overflow(e->n_bytes, e->dims[i], &e->n_bytes)) return false;
    }
    const hid_t space = H5Screate_simple(a->rank, dims, NULL);
    const hid_t create = H5Pcreate(H5P_DATASET_CREATE);
    const hid_t link = H5Pcreate(H5P_LINK_CREATE);
    hid_t dataset = -1;
    bool done = space >= 0 && create >= 0 && link >= 0 &&
                H5Pset_create_intermediate_group(link, 1) >= 0 &&
                H5Pset_obj_track_times(create, 0) >= 0 &&
                H5Pset_layout(create, H5D_CONTIGUOUS) >= 0 &&
                H5Pset_fill_time(create, H5D_FILL_TIME_NEVER) >= 0 &&
                H5Pset_alloc_time(create, H5D_ALLOC_TIME_EARLY) >= 0;
    if (done) dataset = H5Dcreate2(file, a->path, type, space, link, create, H5P_DEFAULT);
    done = dataset >= 0 && set_text(dataset, "units", a->units) &&
           set_text(dataset, "long_name", a->long_name);
    if (done && e->n_bytes > 0) {
        const haddr_t at = H5Dget_offset(dataset); /* behind the user block, too */
        done = at != HADDR_UNDEF;
        e->offset = at;
    }
    if (dataset >= 0) H5Dclose(dataset);
    if (link >= 0) H5Pclose(link);
    if (create >= 0) H5Pclose(create);
    if (space >= 0) H5Sclose(space);
    return done;
}

/* The file with all its arrays, but for what stands in them. */
static bool lay_out(const char *path, size_t n, const kad_mapped_array *arrays, block *b)
{
    const hid_t fcpl = H5Pcreate(H5P_FILE_CREATE), fapl = H5Pcreate(H5P_FILE_ACCESS);
    hid_t file = -1;
    if (fcpl >= 0 && fapl >= 0 && H5Pset_userblock(fcpl, MAPPED_BLOCK) >= 0 &&
        H5Pset_obj_track_times(fcpl, 0) >= 0 &&
        H5Pset_alignment(fapl, 1, KAD_ALIGN) >= 0 &&
        H5Pset_libver_bounds(fapl, H5F_LIBVER_EARLIEST, H5F_LIBVER_LATEST) >= 0)
        file = H5Fcreate(path, H5F_ACC_TRUNC, fcpl, fapl);
    bool done = file >= 0;
    b->n_arrays = n;
    for (size_t i = 0; done && i < n; i++)
        done = reserve(file, &arrays[i], &b->array[i]);
    if (file >= 0 && H5Fclose(file) < 0) done = false;
    if (fapl >= 0) H5Pclose(fapl);
    if (fcpl >= 0) H5Pclose(fcpl);
    return done;
}

static double bytes_of(size_t n, const kad_mapped_array *arrays)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        double bytes = arrays[i].type == KAD_H5_U8 ? 1 : 8;
        for (int k = 0; k < arrays[i].rank; k++)
            bytes *= (double)arrays[i].dims[k];
        sum += bytes;
    }
    return sum;
}

static kad_status cannot(kad_ctx *ctx, const char *path, const char *what, int why)
{
    return kad_fail(ctx, kad_errno_status(why, KAD_ECREATE), "%s: cannot be %s: %s", path,
                    what, strerror(why));
}

/* ".tmp.PID" */
static bool is_temporary(const char *end)
{
    if (strncmp(end, ".tmp.", 5) != 0) return false;
    const size_t n = strspn(end + 5, "0123456789");
    return n > 0 && end[5 + n] == '\0';
}

/* Of an entry of a folder: is it a file that nobody writes any more? Writers hold a lock; where
 * locks do not reach other machines, or there are none, age decides alone. */
static bool is_abandoned(int folder, const char *name, bool own)
{
    enum { OLD = 86400 }; /* seconds */
    struct stat info;
    const int fd = openat(folder, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) return false;
    const bool file = fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
    const bool old =
        file && time(NULL) - info.st_mtime > OLD && !kad_file_is_held(fd, NULL);
    close(fd);
    return file && (own || old);
}

void kad_mapped_clear(const char *path, bool own)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const size_t n = strlen(name);
    const int folder = kad_file_folder(path);
    DIR *dir = folder >= 0 ? fdopendir(folder) : NULL;
    if (dir == NULL && folder >= 0) close(folder);
    if (dir == NULL) return;
    for (const struct dirent *file = readdir(dir); file; file = readdir(dir))
        if (strncmp(file->d_name, name, n) == 0 && is_temporary(file->d_name + n) &&
            is_abandoned(folder, file->d_name, own))
            unlinkat(folder, file->d_name, 0);
    closedir(dir);
}

kad_status kad_mapped_begin(kad_ctx *ctx, const char *path, size_t n,
                            const kad_mapped_array *arrays, kad_mapped_writer **out)
{
    KAD_LOCAL(kad_mapped_writer, w);
    struct stat info;
    *out = NULL;
    if (n > KAD_MAPPED_ARRAYS)
        return kad_fail(ctx, KAD_EINTERNAL, "%s: %zu arrays", path, n);
    KAD_CALL(kad_file_require_space(ctx, path, bytes_of(n, arrays), "what is read"));
    KAD_CALL(kad_new(ctx, 1, sizeof *w, &w));
    w->fd = -1;
    w->path = kad_strdup(path);
    KAD_CALL(kad_new(ctx, strlen(path) + 32, 1, &w->temporary));
    if (w->path == NULL) return kad_fail(ctx, KAD_ENOMEM, "out of memory");
    /* of this process: two runs may fill one cache */
    snprintf(w->temporary, strlen(path) + 32, "%s.tmp.%ld", path, (long)getpid());
    if (unlink(w->temporary) != 0 && errno != ENOENT)
        return cannot(ctx, path, "created", errno);
    w->fd = open(w->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (w->fd < 0) return cannot(ctx, path, "created", errno);
    if (!kad_h5_initialise() || !lay_out(w->temporary, n, arrays, &w->block))
        return kad_fail(ctx, KAD_EIO, "%s: cannot be laid out: %s", path,
                        kad_h5_reason());
    if (fstat(w->fd, &info) != 0) return cannot(ctx, path, "written", errno);
    (void)kad_file_lock(w->fd); /* where there are locks */
    w->block.n_file = (uint64_t)info.st_size;
    for (size_t i = 0; i < n; i++)
        if (w->block.array[i].offset + w->block.array[i].n_bytes > w->block.n_file)
            return kad_fail(ctx, KAD_EINTERNAL, "%s: array %zu is not in the file", path,
                            i);
    *out = w;
    w = NULL;
    return KAD_OK;
}

static kad_status put(kad_ctx *ctx, kad_mapped_writer *w, uint64_t at, size_t n_bytes,
                      const char *data)
{
    while (n_bytes > 0) {
        ssize_t done;
        KAD_RETRY(done, pwrite(w->fd, data, n_bytes, (off_t)at));
        if (done <= 0)
            return kad_fail(ctx, KAD_EIO, "%s: cannot be written: %s", w->path,
                            strerror(errno));
        data += done;
        at += (uint64_t)done;
        n_bytes -= (size_t)done;
    }
    return KAD_OK;
}

kad_status kad_mapped_write(kad_ctx *ctx, kad_mapped_writer *w, size_t i, size_t at,
                            size_t n_bytes, const void *data)
{
    const entry *e = &w->block.array[i];
    if (at > e->n_bytes || n_bytes > e->n_bytes - at)
        return kad_fail(ctx, KAD_EINTERNAL, "%s: array %zu: bytes %zu to %zu of %llu",
                        w->path, i, at, at + n_bytes, (unsigned long long)e->n_bytes);
    return put(ctx, w, e->offset + at, n_bytes, data);
}

kad_status kad_mapped_digest(kad_ctx *ctx, kad_mapped_writer *w, size_t i,
                             char digest[KAD_MAPPED_KEY_CHARS])
{
    const entry *e = &w->block.array[i];
    return kad_digest_range(ctx, w->fd, w->path, e->offset, e->n_bytes, digest);
}

kad_status kad_mapped_finish(kad_ctx *ctx, kad_mapped_writer *w, const char *key)
{
    block *b = &w->block;
    int result;
    void *file = mmap(NULL, b->n_file, PROT_READ, MAP_SHARED, w->fd, 0);
    if (file == MAP_FAILED) return cannot(ctx, w->path, "mapped", errno);
    memcpy(b->magic, magic, sizeof magic);
    memcpy(b->key, key, sizeof b->key);
    b->order = 1;
    b->sum = hash_arrays(b, file);
    b->own = hash(b, offsetof(block, own), 0);
    munmap(file, b->n_file);
    KAD_CALL(put(ctx, w, 0, sizeof *b, (const char *)b));
    KAD_RETRY(result, fsync(w->fd));
    if (result != 0) return cannot(ctx, w->path, "written", errno);
    KAD_RETRY(result, rename(w->temporary, w->path));
    if (result != 0) return cannot(ctx, w->path, "replaced", errno);
    close(w->fd);
    w->fd = -1;
    return kad_file_sync_folder(ctx, w->path);
}

void kad_mapped_writer_destroy(kad_mapped_writer *w)
{
    if (w == NULL) return;
    if (w->fd >= 0) {
        close(w->fd);
        unlink(w->temporary);
    }
    kad_free(w->path);
    kad_free(w->temporary);
    kad_free(w);
}

/* --- reading --------------------------------------------------------------------------- */

struct kad_mapped {
    void *file;
    block block;
};

/* What is wrong with a file of n_file bytes that begins with this block; NULL: nothing. */
static const char *problem_of(const block *b, uint64_t n_file)
{
    if (b->order != 1) return "it was made on a machine of another order of bytes";
    if (b->own != hash(b, offsetof(block, own), 0)) return "its table does not add up";
    if (b->n_file != n_file) return "its length is not the one written";
    if (b->n_arrays > KAD_MAPPED_ARRAYS) return "its table is too long";
    for (size_t i = 0; i < b->n_arrays; i++) {
        const entry *e = &b->array[i];
        if (e->rank > KAD_MAPPED_RANK || e->offset % KAD_ALIGN != 0 ||
            e->offset > n_file || e->n_bytes > n_file - e->offset)
            return "its table leads out of it";
    }
    return NULL;
}

static kad_status open_file(kad_ctx *ctx, int fd, const char *path, const char *key,
                            kad_mapped **out)
{
    KAD_LOCAL(kad_mapped, file);
    struct stat info;
    ssize_t n;
    KAD_CALL(kad_new(ctx, 1, sizeof *file, &file));
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) return KAD_OK;
    KAD_RETRY(n, pread(fd, &file->block, sizeof file->block, 0));
    if (n != (ssize_t)sizeof file->block) return KAD_OK;
    const block *b = &file->block;
    if (memcmp(b->magic, magic, sizeof magic) != 0) return KAD_OK;
    if (memcmp(b->key, key, sizeof b->key) != 0) return KAD_OK;
    const char *problem = problem_of(b, (uint64_t)info.st_size);
    if (problem == NULL) {
        void *map = mmap(NULL, b->n_file, PROT_READ, MAP_SHARED, fd, 0);
        if (map == MAP_FAILED) return cannot(ctx, path, "mapped", errno);
        file->file = map;
        if (hash_arrays(b, map) != b->sum) problem = "its bytes are not those written";
        kad_mapped_rest(file);
    }
    if (problem != NULL)
        return kad_fail(ctx, KAD_EDATA, "%s: damaged: %s (delete it: it is made again)",
                        path, problem);
    *out = file;
    file = NULL;
    return KAD_OK;
}

kad_status kad_mapped_open(kad_ctx *ctx, const char *path, const char *key,
                           kad_mapped **out)
{
    int fd;
    *out = NULL;
    KAD_RETRY(fd, open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) return KAD_OK;
    if (fd < 0)
        return kad_fail(ctx, kad_errno_status(errno, KAD_EIO), "%s: %s", path,
                        strerror(errno));
    const kad_status status = open_file(ctx, fd, path, key, out);
    close(fd);
    return status;
}

void kad_mapped_close(kad_mapped *file)
{
    if (file == NULL) return;
    if (file->file != NULL) munmap(file->file, file->block.n_file);
    kad_free(file);
}

const void *kad_mapped_data(const kad_mapped *file, size_t i, int *rank,
                            size_t dims[KAD_MAPPED_RANK])
{
    const entry *e = &file->block.array[i];
    *rank = (int)e->rank;
    for (int k = 0; k < KAD_MAPPED_RANK; k++)
        dims[k] = (size_t)e->dims[k];
    return (const char *)file->file + e->offset;
}

void kad_mapped_rest(const kad_mapped *file)
{
    madvise(file->file, file->block.n_file, MADV_DONTNEED);
}
