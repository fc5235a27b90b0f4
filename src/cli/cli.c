/* cli - what every command shares: arguments, exit codes, lines on stderr */
#define _GNU_SOURCE /* asprintf */
#include "cli/cli.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/json.h"
#include "base/log.h"
#include "cli/ranks.h"

static const double REDRAW = 0.1, PLAIN_REDRAW = 10.0; /* seconds between two drawings */
static const double BLIND = 2.0;                       /* seconds before a remaining time is worth saying */
enum { BAR = 20 };

static const char *command_name = "electra"; /* in front of log lines */
static cli_page *help_page = el_options_help;
/* Log lines go above it.  Any thread may log, so whoever writes locks stderr. */
static cli_progress *progress_open;
static bool quiet;

double cli_resident_mb(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return 1024.0 * (double)usage.ru_maxrss / 1e6; /* Linux counts kilobytes of 1024 */
}

double cli_anonymous_mb(void)
{
    char text[128] = "";
    long resident = 0, shared = 0;
    const int file = el_io_open("/proc/self/statm", O_RDONLY);
    if (file >= 0) {
        el_io_read(file, text, sizeof text - 1);
        el_io_close(file);
    }
    const bool told = sscanf(text, "%*d %ld %ld", &resident, &shared) == 2;
    return told ? 1e-6 * (double)sysconf(_SC_PAGESIZE) * (double)(resident - shared) : 0;
}

static bool is_terminal(int descriptor)
{
    const char *const term = getenv("TERM");
    return isatty(descriptor) && term && strcmp(term, "dumb") != 0;
}

bool cli_coloured(int descriptor)
{
    const char *const no_color = getenv("NO_COLOR");
    return is_terminal(descriptor) && !(no_color && *no_color);
}

/* Of other ranks than the first only warnings, which may be of theirs alone. */
static void sink_of_rank(el_log_level level, const char *line)
{
    if (level == EL_LOG_WARNING)
        fprintf(stderr, "electra %s, rank %d: warning: %s\n", command_name, el_dist_rank(cli_dist()), line);
}

void cli_quiet(void)
{
    quiet = true;
}

static void sink(el_log_level level, const char *line)
{
    if (quiet && level == EL_LOG_NOTE)
        return;
    flockfile(stderr);
    if (progress_open && progress_open->open)
        fputs("\r\033[K", stderr);
    const bool warning = level == EL_LOG_WARNING, colour = warning && cli_coloured(STDERR_FILENO);
    fprintf(stderr, "electra %s: %s%s%s%s\n", command_name, colour ? "\033[33m" : "",
            warning ? "warning: " : "", line, colour ? "\033[0m" : "");
    if (progress_open && progress_open->terminal)
        progress_open->drawn = 0; /* again below it, soon */
    funlockfile(stderr);
}

void cli_pages_are(cli_page *page)
{
    help_page = page;
}

bool cli_parse(el_options *options, int argc, char **argv, int *exit_code)
{
    command_name = options->command;
    el_log_to(el_dist_leads(cli_dist()) ? sink : sink_of_rank);
    el_status st = el_dist_agree(cli_dist(), el_options_parse(options, argc, argv));
    if (!st)
        st = cli_ranks_alike(options);
    if (st) {
        *exit_code = cli_exit(options->command, st);
        el_options_close(options);
        return false;
    }
    if (!options->help)
        return true;
    char *const page = el_dist_leads(cli_dist()) ? help_page(options) : strdup("");
    *exit_code = page ? 0 : cli_exit(options->command, el_no_memory(NULL));
    if (page)
        fputs(page, stdout);
    free(page);
    el_options_close(options);
    return false;
}

char *cli_examples_and(const char *examples, char *list)
{
    char *text = NULL;
    if (list && asprintf(&text, "%s%s", examples, list) < 0)
        text = NULL;
    free(list);
    return text;
}

int cli_exit(const char *command, el_status mine)
{
    const el_status status = el_dist_agree(cli_dist(), mine);
    if (status == EL_OK)
        return 0;
    if (progress_open)
        cli_progress_end(progress_open);
    if (el_dist_leads(cli_dist()))
        fprintf(stderr, "electra %s: %s\n", command, el_error());
    switch (status) {
    case EL_EUSAGE:
        return 2;
    case EL_EDATA:
        return 3;
    case EL_ESTOPPED:
        return 75;
    default:
        return 1;
    }
}

el_status cli_flush(void)
{
    const bool sent = fflush(stdout) == 0 && !ferror(stdout);
    return sent ? EL_OK : el_fail(EL_EFAILED, "cannot write the output");
}

el_status cli_text_print(char *text)
{
    if (!text)
        return el_no_memory(NULL);
    puts(text);
    free(text);
    return EL_OK;
}

