#include "sweep/points.h"

#include "io/file.h"
#include "io/number.h"
#include "sweep/csv.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef struct maker {
    kad_scope *scope; /* of the sweep */
    kad_ctx *ctx;
    kad_sweep *sweep;
    const kad_section *section;
    int64_t seed, extent; /* of the base; extent 0: none */
    int capacity;         /* of sweep->point */
} maker;

static kad_status add_key(maker *m, const char *key)
{
    if (kad_sweep_find_key(m->sweep, key) >= 0) return KAD_OK;
    if (m->sweep->n_keys == KAD_SWEEP_MAX_KEYS)
        return kad_fail(m->ctx, KAD_ECONFIG, "%s: sweep: more than %d keys vary",
                        m->sweep->name, (int)KAD_SWEEP_MAX_KEYS);
    m->sweep->key[m->sweep->n_keys++] = key;
    return KAD_OK;
}

/* --- one point -----------------------------------------------------------------------
 */

bool kad_sweep_same_values(const kad_sweep *s, int but, const char *const *a,
                           const char *const *b)
{
    for (int k = 0; k < s->n_keys; k++) {
        if (k == but) continue;
        if ((a[k] == NULL) != (b[k] == NULL)) return false;
        if (a[k] != NULL && strcmp(a[k], b[k]) != 0) return false;
    }
    return true;
}

/* The folder of a point by a template: "T={action.temperature}". */
static kad_status fill_template(maker *m, const char *template, kad_sweep_point *point)
{
    kad_sweep *s = m->sweep;
    char out[512], key[128], value[64];
    size_t n = 0;
    for (const char *t = template; *t != 0 && n + 1 < sizeof out;) {
        if (*t != '{') {
            out[n++] = *t++;
            continue;
        }
        const size_t length = strcspn(t + 1, "}");
        snprintf(key, sizeof key, "%.*s", (int)length, t + 1);
        const int k = kad_sweep_find_key(s, key);
        if (t[1 + length] != '}' || k < 0 || point->value[k] == NULL)
            return kad_fail(m->ctx, KAD_ECONFIG,
                            "%s: sweep.folder: {%s} is no key of the sweep", s->name,
                            key);
        kad_sweep_plain_value(point->value[k], sizeof value, value);
        const int used = snprintf(out + n, sizeof out - n, "%s", value);
        n += used > 0 ? (size_t)used : 0;
        t += length + 2;
    }
    if (n + 1 >= sizeof out)
        return kad_fail(m->ctx, KAD_ECONFIG, "%s: sweep.folder: too long", s->name);
    out[n] = 0;
    return kad_take_text(m->scope, out, &point->folder);
}

/* Below the sweep's folder, and none of the sweep's own files. */
static bool is_inside(const char *folder)
{
    static const char *const own[] = {"log",       "maps",     "points.csv", "sweep.yaml",
                                      "table.csv", "sweep.h5", "sweep.html", "job.sh"};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        const size_t n = strlen(own[i]);
        if (strncmp(folder, own[i], n) == 0 && (folder[n] == 0 || folder[n] == '/'))
            return false;
    }
    if (*folder == '/') return false;
    for (const char *part = folder; part != NULL; part = strchr(part, '/')) {
        part += *part == '/';
        const size_t n = strcspn(part, "/");
        if (n == 0 || (part[0] == '.' && (n == 1 || (n == 2 && part[1] == '.'))))
            return false;
        if (part[n] == 0) break;
        part += n;
    }
    return strpbrk(folder, "\n\r\"") == NULL;
}

static kad_status name_folder(maker *m, kad_sweep_point *point)
{
    kad_sweep *s = m->sweep;
    char label[512];
    const char *template = s->options.folder;
    if (template != NULL) {
        KAD_CALL(fill_template(m, template, point));
    } else {
        kad_sweep_folder_name(s, point, sizeof label, label);
        KAD_CALL(kad_take_text(m->scope, label, &point->folder));
    }
    if (!is_inside(point->folder))
        return kad_fail(m->ctx, KAD_ECONFIG,
                        "%s: sweep.folder: \"%s\" is not a folder below the sweep's own",
                        s->name, point->folder);
    return KAD_OK;
}

