/* Live view of a run. */
#include "io/progress.h"

#include "base/memory.h"
#include "base/signals.h"
#include "io/file.h"
#include "io/number.h"
#include "io/run_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STAGE_CHARS = 96, LINE_CHARS = 512, MAX_FIELDS = 32, NAME_CHARS = 48 };

/* Seconds between redraws, between lines of progress.jsonl, between calls of who watches. */
static const double redraw_interval = 0.2, json_interval = 1, watch_interval = 0.1;

struct kad_progress {
    kad_ctx *ctx;
    FILE *screen; /* NULL: quiet */
    bool terminal;
    const char *unit; /* of steps */
    int json;         /* descriptor of progress.jsonl; -1: none */
    double created, started;
    double shown, written;     /* when last; < 0: never */
    bool drawn;                /* a status line stands on the terminal */
    kad_progress_watch *watch; /* NULL: none */
    void *watch_self;
    double watched; /* when last; < 0: never */
    char stage[STAGE_CHARS];
    int64_t first, step, total;
    size_t n_fields;
    kad_field fields[MAX_FIELDS];
    char names[MAX_FIELDS][NAME_CHARS];
};

/* A run killed in the middle of a line leaves half of one: end it. */
static void end_partial_line(int fd)
{
    struct stat info;
    char last;
    ssize_t n;
    KAD_RETRY(n, fstat(fd, &info));
    if (n != 0 || info.st_size == 0) return;
    KAD_RETRY(n, pread(fd, &last, 1, info.st_size - 1));
    if (n == 1 && last != '\n') {
        KAD_RETRY(n, write(fd, "\n", 1));
        (void)n;
    }
}

/* The file is appended to: it must be one of this folder alone, as the lock. */
static int open_json(kad_ctx *ctx, const kad_run *run)
{
    struct stat info;
    const char *problem = NULL;
    int fd, result;
    char *path = kad_run_file(run, "progress.jsonl");
    if (!path) return -1;
    KAD_RETRY(fd, open(path,
                       O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
                       0666));
    if (fd < 0) {
        problem = errno == ELOOP ? "is a symbolic link" : strerror(errno);
    } else {
        KAD_RETRY(result, fstat(fd, &info));
        if (result != 0)
            problem = strerror(errno);
        else if (!S_ISREG(info.st_mode) || info.st_nlink > 1)
            problem = "is no file of its own";
    }
    if (!problem) {
        end_partial_line(fd);
    } else {
        kad_note(ctx, "%s: %s: no live view in it", path, problem);
        if (fd >= 0) close(fd);
        fd = -1;
    }
    kad_free(path);
    return fd;
}

kad_status kad_progress_create(kad_ctx *ctx, const kad_run *run, bool quiet,
                               kad_progress **out)
{
    kad_status status = kad_new(ctx, 1, sizeof **out, out);
    if (status != KAD_OK) return status;
    kad_progress *p = *out;
    p->ctx = ctx;
    p->screen = quiet ? NULL : stderr;
    const char *term = getenv("TERM");
    p->terminal = !quiet && isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
    p->json = run ? open_json(ctx, run) : -1;
    p->created = p->started = kad_wall_seconds();
    p->shown = p->written = -1;
    return KAD_OK;
}

void kad_progress_destroy(kad_progress *progress)
{
    if (!progress) return;
    if (progress->drawn) fputs("\n", progress->screen);
    if (progress->json >= 0) close(progress->json);
    kad_free(progress);
}

void kad_progress_on_update(kad_progress *progress, kad_progress_watch *watch, void *self)
{
    progress->watch = watch;
    progress->watch_self = self;
}

static void tell(kad_progress *p, double now)
{
    p->watch(p->watch_self, p->stage, p->step, p->total);
    p->watched = now;
}

static bool watch_due(const kad_progress *p, double now)
{
    return p->watch != NULL && (p->watched < 0 || now - p->watched >= watch_interval);
}

void kad_progress_begin(kad_progress *progress, const char *stage, int64_t done,
                        int64_t total)
{
    snprintf(progress->stage, sizeof progress->stage, "%s", stage);
    progress->first = progress->step = done;
    progress->total = total;
    progress->n_fields = 0;
    progress->unit = "steps";
    progress->started = kad_wall_seconds();
    progress->written = progress->watched = -1;
    /* the first plain line comes after an interval, the first redraw at once */
    progress->shown = progress->terminal ? -1 : progress->started;
}