el_status cli_json_print(const json_t *value)
{
    return cli_text_print(el_json_text(value, true));
}

el_status cli_json_line(json_t *object)
{
    char *const text = el_json_dump(object, JSON_COMPACT | JSON_REAL_PRECISION(12));
    json_decref(object);
    return cli_text_print(text);
}

/* ---- progress ---- */

static int columns(void)
{
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

void cli_duration(char *text, size_t size, double seconds)
{
    const long minutes = (long)(seconds / 60 + 0.5), hours = minutes / 60;
    if (seconds < 99.5)
        snprintf(text, size, "%.0f s", seconds);
    else if (minutes < 60)
        snprintf(text, size, "%ld min", minutes);
    else if (hours < 48)
        snprintf(text, size, "%ld h %02ld min", hours, minutes % 60);
    else
        snprintf(text, size, "%ld d %ld h", hours / 24, hours % 24);
}

cli_number cli_figure(const json_t *value)
{
    cli_number n = {"-"};
    if (json_is_number(value))
        snprintf(n.text, sizeof n.text, "%.4f", json_number_value(value));
    return n;
}

void cli_add_figure(char *text, size_t size, const el_figures *figures, const char *name, const char *label,
                    int digits)
{
    const double value = el_figure(figures, name);
    const size_t used = strlen(text);
    if (isfinite(value))
        snprintf(text + used, size - used, "%s%s %.*g", used ? "  " : "", label, digits, value);
}

/* What is left at the rate so far; "" while nothing is known. */
static void remaining(const cli_progress *p, char *text, size_t size)
{
    const double elapsed = el_now() - p->started, done = p->fraction - p->before;
    *text = '\0';
    if (p->fraction >= 1 || done <= 0 || elapsed < BLIND)
        return;
    char time[32];
    cli_duration(time, sizeof time, elapsed * (1 - p->fraction) / done);
    snprintf(text, size, "  %s left", time);
}

/* Shortens to so many columns, without leaving half a character. */
static void fit(char *line, int width)
{
    int column = 0;
    for (char *c = line; *c; c++) {
        if ((*c & 0xC0) != 0x80 && column++ == width) {
            *c = '\0';
            return;
        }
    }
}

static void draw(cli_progress *p)
{
    char left[64] = "", percent[16] = "", line[512];
    if (p->fraction >= 0) {
        remaining(p, left, sizeof left);
        snprintf(percent, sizeof percent, "%3d %%  ", (int)(100 * p->fraction));
    }
    snprintf(line, sizeof line, "%s%s", percent, p->text);
    if (!p->terminal) {
        fprintf(stderr, "%s%s\n", line, left);
    } else {
        const int bar = p->fraction >= 0 && columns() > 60 ? BAR : 0;
        fit(line, columns() - 1 - (bar ? bar + 3 : 0) - (int)strlen(left)); /* the time left stays in sight */
        fputs("\r\033[K", stderr);
        if (bar) {
            const int full = (int)(bar * p->fraction);
            const bool colour = cli_coloured(STDERR_FILENO);
            fprintf(stderr, "%s[%.*s%.*s]%s ", colour ? "\033[32m" : "", full, "####################",
                    bar - full, "....................", colour ? "\033[0m" : "");
        }
        fprintf(stderr, "%s%s", line, left);
    }
    fflush(stderr);
    p->drawn = el_now();
    p->open = p->terminal;
    p->waiting = false;
}

void cli_progress_begin(cli_progress *progress)
{
    *progress = (cli_progress){
        .started = el_now(), .before = -1, .fraction = -1, .terminal = is_terminal(STDERR_FILENO)};
    progress->drawn = progress->terminal ? 0 : progress->started;
    flockfile(stderr);
    progress_open = progress;
    funlockfile(stderr);
}

void cli_progress_show(cli_progress *progress, double fraction, const char *text)
{
    if (!el_dist_leads(cli_dist()))
        return;
    flockfile(stderr);
    if (progress->before < 0 && fraction >= 0)
        progress->before = fraction;
    progress->fraction = fraction > 1 ? 1 : fraction;
    snprintf(progress->text, sizeof progress->text, "%s", text);
    progress->waiting = true;
    if (el_now() - progress->drawn >= (progress->terminal ? REDRAW : PLAIN_REDRAW))
        draw(progress);
    funlockfile(stderr);
}

void cli_progress_end(cli_progress *progress)
{
    flockfile(stderr);
    if (progress_open == progress) {
        progress_open = NULL;
        if (progress->waiting)
            draw(progress);
        if (progress->open)
            fputc('\n', stderr);
        progress->open = false;
    }
    funlockfile(stderr);
}
