/* A folder of pictures, with all folders in it, in the order of their names; or one file.
 * Links are followed, but not into a folder that is being walked. Names that begin with a
 * point are passed over. The folder of a picture below the first is its class; one of a name
 * like "train" or "test" says which pictures are held out. */
#include "image/source.h"

#include "io/file.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_DEPTH = 32, MAX_FILES = 1 << 24, BLOCK_BYTES = 1 << 20 };

typedef struct folder {
    size_t n, room;
    const char **path; /* [n], below the source's path where that is a folder */
    bool one;          /* the source is one file */
    int *class;        /* [n]; NULL: there is but one */
    uint64_t state;    /* of all names, sizes and times of change */
    char *block;       /* where the next name goes, */
    size_t left;       /* with so many bytes */
} folder;

/* The folders that are being walked, from the inside out. */
typedef struct walk {
    const struct walk *outer;
    dev_t device;
    ino_t inode;
    int depth;
} walk;

static uint64_t add_bytes(uint64_t h, const void *data, size_t n)
{
    for (const unsigned char *p = data; n > 0; n--, p++)
        h = (h ^ *p) * 0x100000001b3u;
    return h;
}

/* A million names, but few allocations. */
static kad_status keep(kad_scope *in, folder *f, const char *text, const char **out)
{
    const size_t n = strlen(text) + 1;
    if (f->left < n) {
        f->left = n > BLOCK_BYTES ? n : BLOCK_BYTES;
        KAD_CALL(kad_take(in, f->left, &f->block));
    }
    *out = memcpy(f->block, text, n);
    f->block += n;
    f->left -= n;
    return KAD_OK;
}

