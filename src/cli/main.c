/* Entry point: signals first, then the tables of command.c decide. */
#include "config.h"

#include "base/isa.h"
#include "base/nearest.h"
#include "base/ranks.h"
#include "base/signals.h"
#include "cli/command.h"
#include "cli/launch.h"
#include "cli/print.h"
#include "io/h5.h"

#include <errno.h>
#include <fcntl.h>
#include <gsl/gsl_errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Notices of the library go to standard error, one a line. */
static void log_line(void *sink, const char *line)
{
    fprintf((FILE *)sink, "kadanoff: %s\n", line);
}

static void say_line(const char *line)
{
    puts(line);
    fflush(stdout);
}

static int fail(kad_app *app, kad_status status)
{
    fflush(stdout);
    fprintf(stderr, "kadanoff: %s\n",
            app->ctx.message[0] != '\0' ? app->ctx.message : kad_status_text(status));
    return (int)status;
}

static kad_status no_command(kad_app *app, const char *word)
{
    const char *names[32];
    size_t n = 0;
    for (const kad_command *c = kad_commands; c->name != NULL && n < 32; c++)
        names[n++] = c->name;
    const char *near = kad_nearest(word, n, names);
    if (near != NULL)
        return kad_fail(&app->ctx, KAD_EUSAGE, "no command \"%s\" (did you mean %s?)",
                        word, near);
    return kad_fail(&app->ctx, KAD_EUSAGE, "no command \"%s\" (see kadanoff --help)",
                    word);
}

static kad_status run_command(kad_app *app, const kad_command *command)
{
    kad_status status = kad_app_parse(app, command, app->argc - 1, app->argv + 1);
    if (status != KAD_OK) return status;
    if (app->help) {
        kad_print_command_help(stdout, command);
        return KAD_OK;
    }
    if (app->version) {
        kad_print_version(stdout);
        return KAD_OK;
    }
    if (app->threads > 0) app->ctx.n_threads = app->threads;
    if (kad_ranks_all(&app->ctx) > 1 && !command->ranks)
        return kad_fail(&app->ctx, KAD_EUSAGE,
                        "%s is for one process, not for %d ranks: kadanoff %s",
                        command->name, kad_ranks_all(&app->ctx), command->name);
    KAD_CALL(kad_ranks_give_int(&app->ctx, KAD_OK, &app->ctx.n_threads));
    if (app->max_hours > 0) kad_signals_deadline(app->max_hours * 3600);
    return command->run(app);
}

/* The reader of a pipe has gone: it has what it wanted (`| head -1`). */
static bool reader_has_gone(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    return poll(&out, 1, 0) == 1 && (out.revents & POLLERR) != 0;
}

/* A full disk must not pass for success. */
static kad_status flush_output(kad_app *app)
{
    if ((fflush(stdout) != 0 || ferror(stdout)) && !reader_has_gone())
        return kad_fail(&app->ctx, KAD_EIO, "cannot write to standard output");
    return KAD_OK;
}

/* Standard descriptors that were closed are opened on nothing: the next file would get
 * their number, and what is said would be written into it. */
static void fill_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", O_RDWR) != fd)
            _exit(KAD_EIO);
}

/* Ranks but the first are silent. */
static kad_status be_silent(kad_app *app)
{
    app->say = NULL;
    app->ctx.log = NULL;
    if (freopen("/dev/null", "w", stdout) != NULL) return KAD_OK;
    return kad_fail(&app->ctx, KAD_EIO, "/dev/null: %s", strerror(errno));
}

static kad_status run_words(kad_app *app)
{
    KAD_CALL(kad_isa_check(&app->ctx));
    if (!kad_launch_speaks()) KAD_CALL(be_silent(app));
    const char *word = app->argv[1];
    const kad_command *command = kad_command_find(word);
    kad_status status = KAD_OK;
    if (command != NULL) {
        status = run_command(app, command);
        kad_app_clear(app);
    } else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        kad_print_usage(stdout);
    } else if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
        kad_print_version(stdout);
    } else {
        status = no_command(app, word);
    }
    if (status == KAD_OK) status = flush_output(app);
    if (status != KAD_ENOMEM && status != KAD_EINTERRUPTED && kad_h5_was_starved())
        status = kad_fail(&app->ctx, KAD_ENOMEM, "out of memory within HDF5");
    return status;
}

static int run_program(int argc, char **argv)
{
    kad_app app = {0};
    kad_signals_install();
    fill_descriptors();
    kad_ctx_init(&app.ctx, 0);
    app.say = say_line;
    app.show = kad_print_results;
    app.ctx.log = log_line;
    app.ctx.sink = stderr;
    gsl_set_error_handler_off(); /* statuses are checked; never abort */
    if (argc < 2) {
        kad_print_usage(stderr);
        return KAD_EUSAGE;
    }
    kad_status status = kad_launch(&app.ctx, &argc, &argv);
    app.argc = argc;
    app.argv = argv;
    if (status == KAD_OK) status = run_words(&app);
    /* a launcher may end all ranks when one is gone with a code: first the last words */
    status = kad_ranks_leave(&app.ctx, status);
    const bool told = status == KAD_OK || !kad_launch_speaks();
    const int code = told ? (int)status : fail(&app, status);
    kad_launch_end();
    return code;
}

/* Libraries that call exit() do so when they get no memory (HDF5, FFTW, OpenMP) or no
 * threads (OpenMP). */
static bool returned;

static void on_exit_elsewhere(void)
{
    static const char text[] = "kadanoff: a library has ended the program: out of memory "
                               "or of threads\n";
    if (returned) return;
    ssize_t n = write(STDERR_FILENO, text, sizeof text - 1);
    (void)n;
    _exit(KAD_ENOMEM);
}

int main(int argc, char **argv)
{
    atexit(on_exit_elsewhere);
    const int code = run_program(argc, argv);
    returned = true;
    return code;
}
