/* How much memory this process may still use. Every source is optional: what cannot be
 * read sets no limit. Files are looked up below `root`, "" in production, a made-up tree
 * in the tests. */
#include "base/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { PATH_BYTES = 1024, LINE_BYTES = 1024 };

static FILE *open_below(const char *root, const char *path)
{
    char full[PATH_BYTES * 2];
    int n = snprintf(full, sizeof full, "%s%s", root, path);
    if (n < 0 || (size_t)n >= sizeof full) return NULL;
    return fopen(full, "re");
}

/* First number of a file; SIZE_MAX for "max", an absent or an unreadable file. */
static size_t read_number(const char *root, const char *path)
{
    FILE *file = open_below(root, path);
    if (!file) return SIZE_MAX;
    uint64_t value;
    int n = fscanf(file, "%" SCNu64, &value);
    fclose(file);
    return n == 1 && value < SIZE_MAX ? (size_t)value : SIZE_MAX;
}

/* Number after `key` at the start of a line; `absent` where there is none. */
static size_t read_field(const char *root, const char *path, const char *key,
                         size_t absent)
{
    FILE *file = open_below(root, path);
    if (!file) return absent;
    char line[LINE_BYTES];
    size_t length = strlen(key), value = absent;
    while (fgets(line, sizeof line, file))
        if (strncmp(line, key, length) == 0) {
            uint64_t number;
            if (sscanf(line + length, "%" SCNu64, &number) == 1) value = (size_t)number;
            break;
        }
    fclose(file);
    return value;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* What is left under a limit; at least 1, so that 0 never means "unknown". */
static size_t left(size_t limit, size_t used)
{
    if (limit == SIZE_MAX) return SIZE_MAX;
    return limit > used ? limit - used : 1;
}

typedef struct cgroup_files {
    const char *mount, *limit, *usage, *inactive;
} cgroup_files;

static const cgroup_files cgroup_v2 = {"/sys/fs/cgroup", "memory.max", "memory.current",
                                       "inactive_file "};
static const cgroup_files cgroup_v1 = {"/sys/fs/cgroup/memory", "memory.limit_in_bytes",
                                       "memory.usage_in_bytes", "total_inactive_file "};

/* One folder of the hierarchy: limit less use, page cache that can go counted as free. */
static size_t left_in_group(const char *root, const cgroup_files *files,
                            const char *folder)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s%s/%s", files->mount, folder, files->limit);
    size_t limit = read_number(root, path);
    if (limit == SIZE_MAX) return SIZE_MAX;
    snprintf(path, sizeof path, "%s%s/%s", files->mount, folder, files->usage);
    size_t used = read_number(root, path);
    if (used == SIZE_MAX) used = 0;
    snprintf(path, sizeof path, "%s%s/memory.stat", files->mount, folder);
    size_t cache = read_field(root, path, files->inactive, 0);
    return left(limit, used > cache ? used - cache : 0);
}

/* The group and all its ancestors, up to the mount's root (all a container may see). */
static size_t left_in_groups(const char *root, const cgroup_files *files, char *folder)
{
    size_t result = SIZE_MAX;
    for (;;) {
        if (strcmp(folder, "/") == 0) folder[0] = 0;
        result = smaller(result, left_in_group(root, files, folder));
        char *slash = strrchr(folder, '/');
        if (!slash) return result;
        *slash = 0;
    }
}

static size_t left_in_cgroups(const char *root)
{
    FILE *file = open_below(root, "/proc/self/cgroup");
    if (!file) return SIZE_MAX;
    size_t result = SIZE_MAX;
    char line[LINE_BYTES / 2]; /* "id:controllers:/folder" */
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = 0;
        char *controllers = strchr(line, ':');
        char *folder = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!folder) continue;
        *folder++ = 0;
        controllers++;
        if (*controllers == 0)
            result = smaller(result, left_in_groups(root, &cgroup_v2, folder));
        else if (strstr(controllers, "memory"))
            result = smaller(result, left_in_groups(root, &cgroup_v1, folder));
    }
    fclose(file);
    return result;
}

static size_t left_in_address_space(const char *root)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return SIZE_MAX;
    size_t pages = read_number(root, "/proc/self/statm");
    long page_bytes = sysconf(_SC_PAGESIZE);
    if (pages == SIZE_MAX || page_bytes <= 0) pages = 0;
    return left((size_t)limit.rlim_cur, pages * (size_t)page_bytes);
}

size_t kad_memory_available_below(const char *root)
{
    size_t kib = read_field(root, "/proc/meminfo", "MemAvailable:", SIZE_MAX);
    size_t bytes = SIZE_MAX;
    if (kib != SIZE_MAX && !kad_size_mul(kib, 1024, &bytes)) bytes = SIZE_MAX;
    if (bytes == 0) bytes = 1;
    bytes = smaller(bytes, left_in_cgroups(root));
    return smaller(bytes, left_in_address_space(root));
}

size_t kad_memory_available_bytes(void)
{
    return kad_memory_available_below("");
}

kad_status kad_memory_require(kad_ctx *ctx, size_t need_bytes, const char *what)
{
    size_t available = kad_memory_available_bytes();
    if (need_bytes <= available) return KAD_OK;
    return kad_fail(ctx, KAD_ECONFIG,
                    "%s needs %.1f MiB of memory, but only %.1f MiB are "
                    "available to this process",
                    what, (double)need_bytes / 0x1p20, (double)available / 0x1p20);
}