static kad_status add(kad_scope *in, folder *f, const char *path, const struct stat *info)
{
    if (f->n == MAX_FILES)
        return kad_fail(in->ctx, KAD_EDATA, "%s: more than %d files", path, MAX_FILES);
    if (f->n == f->room) {
        const char **more;
        f->room = f->room ? 2 * f->room : 1024;
        KAD_CALL(kad_take(in, f->room, &more));
        for (size_t i = 0; i < f->n; i++)
            more[i] = f->path[i];
        f->path = more;
    }
    const int64_t facts[3] = {info->st_size, info->st_mtim.tv_sec, info->st_mtim.tv_nsec};
    f->state =
        add_bytes(add_bytes(f->state, path, strlen(path) + 1), facts, sizeof facts);
    KAD_CALL(keep(in, f, path, &f->path[f->n]));
    f->n++;
    return KAD_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void close_folder(DIR **dir)
{
    if (*dir != NULL) closedir(*dir);
}

/* Names in a folder, sorted, but for those that begin with a point. */
static kad_status list(kad_scope *in, const char *path, size_t *n, const char ***names)
{
    size_t room = 0;
    const struct dirent *entry;
    DIR *dir KAD_CLEARED(close_folder) = opendir(path);
    *n = 0;
    *names = NULL;
    if (dir == NULL)
        return kad_fail(in->ctx, kad_errno_status(errno, KAD_ENOINPUT), "%s: %s", path,
                        strerror(errno));
    while (errno = 0, (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.') continue;
        if (*n == room) {
            const char **more;
            room = room ? 2 * room : 256;
            KAD_CALL(kad_take(in, room, &more));
            for (size_t i = 0; i < *n; i++)
                more[i] = (*names)[i];
            *names = more;
        }
        KAD_CALL(kad_take_text(in, entry->d_name, &(*names)[*n]));
        ++*n;
    }
    if (errno != 0)
        return kad_fail(in->ctx, kad_errno_status(errno, KAD_EIO), "%s: %s", path,
                        strerror(errno));
    if (*n > 0) qsort(*names, *n, sizeof **names, by_name);
    return KAD_OK;
}

static bool is_walked(const walk *w, const struct stat *info)
{
    for (; w != NULL; w = w->outer)
        if (w->device == info->st_dev && w->inode == info->st_ino) return true;
    return false;
}

static kad_status descend(kad_scope *in, folder *f, const char *root, const char *below,
                          const walk *outer)
{
    KAD_SCOPE(scope, in->ctx);
    struct stat info;
    const char *path, **names;
    size_t n;
    KAD_CALL(kad_take_printf(&scope, &path, "%s%s%s", root, *below ? "/" : "", below));
    if (stat(path, &info) != 0)
        return kad_fail(in->ctx, kad_errno_status(errno, KAD_ENOINPUT), "%s: %s", path,
                        strerror(errno));
    const walk here = {outer, info.st_dev, info.st_ino, outer ? outer->depth + 1 : 0};
    if (is_walked(outer, &info) || here.depth > MAX_DEPTH) {
        kad_note(in->ctx, "%s: not followed: %s", path,
                 here.depth > MAX_DEPTH ? "too many folders in folders"
                                        : "it leads to a folder that holds it");
        return KAD_OK;
    }
    KAD_CALL(list(&scope, path, &n, &names));
    for (size_t i = 0; i < n; i++) {
        KAD_SCOPE(own, in->ctx);
        const char *inner, *file;
        KAD_CALL(
            kad_take_printf(&own, &inner, "%s%s%s", below, *below ? "/" : "", names[i]));
        KAD_CALL(kad_take_printf(&own, &file, "%s/%s", path, names[i]));
        if (stat(file, &info) != 0) {
            if (errno == ENOMEM) return kad_fail(in->ctx, KAD_ENOMEM, "out of memory");
            info = (struct stat){0}; /* a link that leads nowhere: will be said */
        }
        KAD_CALL(S_ISDIR(info.st_mode) ? descend(in, f, root, inner, &here)
                                       : add(in, f, inner, &info));
    }
    return KAD_OK;
}

/* Without the name of a folder that says who is held out; that folder's side. */
static const char *own_name(const char *name, kad_image_side *side)
{
    static const struct {
        const char *folder;
        kad_image_side side;
    } sides[] = {{"train/", KAD_IMAGE_TRAIN},
                 {"test/", KAD_IMAGE_HELD_OUT},
                 {"val/", KAD_IMAGE_HELD_OUT},
                 {"held_out/", KAD_IMAGE_HELD_OUT}};
    *side = KAD_IMAGE_ANY;
    for (size_t i = 0; i < sizeof sides / sizeof sides[0]; i++)
        if (!strncmp(name, sides[i].folder, strlen(sides[i].folder))) {
            *side = sides[i].side;
            return name + strlen(sides[i].folder);
        }
    return name;
}

typedef struct word {
    const char *text;
    size_t n;
} word;

static bool same(word a, word b)
{
    return a.n == b.n && strncmp(a.text, b.text, a.n) == 0;
}

/* Classes are numbered as their folders come; those of both sides agree where their names
 * do. */
static kad_status find_classes(kad_scope *in, folder *f)
{
    KAD_SCOPE(scope, in->ctx);
    word *known;
    int n_known = 0, k = 0;
    KAD_CALL(kad_take(&scope, f->n, &known));
    KAD_CALL(kad_take(in, f->n, &f->class));
    for (size_t i = 0; i < f->n; i++) {
        kad_image_side side;
        const char *name = own_name(f->path[i], &side), *end = strchr(name, '/');
        const word own = {name, end ? (size_t)(end - name) : 0};
        if (k == n_known || !same(known[k], own)) /* not that of the last one */
            for (k = 0; k < n_known && !same(known[k], own);)
                k++;
        if (k == n_known) known[n_known++] = own;
        f->class[i] = k;
    }
    if (n_known < 2) f->class = NULL;
    return KAD_OK;
}

static bool is_folder(const kad_image_path *path)
{
    return path->folder;
}

static bool is_picture(const kad_image_path *path)
{
    return !path->folder && kad_picture_format_of(path->head, path->n_head) != NULL;
}

static kad_status open_folder(kad_scope *in, const kad_image_options *o,
                              kad_image_source *s)
{
    static const char *const label_name[] = {"class"};
    folder *f;
    struct stat info = {0};
    (void)o;
    KAD_CALL(kad_take(in, 1, &f));
    s->self = f;
    f->one = s->ops->is == is_picture;
    f->state = 0xcbf29ce484222325u;
    if (f->one) {
        if (stat(s->path, &info) != 0)
            return kad_fail(in->ctx, KAD_ENOINPUT, "%s: %s", s->path, strerror(errno));
        KAD_CALL(add(in, f, s->path, &info));
    } else {
        KAD_CALL(descend(in, f, s->path, "", NULL));
    }
    KAD_CALL(find_classes(in, f));
    s->n = f->n;
    s->n_labels = f->class ? 1 : 0;
    s->label_name = label_name;
    return kad_take_printf(in, &s->state, "%zu files %016llx", f->n,
                           (unsigned long long)f->state);
}

static const char *name_of(const kad_image_source *s, size_t i)
{
    return ((const folder *)s->self)->path[i];
}

static kad_image_side side_of(const kad_image_source *s, size_t i)
{
    kad_image_side side;
    own_name(name_of(s, i), &side);
    return side;
}

static kad_status decode(kad_scope *in, const kad_image_source *s, size_t i,
                         bool only_size, kad_picture *out)
{
    KAD_LOCAL(char, data);
    const folder *f = s->self;
    const char *path = f->path[i];
    size_t n;
    if (!f->one) KAD_CALL(kad_take_printf(in, &path, "%s/%s", s->path, f->path[i]));
    KAD_CALL(kad_file_read(in->ctx, path, KAD_PICTURE_FILE_BYTES, &data, &n));
    if (n == 0) return kad_fail(in->ctx, KAD_EDATA, "%s: is empty", path);
    const kad_picture_format *format = kad_picture_format_of((const uint8_t *)data, n);
    if (format == NULL)
        return kad_fail(in->ctx, KAD_EDATA, "%s: neither PNG nor JPEG", path);
    if (format->decode == NULL)
        return kad_fail(in->ctx, KAD_EDATA, "%s: %s: %s", path, format->name,
                        format->missing);
    return format->decode(in, path, (const uint8_t *)data, n, only_size, out);
}

static kad_status measure(kad_scope *in, const kad_image_source *s, size_t i,
                          kad_picture *out)
{
    return decode(in, s, i, true, out);
}

static kad_status picture(kad_scope *in, const kad_image_source *s, size_t i,
                          kad_picture *out, double *labels)
{
    const folder *f = s->self;
    if (f->class != NULL) *labels = f->class[i];
    return decode(in, s, i, false, out);
}

const kad_image_source_ops kad_image_source_folder = {
    .name = "folder",
    .summary = "a folder of PNG and JPEG files, with folders in it",
    .is = is_folder,
    .open = open_folder,
    .measure = measure,
    .picture = picture,
    .name_of = name_of,
    .side = side_of,
};

const kad_image_source_ops kad_image_source_picture = {
    .name = "picture",
    .summary = "one PNG or JPEG file, for infer and inpaint",
    .is = is_picture,
    .open = open_folder,
    .measure = measure,
    .picture = picture,
    .name_of = name_of,
    .side = side_of,
};