static kad_status new_point(maker *m, const char **value)
{
    kad_sweep *s = m->sweep;
    if (s->n_points == m->capacity) {
        kad_sweep_point *more;
        const int capacity = m->capacity > 0 ? 2 * m->capacity : 256;
        KAD_CALL(kad_take(m->scope, (size_t)capacity, &more));
        if (s->n_points > 0) memcpy(more, s->point, (size_t)s->n_points * sizeof *more);
        s->point = more;
        m->capacity = capacity;
    }
    if (s->n_points >= KAD_SWEEP_MAX_POINTS)
        return kad_fail(m->ctx, KAD_ECONFIG, "%s: sweep: more than %d points", s->name,
                        (int)KAD_SWEEP_MAX_POINTS);
    s->point[s->n_points] = (kad_sweep_point){.number = s->n_points + 1, .value = value};
    s->n_points++;
    return KAD_OK;
}

/* --- what is numbered already --------------------------------------------------------
 */

static kad_status row_values(maker *m, const kad_csv *csv, size_t row,
                             const char ***value)
{
    KAD_CALL(kad_take(m->scope, KAD_SWEEP_MAX_KEYS, value));
    for (size_t c = 2; c < csv->n_columns; c++) {
        const char *field = csv->field[row * csv->n_columns + c];
        (*value)[c - 2] = *field != 0 ? field : NULL;
    }
    return KAD_OK;
}

static kad_status not_ours(maker *m, const char *path, size_t row)
{
    return kad_fail(m->ctx, KAD_EDATA, "%s:%zu: is not a table of points", path, row + 1);
}

static kad_status read_rows(maker *m, const char *path, const kad_csv *csv)
{
    kad_sweep *s = m->sweep;
    if (csv->n_rows == 0 || csv->n_columns < 3 ||
        csv->n_columns > KAD_SWEEP_MAX_KEYS + 2 || strcmp(csv->field[0], "point") != 0 ||
        strcmp(csv->field[1], "folder") != 0)
        return not_ours(m, path, 0);
    for (size_t c = 2; c < csv->n_columns; c++)
        KAD_CALL(add_key(m, csv->field[c]));
    for (size_t i = 1; i < csv->n_rows; i++) {
        int64_t number = 0;
        const char *const *row = &csv->field[i * csv->n_columns];
        const char **value;
        KAD_CALL(row_values(m, csv, i, &value));
        if (!kad_parse_int(row[0], &number) || number != (int64_t)i || !is_inside(row[1]))
            return not_ours(m, path, i);
        KAD_CALL(new_point(m, value));
        s->point[i - 1].folder = row[1];
    }
    return KAD_OK;
}

kad_status kad_points_read(kad_scope *scope, kad_sweep *sweep)
{
    enum { MAX_BYTES = 1 << 28 };
    maker m = {.scope = scope, .ctx = scope->ctx, .sweep = sweep};
    const char *path;
    char *text = NULL;
    bool exists = false;
    size_t n;
    kad_csv csv;
    KAD_CALL(kad_take_printf(scope, &path, "%s/points.csv", sweep->folder));
    KAD_CALL(kad_file_exists(m.ctx, path, &exists));
    if (!exists) return KAD_OK;
    KAD_CALL(kad_file_read(m.ctx, path, MAX_BYTES, &text, &n));
    kad_status status = kad_csv_read(scope, path, text, &csv);
    kad_free(text);
    return status == KAD_OK ? read_rows(&m, path, &csv) : status;
}

/* --- what the section adds -----------------------------------------------------------
 */

