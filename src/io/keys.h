/* A table of keys: what a module reads from the configuration, one row a key. The rows
 * alone drive parsing, defaults, printing, comparison, completion and the reference; and
 * each says which member of the module's struct of options holds its value, so that
 * nothing below src/run asks for a value by name.
 *
 *     typedef struct kad_clock_options {
 *         double beta;
 *         kad_clock_start start; // KAD_CLOCK_COLD, KAD_CLOCK_HOT
 *     } kad_clock_options;
 *     static const kad_key keys[] = {
 *         {"action.beta", KAD_REAL_OF(kad_clock_options, beta), NULL, 0, 1e3, "", NULL,
 *          "inverse temperature"},
 *         {"action.start", KAD_ENUM_OF(kad_clock_options, start, KAD_CLOCK_COLD), "cold",
 *          1, 0, "", "cold|hot", "first state"},
 *     };
 *
 * A member of the wrong type does not compile. Unset without a default: NaN, false, NULL,
 * no numbers, the enumerator 0, and an integer one below its range (0 where that begins
 * at 1, -1 where it begins at 0). */
#ifndef KAD_IO_KEYS_H
#define KAD_IO_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum kad_type {
    KAD_INT, /* also accepts 1e6 when exactly integral */
    KAD_REAL,
    KAD_BOOL, /* true | false */
    KAD_STRING,
    KAD_PATH, /* a file or folder, or one of the words in `choices` */
    KAD_ENUM, /* one of `choices`, separated by | */
    KAD_INTS, /* flow sequence of integers: [16, 16] */
    KAD_REALS /* [0.5, 1]; one number alone is a sequence of it */
} kad_type;

/* Sequences as members: n as given, be it more than fit. */
enum { KAD_SEQUENCE_MAX = 64 };
typedef struct kad_ints {
    size_t n;
    int value[KAD_SEQUENCE_MAX];
} kad_ints;
typedef struct kad_reals {
    size_t n;
    double value[KAD_SEQUENCE_MAX];
} kad_reals;

/* Of a list that may also say how many values there are to be: that number, where it is one
 * whole number from 2 to `most`; else 0. */
size_t kad_reals_count(const kad_reals *list, double most);

/* A choice of "auto|true|false". */
typedef enum kad_auto { KAD_AUTO, KAD_AUTO_TRUE, KAD_AUTO_FALSE } kad_auto;

/* Names of a registry: the i-th one, NULL past the last. */
typedef const char *kad_names(size_t i);

/* Which member a key fills. */
typedef struct kad_member {
    enum {
        KAD_MEMBER_NONE,
        KAD_MEMBER_INT32,
        KAD_MEMBER_INT64,
        KAD_MEMBER_REAL,
        KAD_MEMBER_BOOL,
        KAD_MEMBER_TEXT, /* const char *, borrowed: of the config, or the default's */
        KAD_MEMBER_ENUM,
        KAD_MEMBER_INTS,
        KAD_MEMBER_REALS
    } kind;
    size_t offset;
    unsigned first;   /* enumerator of the first choice; the others follow */
    kad_names *names; /* where the choices come from, if from a registry */
} kad_member;

/* The type and member of a row. An integer member may be of any width that holds the
 * row's range; an enum whose choices have no default leaves 0 to "unset". A choice is held
 * as a C enum, `choice` the enumerator of the first one, or as its word; one of the names of
 * a registry (the row's `choices` are NULL) as its word, which KAD_STRING_NAME_OF leaves
 * for others to check. */
/* clang-format off */
#define KAD_AT_(type, member) ((type *)0)->member
#define KAD_OF_(key, kind, type, member, first) \
    key, {kind, offsetof(type, member), first, NULL}
#define KAD_IF_(kind, type, member, ctype) \
    _Generic(KAD_AT_(type, member), ctype: kind)

#define KAD_INT_OF(type, member)                                              \
    KAD_OF_(KAD_INT,                                                          \
            _Generic(KAD_AT_(type, member),                                   \
                     int: KAD_MEMBER_INT32,                                   \
                     long: KAD_MEMBER_INT64, unsigned long: KAD_MEMBER_INT64, \
                     long long: KAD_MEMBER_INT64,                             \
                     unsigned long long: KAD_MEMBER_INT64),                   \
            type, member, 0)
#define KAD_REAL_OF(type, member)                                             \
    KAD_OF_(KAD_REAL, KAD_IF_(KAD_MEMBER_REAL, type, member, double), type, member, 0)
#define KAD_BOOL_OF(type, member)                                             \
    KAD_OF_(KAD_BOOL, KAD_IF_(KAD_MEMBER_BOOL, type, member, bool), type, member, 0)
