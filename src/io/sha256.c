#include "io/sha256.h"
#include "io/sha256_impl.h"

#include <string.h>

/* The first 32 bits of the fractions of the cube roots of the first 64 primes. */
const uint32_t kad_sha256_k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
    0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
    0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
    0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
    0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
    0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
    0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
    0xc67178f2};

static uint32_t rotate(uint32_t x, int n)
{
    return x >> n | x << (32 - n);
}

static void put(unsigned char *out, uint64_t value, int n_bytes)
{
    for (int i = 0; i < n_bytes; i++)
        out[i] = (unsigned char)(value >> (8 * (n_bytes - 1 - i)));
}

/* The message schedule, section 6.2.2. */
static void expand(const unsigned char *block, uint32_t w[64])
{
    for (int t = 0; t < 16; t++)
        w[t] = (uint32_t)block[4 * t] << 24 | (uint32_t)block[4 * t + 1] << 16 |
               (uint32_t)block[4 * t + 2] << 8 | block[4 * t + 3];
    for (int t = 16; t < 64; t++) {
        const uint32_t a = w[t - 15], b = w[t - 2];
        const uint32_t s0 = rotate(a, 7) ^ rotate(a, 18) ^ a >> 3;
        const uint32_t s1 = rotate(b, 17) ^ rotate(b, 19) ^ b >> 10;
        w[t] = w[t - 16] + s0 + w[t - 7] + s1;
    }
}

static void compress(uint32_t hash[8], const unsigned char *block)
{
    uint32_t w[64];
    uint32_t a = hash[0], b = hash[1], c = hash[2], d = hash[3];
    uint32_t e = hash[4], f = hash[5], g = hash[6], h = hash[7];
    expand(block, w);
    for (int t = 0; t < 64; t++) {
        const uint32_t t1 = h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) +
                            ((e & f) ^ (~e & g)) + kad_sha256_k[t] + w[t];
        const uint32_t t2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) +
                            ((a & b) ^ (a & c) ^ (b & c));
        h = g, g = f, f = e, e = d + t1;
        d = c, c = b, b = a, a = t1 + t2;
    }
    hash[0] += a, hash[1] += b, hash[2] += c, hash[3] += d;
    hash[4] += e, hash[5] += f, hash[6] += g, hash[7] += h;
}

void kad_sha256_portable(uint32_t hash[8], const unsigned char *data, size_t n)
{
    for (; n > 0; n--, data += 64)
        compress(hash, data);
}

void kad_sha256_begin(kad_sha256 *s)
{
    /* of the square roots of the first eight */
    static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    memcpy(s->h, start, sizeof start);
    s->n_bytes = 0;
}

void kad_sha256_add(kad_sha256 *s, const void *data, size_t n)
{
    const unsigned char *from = data;
    const size_t held = s->n_bytes % 64;
    kad_sha256_blocks *blocks = kad_sha256_instructions();
    if (blocks == NULL) blocks = kad_sha256_portable;
    s->n_bytes += n;
    if (held > 0) {
        const size_t take = n < 64 - held ? n : 64 - held;
        memcpy(s->block + held, from, take);
        if (held + take < 64) return;
        blocks(s->h, s->block, 1);
        from += take;
        n -= take;
    }
    blocks(s->h, from, n / 64);
    if (n % 64 > 0) memcpy(s->block, from + n / 64 * 64, n % 64);
}

void kad_sha256_end(kad_sha256 *s, unsigned char digest[KAD_SHA256_BYTES])
{
    const uint64_t n_bits = 8 * s->n_bytes;
    const size_t held = s->n_bytes % 64;
    unsigned char tail[128] = {0x80};
    const size_t n = held < 56 ? 64 - held : 128 - held;
    put(tail + n - 8, n_bits, 8);
    kad_sha256_add(s, tail, n);
    for (int i = 0; i < 8; i++)
        put(digest + 4 * i, s->h[i], 4);
}
