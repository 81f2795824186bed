/* A folder of its own for a test, removed afterwards with all below it. */
#ifndef KAD_TESTS_SCRATCH_H
#define KAD_TESTS_SCRATCH_H

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct scratch {
    char path[256];
} scratch;

static inline void scratch_make(scratch *folder)
{
    const char *top = getenv("TMPDIR");
    snprintf(folder->path, sizeof folder->path, "%s/kad_test_XXXXXX", top ? top : "/tmp");
    if (!mkdtemp(folder->path)) {
        perror(folder->path);
        exit(99);
    }
}

static inline void scratch_remove_tree(const char *path)
{
    DIR *dir = opendir(path);
    for (struct dirent *entry; dir && (entry = readdir(dir)) != NULL;) {
        char below[4096];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        if (snprintf(below, sizeof below, "%s/%s", path, entry->d_name) < 0) continue;
        if (unlink(below) != 0) scratch_remove_tree(below);
    }
    if (dir) closedir(dir);
    rmdir(path);
}

static inline void scratch_remove(scratch *folder)
{
    scratch_remove_tree(folder->path);
}

/* Path of a file in the folder, in a static buffer (overwritten by the next call but one). */
static inline const char *scratch_file(const scratch *folder, const char *name)
{
    static char path[2][512];
    static int turn;
    turn = !turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s", folder->path, name);
    return path[turn];
}

/* Whole file in memory (malloc), NULL when absent. */
static inline unsigned char *scratch_slurp(const char *path, size_t *n)
{
    FILE *file = fopen(path, "rb");
    *n = 0;
    if (!file) return NULL;
    fseek(file, 0, SEEK_END);
    *n = (size_t)ftell(file);
    rewind(file);
    unsigned char *data = malloc(*n + 1);
    if (fread(data, 1, *n, file) != *n) *n = 0;
    fclose(file);
    return data;
}

static inline void scratch_spill(const char *path, const void *data, size_t n)
{
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(data, 1, n, file) != n || fclose(file) != 0) {
        perror(path);
        exit(99);
    }
}

/* Number of entries of a folder, without "." and "..". */
static inline int scratch_count(const char *path)
{
    int n = -2;
    DIR *dir = opendir(path);
    if (!dir) return -1;
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

#endif
