/* SHA-256, FIPS 180-4: https://doi.org/10.6028/NIST.FIPS.180-4. Data may come in pieces:
 *
 *     kad_sha256 s;
 *     kad_sha256_begin(&s);
 *     kad_sha256_add(&s, data, n);
 *     kad_sha256_end(&s, digest); */
#ifndef KAD_IO_SHA256_H
#define KAD_IO_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { KAD_SHA256_BYTES = 32 };

typedef struct kad_sha256 {
    uint32_t h[8];
    uint64_t n_bytes;        /* so far */
    unsigned char block[64]; /* what is not hashed yet */
} kad_sha256;

void kad_sha256_begin(kad_sha256 *s);
void kad_sha256_add(kad_sha256 *s, const void *data, size_t n);
void kad_sha256_end(kad_sha256 *s, unsigned char digest[KAD_SHA256_BYTES]);

#endif