/* Between plain lines: a log of a day has hundreds, not thousands. */
static double line_interval(const kad_progress *p, double now)
{
    return fmin(fmax(0.1 * (now - p->created), 10), 600);
}

static bool screen_due(const kad_progress *p, double now)
{
    if (!p->screen) return false;
    return p->shown < 0 ||
           now - p->shown >= (p->terminal ? redraw_interval : line_interval(p, now));
}

static bool json_due(const kad_progress *p, double now)
{
    return p->json >= 0 && (p->written < 0 || now - p->written >= json_interval);
}

bool kad_progress_due(const kad_progress *progress)
{
    double now = kad_wall_seconds();
    return screen_due(progress, now) || json_due(progress, now) ||
           watch_due(progress, now);
}

/* ---- progress.jsonl ---- */

kad_place kad_progress_place(const kad_progress *p)
{
    kad_place place = {.step = p->step, .total = p->total};
    snprintf(place.stage, sizeof place.stage, "%s", p->stage);
    return place;
}

/* The last line of a text that has its end. */
static const char *last_line(char *text, size_t n)
{
    while (n > 0 && text[n - 1] != '\n')
        n--;
    if (n == 0) return "";
    text[n - 1] = 0;
    const char *before = strrchr(text, '\n');
    return before != NULL ? before + 1 : text;
}

kad_status kad_place_read(kad_ctx *ctx, const kad_run *run, kad_place *out)
{
    enum { TAIL = 2048 };
    KAD_LOCAL(char, path);
    char head[TAIL], tail[TAIL + 1] = "";
    size_t n_bytes;
    *out = (kad_place){0};
    KAD_CALL(kad_run_join(ctx, run, "progress.jsonl", &path));
    const kad_status status = kad_file_ends(ctx, path, TAIL, head, tail, &n_bytes);
    if (status == KAD_ENOINPUT) return KAD_OK;
    KAD_CALL(status);
    const size_t n = n_bytes < TAIL ? n_bytes : TAIL;
    json_t *o = json_loads(last_line(tail + (TAIL - n), n), 0, NULL);
    const char *stage = json_string_value(json_object_get(o, "stage"));
    snprintf(out->stage, sizeof out->stage, "%s", stage != NULL ? stage : "");
    out->step = json_integer_value(json_object_get(o, "step"));
    out->total = json_integer_value(json_object_get(o, "total"));
    json_decref(o);
    kad_make_printable(out->stage, false);
    return KAD_OK;
}

static json_t *number(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

static json_t *update_object(const kad_progress *p, double now, bool finished)
{
    json_t *object = json_object();
    if (!object) return NULL;
    json_object_set_new(object, "stage", json_string(p->stage));
    json_object_set_new(object, "step", json_integer((json_int_t)p->step));
    json_object_set_new(object, "total", json_integer((json_int_t)p->total));
    json_object_set_new(object, "wall_s", number(round(1e3 * (now - p->created)) / 1e3));
    for (size_t i = 0; i < p->n_fields; i++) {
        char name[NAME_CHARS + 8];
        json_object_set_new(object, p->names[i], number(p->fields[i].value));
        if (isnan(p->fields[i].err)) continue;
        snprintf(name, sizeof name, "%s_err", p->names[i]);
        json_object_set_new(object, name, number(p->fields[i].err));
    }
    if (finished) json_object_set_new(object, "finished", json_true());
    return object;
}

/* One write per line, so that lines are never interleaved; a failure ends the live view
 * with a note. */
static void write_json(kad_progress *p, double now, bool finished)
{
    json_t *object = update_object(p, now, finished);
    char *text = object ? kad_json_text(object, JSON_COMPACT) : NULL;
    json_decref(object);
    if (!text) return;
    size_t n = strlen(text);
    text[n] = '\n'; /* in place of the terminator */
    ssize_t put;
    KAD_RETRY(put, write(p->json, text, n + 1));
    if (put != (ssize_t)(n + 1)) {
        kad_note(p->ctx, "progress.jsonl: cannot be written (%s): live view ends here",
                 put < 0 ? strerror(errno) : "short write");
        close(p->json);
        p->json = -1;
    }
    kad_free(text);
    p->written = now;
}

/* ---- the screen ---- */

static void add(char line[LINE_CHARS], const char *text)
{
    size_t n = strlen(line);
    snprintf(line + n, LINE_CHARS - n, "%s", text);
}

static void add_time(char line[LINE_CHARS], const char *label, double seconds)
{
    char text[64];
    long s = lround(fmin(seconds, 1e8));
    if (s < 3600)
        snprintf(text, sizeof text, "%s%ld:%02ld", label, s / 60, s % 60);
    else
        snprintf(text, sizeof text, "%s%ld:%02ld:%02ld", label, s / 3600, s / 60 % 60,
                 s % 60);
    add(line, text);
}

/* The first n fields. */
static void add_fields(char line[LINE_CHARS], const kad_progress *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char value[64], text[NAME_CHARS + 80];
        kad_format_error(value, sizeof value, p->fields[i].value, p->fields[i].err);
        snprintf(text, sizeof text, "  %s %s", p->names[i], value);
        add(line, text);
    }
}