/* Seeds are counted from the base's, windows shrink with the point's own lattice. */
static kad_status value_at(maker *m, const kad_axis *axis, int i, const char **value)
{
    kad_sweep *s = m->sweep;
    double extent = (double)m->extent;
    const char *text = NULL;
    int64_t offset = 0;
    if (axis->scaled) {
        const int k = kad_sweep_find_key(s, "lattice.shape");
        if (k >= 0 && value[k] != NULL && sscanf(value[k], "[%lf", &extent) != 1)
            extent = 0;
        if (extent < 1)
            return kad_fail(m->ctx, KAD_ECONFIG,
                            "%s: sweep.%s: scale 1/L needs lattice.shape", s->name,
                            axis->key);
        KAD_CALL(
            kad_take_number(m->scope, axis->centre + axis->offset[i] / extent, &text));
    } else if (axis->value[i][0] == '+' && kad_parse_int(axis->value[i] + 1, &offset)) {
        KAD_CALL(kad_take_printf(m->scope, &text, "%" PRId64, m->seed + offset));
    } else {
        text = axis->value[i];
    }
    value[kad_sweep_find_key(s, axis->key)] = text;
    return KAD_OK;
}

/* A hash of the values, for looking points up. */
static uint64_t hash(const kad_sweep *s, const char **value)
{
    uint64_t h = 14695981039346656037u; /* FNV-1a */
    for (int k = 0; k < s->n_keys; k++) {
        for (const char *c = value[k] != NULL ? value[k] : ""; *c != 0; c++)
            h = (h ^ (unsigned char)*c) * 1099511628211u;
        h = (h ^ 0xffu) * 1099511628211u;
    }
    return h;
}

/* Points by hash, chains by index + 1. */
typedef struct lookup {
    size_t n;
    int *slot;
} lookup;

static int *slot_of(const kad_sweep *s, const lookup *l, const char **value)
{
    size_t i = (size_t)hash(s, value) % l->n;
    while (l->slot[i] != 0 &&
           !kad_sweep_same_values(s, -1, s->point[l->slot[i] - 1].value, value))
        i = (i + 1) % l->n;
    return &l->slot[i];
}

static kad_status add_point(maker *m, lookup *l, const char **value)
{
    kad_sweep *s = m->sweep;
    int *slot = slot_of(s, l, value);
    if (*slot == 0) {
        KAD_CALL(new_point(m, value));
        *slot = s->n_points;
        KAD_CALL(name_folder(m, &s->point[s->n_points - 1]));
    }
    s->point[*slot - 1].wanted = true;
    return KAD_OK;
}

/* The i-th combination of grid (first key slowest) and zip. Scaled axes come last: they
 * look at the others. */
static kad_status combination(maker *m, int64_t i, const char **value)
{
    const kad_section *sec = m->section;
    int index[KAD_SWEEP_MAX_KEYS] = {0};
    const int n_zip = sec->n_zip > 0 ? sec->zip[0].n : 1;
    const int together = (int)(i % n_zip);
    i /= n_zip;
    for (int a = sec->n_grid - 1; a >= 0; a--) {
        index[a] = (int)(i % sec->grid[a].n);
        i /= sec->grid[a].n;
    }
    for (int scaled = 0; scaled < 2; scaled++) {
        for (int a = 0; a < sec->n_grid; a++)
            if (sec->grid[a].scaled == (scaled == 1))
                KAD_CALL(value_at(m, &sec->grid[a], index[a], value));
        for (int a = 0; a < sec->n_zip; a++)
            if (sec->zip[a].scaled == (scaled == 1))
                KAD_CALL(value_at(m, &sec->zip[a], together, value));
    }
    return KAD_OK;
}

static kad_status count_grid(maker *m, int64_t *n)
{
    const kad_section *sec = m->section;
    *n = sec->n_grid + sec->n_zip > 0 ? 1 : 0;
    if (sec->n_zip > 0) *n = sec->zip[0].n;
    for (int a = 0; a < sec->n_grid && *n <= KAD_SWEEP_MAX_POINTS; a++)
        *n *= sec->grid[a].n;
    if (*n + sec->n_extra <= KAD_SWEEP_MAX_POINTS) return KAD_OK;
    return kad_fail(m->ctx, KAD_ECONFIG, "%s: sweep: more than %d points", m->sweep->name,
                    (int)KAD_SWEEP_MAX_POINTS);
}