#define KAD_STRING_OF(type, member)                                           \
    KAD_OF_(KAD_STRING, KAD_IF_(KAD_MEMBER_TEXT, type, member, const char *), \
            type, member, 0)
#define KAD_PATH_OF(type, member)                                             \
    KAD_OF_(KAD_PATH, KAD_IF_(KAD_MEMBER_TEXT, type, member, const char *),   \
            type, member, 0)
#define KAD_WORD_OF(type, member)                                             \
    KAD_OF_(KAD_ENUM, KAD_IF_(KAD_MEMBER_TEXT, type, member, const char *),   \
            type, member, 0)
#define KAD_ENUM_OF(type, member, choice)                                     \
    KAD_OF_(KAD_ENUM, KAD_IF_(KAD_MEMBER_ENUM, type, member, unsigned),       \
            type, member, choice)
#define KAD_INTS_OF(type, member)                                             \
    KAD_OF_(KAD_INTS, KAD_IF_(KAD_MEMBER_INTS, type, member, kad_ints), type, member, 0)
#define KAD_REALS_OF(type, member)                                            \
    KAD_OF_(KAD_REALS, KAD_IF_(KAD_MEMBER_REALS, type, member, kad_reals), type, member, 0)
#define KAD_NAME_OF(type, member, names)                                      \
    KAD_ENUM, {KAD_IF_(KAD_MEMBER_TEXT, type, member, const char *),          \
               offsetof(type, member), 0, names}
#define KAD_STRING_NAME_OF(type, member, names)                               \
    KAD_STRING, {KAD_IF_(KAD_MEMBER_TEXT, type, member, const char *),        \
                 offsetof(type, member), 0, names}
/* A key of no struct; one of a registry's names. */
#define KAD_NO_MEMBER {KAD_MEMBER_NONE, 0, 0, NULL}
#define KAD_NAMES(names) {KAD_MEMBER_NONE, 0, 0, names}
/* clang-format on */

typedef struct kad_key {
    const char *
        key; /* "section.name", top-level "seed", or "sample[].draws" in a list of maps */
    kad_type type;
    kad_member member;
    const char
        *def; /* default as YAML text; NULL: unset unless given ("auto" in the docs) */
    double lo, hi; /* inclusive range of numbers (of each element); lo > hi: no range */
    const char *unit;    /* "" when dimensionless */
    const char *choices; /* KAD_ENUM, KAD_PATH: "a|b|c"; NULL: none, or member.names */
    const char *help;    /* one sentence for the reference */
} kad_key;

/* When the keys that begin with `prefix` have an effect: conditions joined by " & ", each
 * with alternatives joined by " or ": "key=a|b" (its value in force is one of these) or
 * "key" (it has a value, not 0 or false). A condition on a key without effect fails.
 * only_if NULL: always. */
typedef struct kad_rule {
    const char *prefix, *only_if;
} kad_rule;

/* A key by its former name, which is still read. */
typedef struct kad_renamed {
    const char *was, *now;
} kad_renamed;

/* Every member of the rows' struct at its default, or unset. */
void kad_keys_default(const kad_key *keys, size_t n, void *options);
/* A copy of a struct of `size` bytes; of its defaults where `options` is NULL. */
void kad_keys_copy(const kad_key *keys, size_t n, const void *options, size_t size,
                   void *out);
/* The value of a row's member: whether it is set; a number (a truth value is 0 or 1; NaN
 * where there is none); a text of *n characters, not terminated (NULL when unset). */
bool kad_key_is_set(const kad_key *key, const void *options);
double kad_key_number(const kad_key *key, const void *options);
const char *kad_key_text(const kad_key *key, const void *options, size_t *n);
/* Whether two structs have the same in the row's member; never without a member. */
bool kad_key_same(const kad_key *key, const void *a, const void *b);
/* The numbers of a sequence of reals, *n of them; NULL for a row of another kind. */
const double *kad_key_reals(const kad_key *key, const void *options, size_t *n);

/* Choices in a line. */
enum { KAD_CHOICES_CHARS = 512 };
/* Choice i of a key: not terminated, *n characters; NULL past the last. */
const char *kad_key_choice(const kad_key *key, size_t i, size_t *n);
/* Position of a word among them; -1 when it is not there. */
int kad_key_choice_index(const kad_key *key, const char *word);
/* All of them with `between` between two; as much as fits. */
void kad_key_choices(const kad_key *key, const char *between, size_t size, char *out);

/* The part of a key behind its last dot: "temperature" of action.temperature. Borrowed. */
const char *kad_key_last_name(const char *key);

#endif