/* "train  100/4000  loss 1.2(1)  ess 0.9  12/s  eta 1:23", with the first n fields. */
static void status_line(const kad_progress *p, double now, size_t n, bool with_rate,
                        char line[LINE_CHARS])
{
    char text[STAGE_CHARS + 64];
    double elapsed = now - p->started;
    double rate = elapsed > 0 ? (double)(p->step - p->first) / elapsed : 0;
    line[0] = 0;
    if (p->total > 0)
        snprintf(text, sizeof text, "%s  %lld/%lld", p->stage, (long long)p->step,
                 (long long)p->total);
    else
        snprintf(text, sizeof text, "%s  %lld", p->stage, (long long)p->step);
    add(line, text);
    add_fields(line, p, n);
    if (rate > 0 && with_rate) {
        snprintf(text, sizeof text, "  %.3g/s", rate);
        add(line, text);
    }
    if (rate > 0 && p->total > p->step)
        add_time(line, "  eta ", (double)(p->total - p->step) / rate);
}

/* The status line in fewer than `width` characters: on a narrow terminal the last fields
 * go first, then the rate; how far it is and how long it still takes stay. */
static void fitting_line(const kad_progress *p, double now, size_t width,
                         char line[LINE_CHARS])
{
    size_t n = p->n_fields;
    status_line(p, now, n, true, line);
    while (strlen(line) >= width && n > 0)
        status_line(p, now, --n, true, line);
    if (strlen(line) >= width) status_line(p, now, 0, false, line);
    if (strlen(line) >= width) line[width - 1] = 0;
}

static size_t terminal_width(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return 80;
}

static void show(kad_progress *p, double now)
{
    char line[LINE_CHARS];
    fitting_line(p, now, p->terminal ? terminal_width() : LINE_CHARS, line);
    if (p->terminal) {
        fprintf(p->screen, "\r%s\033[K", line);
    } else {
        fprintf(p->screen, "%s\n", line);
    }
    fflush(p->screen);
    p->drawn = p->terminal;
    p->shown = now;
}

void kad_progress_update(kad_progress *progress, int64_t step, size_t n,
                         const kad_field *fields)
{
    double now = kad_wall_seconds();
    progress->step = step;
    progress->n_fields = n < MAX_FIELDS ? n : MAX_FIELDS;
    for (size_t i = 0; i < progress->n_fields; i++) {
        progress->fields[i] = fields[i];
        snprintf(progress->names[i], NAME_CHARS, "%s", fields[i].name);
    }
    if (json_due(progress, now)) write_json(progress, now, false);
    if (screen_due(progress, now)) show(progress, now);
    if (watch_due(progress, now)) tell(progress, now);
}

void kad_progress_unit(kad_progress *progress, const char *unit)
{
    progress->unit = unit;
}

void kad_progress_end(kad_progress *progress)
{
    double now = kad_wall_seconds();
    if (progress->json >= 0) write_json(progress, now, true);
    if (progress->watch != NULL) tell(progress, now);
    if (!progress->screen) return;
    char line[LINE_CHARS] = "", text[STAGE_CHARS + 64];
    snprintf(text, sizeof text, "%s: %lld %s in %.1f s", progress->stage,
             (long long)(progress->step - progress->first), progress->unit,
             now - progress->started);
    add(line, text);
    add_fields(line, progress, progress->n_fields);
    fprintf(progress->screen, progress->terminal ? "\r%s\033[K\n" : "%s\n", line);
    fflush(progress->screen);
    progress->drawn = false;
}