static kad_status add_keys(maker *m)
{
    const kad_section *sec = m->section;
    for (int a = 0; a < sec->n_grid; a++)
        KAD_CALL(add_key(m, sec->grid[a].key));
    for (int a = 0; a < sec->n_zip; a++) {
        for (int b = 0; b < sec->n_grid; b++)
            if (strcmp(sec->grid[b].key, sec->zip[a].key) == 0)
                return kad_fail(m->ctx, KAD_ECONFIG,
                                "%s: sweep: %s is in grid and in zip", m->sweep->name,
                                sec->zip[a].key);
        KAD_CALL(add_key(m, sec->zip[a].key));
    }
    for (int i = 0; i < sec->n_extra; i++)
        for (int k = 0; k < sec->extra[i].n; k++)
            KAD_CALL(add_key(m, sec->extra[i].key[k]));
    return KAD_OK;
}

static kad_status fill_lookup(maker *m, int64_t n_new, lookup *l)
{
    kad_sweep *s = m->sweep;
    l->n = 2 * (size_t)(n_new + s->n_points) + 16;
    KAD_CALL(kad_take(m->scope, l->n, &l->slot));
    for (int i = 0; i < s->n_points; i++)
        *slot_of(s, l, s->point[i].value) = i + 1;
    return KAD_OK;
}

static kad_status expand(maker *m)
{
    const kad_section *sec = m->section;
    const char **value;
    lookup l;
    int64_t n;
    KAD_CALL(count_grid(m, &n));
    KAD_CALL(add_keys(m));
    KAD_CALL(fill_lookup(m, n + sec->n_extra, &l));
    for (int64_t i = 0; i < n; i++) {
        KAD_CALL(kad_take(m->scope, KAD_SWEEP_MAX_KEYS, &value));
        KAD_CALL(combination(m, i, value));
        KAD_CALL(add_point(m, &l, value));
    }
    for (int i = 0; i < sec->n_extra; i++) {
        KAD_CALL(kad_take(m->scope, KAD_SWEEP_MAX_KEYS, &value));
        for (int k = 0; k < sec->extra[i].n; k++)
            value[kad_sweep_find_key(m->sweep, sec->extra[i].key[k])] =
                sec->extra[i].value[k];
        KAD_CALL(add_point(m, &l, value));
    }
    return KAD_OK;
}

static kad_status check_folders(maker *m)
{
    kad_sweep *s = m->sweep;
    int *slot;
    const size_t n = 2 * (size_t)s->n_points + 16;
    KAD_CALL(kad_take(m->scope, n, &slot));
    for (int i = 0; i < s->n_points; i++) {
        size_t at = (size_t)hash(&(kad_sweep){.n_keys = 1}, &s->point[i].folder) % n;
        for (; slot[at] != 0; at = (at + 1) % n)
            if (strcmp(s->point[slot[at] - 1].folder, s->point[i].folder) == 0)
                return kad_fail(m->ctx, KAD_ECONFIG,
                                "%s: sweep.folder: points %d and %d share the folder %s",
                                s->name, slot[at], i + 1, s->point[i].folder);
        slot[at] = i + 1;
    }
    return KAD_OK;
}

kad_status kad_points_add(kad_scope *scope, kad_sweep *sweep, const kad_section *section,
                          int64_t seed, int64_t extent)
{
    maker m = {.scope = scope,
               .ctx = scope->ctx,
               .sweep = sweep,
               .section = section,
               .seed = seed,
               .extent = extent,
               .capacity = sweep->n_points};
    KAD_CALL(expand(&m));
    return check_folders(&m);
}

void kad_points_print(FILE *out, const kad_sweep *s)
{
    fprintf(out, "point,folder");
    for (int k = 0; k < s->n_keys; k++)
        fprintf(out, ",%s", s->key[k]);
    for (int i = 0; i < s->n_points; i++) {
        fprintf(out, "\n%d,", s->point[i].number);
        kad_csv_field(out, s->point[i].folder);
        for (int k = 0; k < s->n_keys; k++) {
            fputc(',', out);
            kad_csv_field(out, s->point[i].value[k]);
        }
    }
    fputc('\n', out);
}
