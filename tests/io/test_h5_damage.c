/* Claims about HDF5 files: damage is found, nothing in a file is trusted, a full disk or
 * memory loses nothing. */
#include "base/memory.h"
#include "base/signals.h"
#include "tests/io/h5_case.h"

#include <hdf5.h>
#include <sys/resource.h>
#include <sys/wait.h>

/* --- damage --- */

static void test_digest_finds_every_flip(void **state)
{
    (void)state;
    const char *path = scratch_file(&folder, "flip.h5");
    kad_h5 *file;
    double x[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    size_t n_x = 8, n;
    OK(kad_h5_create(&ctx, &file));
    OK(kad_h5_write(&ctx, file, "/x", KAD_H5_F64, 1, &n_x, x));
    OK(kad_h5_save(&ctx, file, path, true));
    kad_h5_close(file);
    unsigned char *data = scratch_slurp(path, &n);
    int fd = -1;
    FILE *handle = fopen(path, "r+b");
    assert_non_null(handle);
    fd = fileno(handle);
    for (size_t bit = 0; bit < 8 * n; bit++) {
        unsigned char byte = data[bit / 8] ^ (unsigned char)(1u << bit % 8);
        assert_int_equal(pwrite(fd, &byte, 1, (off_t)(bit / 8)), 1);
        if (kad_h5_check_digest(&ctx, path) != KAD_EDATA)
            fail_msg("flip of bit %zu not found", bit);
        assert_int_equal(pwrite(fd, &data[bit / 8], 1, (off_t)(bit / 8)), 1);
    }
    OK(kad_h5_check_digest(&ctx, path));
    for (size_t cut = 0; cut < n; cut += 37) {
        assert_int_equal(ftruncate(fd, (off_t)(n - 1 - cut)), 0);
        expect(kad_h5_open(&ctx, path, true, 0, &file), KAD_EDATA, "damaged");
    }
    fclose(handle);
    /* appended bytes and a plain file are no checkpoints either */
    unsigned char *longer = calloc(1, n + 1);
    memcpy(longer, data, n);
    scratch_spill(path, longer, n + 1);
    expect(kad_h5_open(&ctx, path, true, 0, &file), KAD_EDATA, "length");
    scratch_spill(path, data + 512, n - 512);
    expect(kad_h5_open(&ctx, path, true, 0, &file), KAD_EDATA, "no digest");
    OK(kad_h5_open(&ctx, path, false, 0, &file));
    kad_h5_close(file);
    free(longer);
    free(data);
}

/* Reads everything of a possibly damaged file; only that it returns matters. */
static void read_everything(const char *path)
{
    KAD_SCOPE(scope, &ctx);
    kad_h5 *file;
    double *x = malloc(sizeof *x * ROWS * COLS);
    size_t dims[KAD_H5_MAX_RANK], n, d3 = 3;
    int rank;
    char **names, *words[3], *text;
    int64_t step;
    uint8_t flags[3];
    if (kad_h5_open(&ctx, path, false, 0, &file) != KAD_OK) {
        free(x);
        return;
    }
    if (kad_h5_shape(&ctx, file, "/a/b/big", &rank, dims) == KAD_OK)
        (void)!kad_h5_read(&ctx, file, "/a/b/big", KAD_H5_F64, 2, big_dims, x);
    (void)!kad_h5_read(&ctx, file, "/flags", KAD_H5_U8, 1, &d3, flags);
    (void)!kad_h5_read_strings(&scope, file, "/words", 3, words);
    (void)!kad_h5_attr_string(&scope, file, "/", "status", &text);
    (void)!kad_h5_attr_int(&ctx, file, "/a/b/big", "step", &step);
    (void)!kad_h5_list(&scope, file, "/a", &n, &names);
    kad_h5_close(file);
    free(x);
}

/* In a child, with little memory: a crash or an allocation bomb shows in its status. */
static void expect_survives(const unsigned char *data, size_t n, size_t seed)
{
    const char *path = scratch_file(&folder, "hostile.h5");
    scratch_spill(path, data, n);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        alarm(120);
        read_everything(path);
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("damage %zu: status %x", seed, (unsigned)status);
}

static void test_damaged_results(void **state)
{
    (void)state;
    const char *path = scratch_file(&folder, "plain.h5");
    kad_h5 *file = sample_file();
    size_t n;
    OK(kad_h5_save(&ctx, file, path, false));
    kad_h5_close(file);
    unsigned char *data = scratch_slurp(path, &n), *bad = malloc(n);
    uint64_t random = 12345;
    for (size_t trial = 0; trial < 40; trial++) {
        memcpy(bad, data, n);
        for (int k = 0; k < 4; k++) { /* mostly in the metadata at the front */
            random = random * 6364136223846793005u + 1442695040888963407u;
            size_t where = (random >> 33) % (trial % 3 ? 4096 : n);
            bad[where] ^= (unsigned char)(1u << (random >> 29 & 7));
        }
        expect_survives(bad, n, trial);
        expect_survives(data, (random >> 33) % n, trial);
    }
    free(bad);
    free(data);
}

/* A dataset that claims a shape, never written. */
static void make_claim(const char *path, int rank, const hsize_t *dims, bool chunked)
{
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hid_t space = H5Screate_simple(rank, dims, NULL);
    hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
    hsize_t chunk[3] = {16, 16, 16};
    if (chunked) H5Pset_chunk(plist, rank, chunk);
    H5Pset_alloc_time(plist, chunked ? H5D_ALLOC_TIME_INCR : H5D_ALLOC_TIME_LATE);
    hid_t set =
        H5Dcreate2(file, "x", H5T_IEEE_F64LE, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    if (set >= 0) H5Dclose(set);
    H5Pclose(plist);
    H5Sclose(space);
    H5Fclose(file);
}

static void test_claims(void **state)
{
    (void)state;
    static const hsize_t claims[][3] = {{(hsize_t)1 << 60, 1, 1},
                                        {(hsize_t)1 << 32, (hsize_t)1 << 32, 2},
                                        {1000000, 1, 1}};
    static const int ranks[] = {1, 3, 1};
    const char *path = scratch_file(&folder, "claim.h5");
    for (int i = 0; i < 3; i++)
        for (int chunked = 0; chunked < 2; chunked++) {
            kad_h5 *file;
            int rank;
            size_t dims[KAD_H5_MAX_RANK];
            make_claim(path, ranks[i], claims[i], chunked);
            if (kad_h5_open(&ctx, path, false, 0, &file) != KAD_OK) continue;
            if (kad_h5_exists(file, "/x"))
                expect(kad_h5_shape(&ctx, file, "/x", &rank, dims), KAD_EDATA, "claims");
            kad_h5_close(file);
        }
}

static void test_links(void **state)
{
    (void)state;
    KAD_SCOPE(scope, &ctx);
    const char *path = scratch_file(&folder, "links.h5");
    hid_t id = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hid_t group = H5Gcreate2(id, "g", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_soft("/g", id, "soft", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_external("/etc/passwd", "/x", id, "external", H5P_DEFAULT, H5P_DEFAULT);
    hsize_t four = 4;
    hid_t space = H5Screate_simple(1, &four, NULL), plist = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_external(plist, "/etc/passwd", 0, 32);
    hid_t set =
        H5Dcreate2(id, "outside", H5T_IEEE_F64LE, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    assert_true(set >= 0);
    H5Dclose(set);
    H5Pclose(plist);
    plist = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(plist, 1, &four);
    H5Pset_scaleoffset(plist, H5Z_SO_INT, 0);
    set =
        H5Dcreate2(id, "filtered", H5T_STD_I64LE, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    assert_true(set >= 0);
    H5Dclose(set);
    H5Pclose(plist);
    H5Sclose(space);
    H5Gclose(group);
    H5Fclose(id);
    kad_h5 *file;
    double x[4];
    int64_t k[4];
    size_t n, d4 = 4;
    char **names;
    OK(kad_h5_open(&ctx, path, false, 0, &file));
    expect(kad_h5_list(&scope, file, "/soft", &n, &names), KAD_EDATA, "soft or external");
    expect(kad_h5_read(&ctx, file, "/external", KAD_H5_F64, 1, &d4, x), KAD_EDATA,
           "soft or external");
    expect(kad_h5_read(&ctx, file, "/outside", KAD_H5_F64, 1, &d4, x), KAD_EDATA,
           "another file");
    expect(kad_h5_read(&ctx, file, "/filtered", KAD_H5_I64, 1, &d4, k), KAD_EDATA,
           "compression");
    kad_h5_close(file);
}

static void test_links_are_not_listed(void **state)
{
    (void)state;
    KAD_SCOPE(scope, &ctx);
    const char *path = scratch_file(&folder, "listed.h5");
    hid_t id = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hid_t group = H5Gcreate2(id, "g", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_soft("/nowhere", id, "/g/soft", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_external("/etc/passwd", "/x", id, "/g/external", H5P_DEFAULT, H5P_DEFAULT);
    H5Gclose(H5Gcreate2(id, "/g/own", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Gclose(group);
    H5Fclose(id);
    kad_h5 *file;
    size_t n;
    char **names;
    OK(kad_h5_open(&ctx, path, false, 0, &file));
    OK(kad_h5_list(&scope, file, "/g", &n, &names));
    assert_int_equal(n, 1);
    assert_string_equal(names[0], "own");
    kad_h5_close(file);
}

/* Groups within each other by hard links: a walk that followed them would end after 2^32
 * objects, and nothing in the file is damaged. */
static void test_second_names(void **state)
{
    (void)state;
    KAD_SCOPE(scope, &ctx);
    const char *path = scratch_file(&folder, "cycle.h5");
    hid_t id = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    H5Gclose(H5Gcreate2(id, "a", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Gclose(H5Gcreate2(id, "a/own", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Lcreate_hard(id, "/a", id, "/a/b", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_hard(id, "/a", id, "/a/c", H5P_DEFAULT, H5P_DEFAULT);
    H5Fclose(id);
    kad_h5 *file;
    size_t n;
    char **names;
    OK(kad_h5_open(&ctx, path, false, 0, &file));
    expect(kad_h5_list(&scope, file, "/a", &n, &names), KAD_EDATA, "several names");
    expect(kad_h5_list(&scope, file, "/a/b/c", &n, &names), KAD_EDATA, "several names");
    expect(kad_h5_save(&ctx, file, path, false), KAD_EDATA, "several names");
    kad_h5_close(file);
}

static void test_texts_are_printable(void **state)
{
    (void)state;
    KAD_SCOPE(scope, &ctx);
    static const char *const given[] = {"\033[2Jgone", "a\233\377", "\302\23331m",
                                        "gr\303\266\303\237e\n\tline"};
    static const char *const shown[] = {"?[2Jgone", "a??", "?31m",
                                        "gr\303\266\303\237e\n\tline"};
    const char *path = scratch_file(&folder, "texts.h5");
    kad_h5 *file;
    char *text[4], **names;
    size_t n;
    OK(kad_h5_create(&ctx, &file));
    OK(kad_h5_write_strings(&ctx, file, "/texts", 4, given));
    OK(kad_h5_attr_set_string(&ctx, file, "/", "title", given[0]));
    OK(kad_h5_save(&ctx, file, path, false));
    kad_h5_close(file);
    OK(kad_h5_open(&ctx, path, false, 0, &file));
    OK(kad_h5_read_strings(&scope, file, "/texts", 4, text));
    for (int i = 0; i < 4; i++)
        assert_string_equal(text[i], shown[i]);
    OK(kad_h5_attr_string(&scope, file, "/", "title", &text[0]));
    assert_string_equal(text[0], shown[0]);
    /* a name is not changed, since nothing could be found by it */
    OK(kad_h5_group(&ctx, file, "/\x1b[2J"));
    expect(kad_h5_list(&scope, file, "/", &n, &names), KAD_EDATA, "cannot be printed");
    kad_h5_close(file);
}

/* --- size --- */

/* Refused without reading its holes: with less memory than its length. */
static void test_sparse(void **state)
{
    (void)state;
    const char *path = scratch_file(&folder, "sparse.h5");
    const off_t length = (off_t)3 << 30;
    for (int kind = 0; kind < 3; kind++) {
        kad_h5 *file = sample_file();
        int status;
        OK(kad_h5_save(&ctx, file, path, kind == 2));
        kad_h5_close(file);
        if (kind == 0) scratch_spill(path, "", 0); /* nothing but a hole */
        assert_int_equal(truncate(path, length), 0);
        pid_t child = fork();
        if (child == 0) {
            struct rlimit limit = {(rlim_t)1 << 30, (rlim_t)1 << 30};
            setrlimit(RLIMIT_DATA, &limit);
            _exit(kad_h5_open(&ctx, path, kind == 2, 0, &file) == KAD_EDATA ? 0 : 1);
        }
        waitpid(child, &status, 0);
        if (status != 0) fail_msg("kind %d: status %x", kind, (unsigned)status);
    }
    unlink(path);
}

/* What is written can be read back: one bound for both. */
static void test_bound(void **state)
{
    (void)state;
    const char *path = scratch_file(&folder, "bound.h5");
    kad_h5 *file = sample_file(), *old;
    size_t n, m;
    OK(kad_h5_save(&ctx, file, path, false));
    free(scratch_slurp(path, &n));
    kad_h5_set_max_bytes(n);
    OK(kad_h5_save(&ctx, file, path, false));
    OK(kad_h5_open(&ctx, path, false, 0, &old));
    kad_h5_close(old);
    kad_h5_set_max_bytes(n - 1);
    expect(kad_h5_save(&ctx, file, path, false), KAD_ECONFIG, "are read back");
    expect(kad_h5_open(&ctx, path, false, 0, &old), KAD_EDATA, "at most");
    kad_h5_set_max_bytes(0);
    free(scratch_slurp(path, &m));
    assert_int_equal(n, m);
    kad_h5_close(file);
}

/* --- full disk --- */

static void test_full_disk(void **state)
{
    (void)state;
    const char *path = scratch_file(&folder, "full.h5");
    kad_h5 *file = sample_file(), *old;
    size_t n, m;
    OK(kad_h5_save(&ctx, file, path, true));
    unsigned char *before = scratch_slurp(path, &n), *after;
    int entries = scratch_count(folder.path);
    pid_t child = fork();
    if (child == 0) {
        struct rlimit limit = {8192, 8192};
        kad_signals_install();
        setrlimit(RLIMIT_FSIZE, &limit);
        kad_status status = kad_h5_save(&ctx, file, path, true);
        _exit(status == KAD_EIO && strstr(ctx.message, "cannot be written") ? 0 : 1);
    }
    int status;
    waitpid(child, &status, 0);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(scratch_count(folder.path), entries);
    after = scratch_slurp(path, &m);
    assert_int_equal(n, m);
    assert_memory_equal(before, after, n);
    OK(kad_h5_open(&ctx, path, true, 0, &old));
    kad_h5_close(old);
    expect(kad_h5_save(&ctx, file, "/nonexistent/x.h5", true), KAD_ECREATE,
           "/nonexistent/x.h5");
    kad_h5_close(file);
    free(before);
    free(after);
}

/* --- out of memory --- */

/* Every allocation of ours fails once, while a file is changed, saved and read back. */
static kad_status exercise(const char *path)
{
    KAD_SCOPE(scope, &ctx);
    KAD_LOCAL(kad_h5, file);
    double x[COLS] = {1}, y;
    size_t n = COLS, n_names;
    char **names, *text;
    KAD_CALL(kad_h5_create(&ctx, &file));
    KAD_CALL(kad_h5_write(&ctx, file, "/a/x", KAD_H5_F64, 1, &n, x));
    KAD_CALL(kad_h5_write(&ctx, file, "/a/r", KAD_H5_F64, 1, &n, x));
    KAD_CALL(kad_h5_attr_set_string(&ctx, file, "/a", "status", "fine"));
    KAD_CALL(kad_h5_axis(&ctx, file, "/a/x", 0, "r", "/a/r"));
    KAD_CALL(kad_h5_save(&ctx, file, path, false));
    kad_h5_close(file);
    file = NULL;
    KAD_CALL(kad_h5_open(&ctx, path, false, 0, &file));
    KAD_CALL(kad_h5_remove(&ctx, file, "/a/r"));
    KAD_CALL(kad_h5_save(&ctx, file, path, true));
    kad_h5_close(file);
    file = NULL;
    KAD_CALL(kad_h5_open(&ctx, path, true, 0, &file));
    KAD_CALL(kad_h5_list(&scope, file, "/a", &n_names, &names));
    KAD_CALL(kad_h5_attr_string(&scope, file, "/a", "status", &text));
    KAD_CALL(kad_h5_read(&ctx, file, "/a/x", KAD_H5_F64, 1, &n, x));
    y = x[0];
    assert_true(y == 1);
    return KAD_OK;
}

static void test_exhaustion(void **state)
{
    (void)state;
    const char *path = scratch_file(&folder, "memory.h5");
    int64_t n = 0;
    for (;; n++) {
        kad_memory_fail_after(n);
        kad_status status = exercise(path);
        kad_memory_fail_after(-1);
        if (status == KAD_OK) break;
        assert_int_equal(status, KAD_ENOMEM);
    }
    assert_true(n > 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_digest_finds_every_flip),
        cmocka_unit_test(test_damaged_results),
        cmocka_unit_test(test_claims),
        cmocka_unit_test(test_links),
        cmocka_unit_test(test_links_are_not_listed),
        cmocka_unit_test(test_second_names),
        cmocka_unit_test(test_texts_are_printable),
        cmocka_unit_test(test_sparse),
        cmocka_unit_test(test_bound),
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_exhaustion),
    };
    return cmocka_run_group_tests_name("h5: damage is found", tests, h5_set_up,
                                       h5_tear_down);
}
