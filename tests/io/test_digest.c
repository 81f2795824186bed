/* Claims about digests of texts and files. */
#include "base/memory.h"
#include "io/digest.h"
#include "io/sha256.h"
#include "io/sha256_impl.h"
#include "tests/io/h5_case.h"

/* FIPS 180-2, appendix B.1; B.3, a million letters, is longer than one piece. */
static void test_digests(void **state)
{
    (void)state;
    enum { MILLION = 1000000 };
    static const char abc[] =
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    static const char many[] =
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";
    char digest[KAD_DIGEST_CHARS];
    uint64_t n_bytes = 0;
    kad_digest("abc", 3, digest);
    assert_string_equal(digest, abc);
    kad_digest("", 0, digest);
    assert_string_equal(
        digest, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    kad_digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56, digest);
    assert_string_equal(
        digest, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    /* in pieces of any length as at once */
    for (size_t n = 1; n < 130; n++) {
        unsigned char whole[KAD_SHA256_BYTES], pieces[KAD_SHA256_BYTES];
        kad_sha256 s;
        kad_sha256_begin(&s);
        kad_sha256_add(&s, many, n % sizeof many);
        kad_sha256_end(&s, whole);
        kad_sha256_begin(&s);
        for (size_t at = 0; at < n % sizeof many; at += 3)
            kad_sha256_add(&s, many + at,
                           n % sizeof many - at < 3 ? n % sizeof many - at : 3);
        kad_sha256_end(&s, pieces);
        assert_memory_equal(whole, pieces, KAD_SHA256_BYTES);
    }
    char *letters = kad_alloc(MILLION, 1);
    memset(letters, 'a', MILLION);
    const char *path = scratch_file(&folder, "letters");
    scratch_spill(path, letters, MILLION);
    OK(kad_digest_file(&ctx, path, &n_bytes, digest));
    assert_int_equal(n_bytes, MILLION);
    assert_string_equal(digest, many);
    OK(kad_digest_require(&ctx, path, "train.data_sha256", NULL, digest));
    OK(kad_digest_require(&ctx, path, "train.data_sha256", many, digest));
    assert_int_equal(kad_digest_require(&ctx, path, "train.data_sha256", abc, digest),
                     KAD_EDATA);
    assert_non_null(strstr(ctx.message, abc));
    assert_non_null(strstr(ctx.message, many));
    assert_int_equal(kad_digest_file(&ctx, folder.path, &n_bytes, digest), KAD_ENOINPUT);
    kad_free(letters);
}

/* Every length of whole blocks from every state that the ones before lead to. */
static void test_instructions(void **state)
{
    (void)state;
    enum { MOST = 40 };
    kad_sha256_blocks *fast = kad_sha256_instructions();
    unsigned char data[64 * MOST];
    uint32_t a[8] = {1, 2, 3, 4, 5, 6, 7, 0xffffffffu}, b[8], word = 1;
    if (fast == NULL) skip();
    memcpy(b, a, sizeof b);
    for (size_t n = 0; n <= MOST; n++) {
        for (size_t i = 0; i < sizeof data; i++) {
            word = word * 1664525u + 1013904223u;
            data[i] = (unsigned char)(word >> 24);
        }
        kad_sha256_portable(a, data, n);
        fast(b, data, n);
        assert_memory_equal(a, b, sizeof a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_instructions),
        cmocka_unit_test_setup_teardown(test_digests, h5_set_up, h5_tear_down),
    };
    return cmocka_run_group_tests_name("digests: those of the standard", tests, NULL,
                                       NULL);
}
