/* cmd_prepare - electra prepare: text to shards of tokens */
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/plural.h"
#include "cli/cli.h"
#include "cli/ranks.h"
#include "cli/signals.h"
#include "engine/shards.h"

static const double UNKNOWN_WARNING = 0.01; /* share of [UNK] above which a vocabulary hardly fits */

typedef struct {
    cli_progress line;
    double started;
    const el_stop *stop;
    bool shown;
    uint64_t before; /* bytes of text that an earlier start read */
} shown;

/* MB/s since this start. */
static double speed(const shown *s, uint64_t text_bytes)
{
    return (double)(text_bytes - s->before) / 1e6 / (el_now() - s->started);
}

static bool show(void *context, uint64_t done, uint64_t total, uint64_t text_bytes)
{
    shown *const s = context;
    char text[80];
    if (!s->shown)
        s->before = text_bytes;
    s->shown = true;
    snprintf(text, sizeof text, "%.0f MB of text, %.1f MB/s", (double)text_bytes / 1e6, speed(s, text_bytes));
    cli_progress_show(&s->line, total ? (double)done / (double)total : -1, text);
    return !*s->stop;
}

static double share(int64_t part, int64_t whole)
{
    return whole ? (double)part / (double)whole : 0;
}

static void summarise_folder(const char *folder, const el_pack_counts *c, int max_seq_length)
{
    printf("%s: %" PRId64 " document%s, %" PRId64 " example%s, %" PRId64 " token%s (%.1f %% of %d each)\n",
           folder, c->documents, el_s(c->documents), c->examples, el_s(c->examples), c->tokens,
           el_s(c->tokens), 100 * share(c->tokens, c->examples * max_seq_length), max_seq_length);
}

static void summarise(const el_shards_settings *s, const el_prepare_summary *sum, const shown *display)
{
    summarise_folder(s->output, &sum->train, (int)s->max_seq_length);
    if (s->heldout_output)
        summarise_folder(s->heldout_output, &sum->heldout, (int)s->max_seq_length);
    const double unknown = share(sum->unknown, sum->text_tokens);
    const int64_t lost = sum->train.lost + sum->heldout.lost;
    printf("%.1f MB of text, %" PRId64 " line%s, %" PRId64 " piece%s, %.2f %% [UNK]",
           (double)sum->text_bytes / 1e6, sum->lines, el_s(sum->lines), sum->text_tokens,
           el_s(sum->text_tokens), 100 * unknown);
    if (lost)
        printf(", %.1f %% cut off (--packing full keeps them)", 100 * share(lost, sum->text_tokens));
    printf("; %.1f s, %.1f MB/s\n", el_now() - display->started, speed(display, (uint64_t)sum->text_bytes));
    if (unknown > UNKNOWN_WARNING)
        el_log(EL_LOG_WARNING, "%.1f %% of the pieces are [UNK]: the vocabulary hardly fits this text",
               100 * unknown);
}

static el_status prepare(const el_options *options)
{
    shown display = {.started = el_now(), .stop = cli_catch_signals()};
    el_prepare_summary summary;
    cli_progress_begin(&display.line);
    const el_status st = el_shards_make(options, show, &display, &summary);
    cli_progress_end(&display.line);
    if (!st && el_dist_leads(cli_dist()))
        summarise(options->settings, &summary, &display);
    return st;
}

int cmd_prepare(int argc, char **argv)
{
    el_shards_settings s = el_shards_defaults();
    s.dist = cli_dist();
    el_options options = {
        .command = "prepare",
        .examples = "electra prepare --vocab vocab.txt --output shards corpus.txt\n"
                    "electra prepare --vocab vocab.txt --packing full --output shards more/*.zst\n"
                    "electra prepare --vocab vocab.txt --heldout 0.01 --heldout-output heldout "
                    "--output shards corpus/",
        .operands = "FILE...",
        .summary = "packs text into shards of tokens, one line a paragraph or sentence, a blank "
                   "line between documents",
        .table = EL_SHARDS_TABLE,
        .count = EL_SHARDS_LINES,
        .settings = &s};
    int code;
    if (!cli_parse(&options, argc, argv, &code))
        return code;
    const el_status st = prepare(&options);
    el_options_close(&options);
    return cli_exit("prepare", st);
}
