/* cmd_prepare - electra prepare: text to shards of tokens */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/output.h"
#include "base/pool.h"
#include "cli/casing.h"
#include "cli/cli.h"
#include "cli/signals.h"
#include "data/prepare.h"
#include "engine/special.h"

static const double UNKNOWN_WARNING = 0.01; /* share of [UNK] above which a vocabulary hardly fits */

typedef struct {
    const char *vocab, *output, *held_out_output, *json_key;
    int64_t max_seq_length, seed, threads, shard_tokens;
    int packing, attention;
    double short_seq_prob, single_segment_prob, held_out;
    bool blanks_separate_docs, overwrite, lowercase, strip_accents;
    int special_tokens;
} settings;

#define AT(field) offsetof(settings, field)
static const el_option TABLE[] = {
    {"vocab", EL_OPT_TEXT, AT(vocab), 0, 0, NULL, "vocab.txt, or the folder that holds it"},
    {"output", EL_OPT_TEXT, AT(output), 0, 0, NULL, "folder of shards to write"},
    {"max_seq_length", EL_OPT_INT, AT(max_seq_length), EL_PACK_SHORTEST, EL_PACK_LONGEST, NULL,
     "tokens per example, [CLS] and [SEP] included"},
    {"packing", EL_OPT_CHOICE, AT(packing), 0, 0, "segments|full",
     "segments: one or two segments of text, as the original; full: documents without gaps, nothing is cut "
     "off"},
    {"attention", EL_OPT_CHOICE, AT(attention), 0, 0, "document|example",
     "with --packing full: whether tokens attend within their document or the whole example"},
    {"short_seq_prob", EL_OPT_REAL, AT(short_seq_prob), 0, 1, NULL,
     "share of examples with a shorter target length"},
    {"single_segment_prob", EL_OPT_REAL, AT(single_segment_prob), 0, 1, NULL,
     "share of examples with a single segment"},
    {"heldout", EL_OPT_REAL, AT(held_out), 0, 1, NULL, "share of documents to hold out"},
    {"heldout_output", EL_OPT_TEXT, AT(held_out_output), 0, 0, NULL,
     "folder of shards for the held-out documents"},
    {"blanks_separate_docs", EL_OPT_SWITCH, AT(blanks_separate_docs), 0, 0, NULL,
     "a blank line ends a document; off: only the end of a file does"},
    {"json_key", EL_OPT_TEXT, AT(json_key), 0, 0, NULL, "key of the text in JSON lines"},
    CLI_CASING_OPTIONS(settings),
    EL_SPECIAL_OPTION(settings),
    {"shard_tokens", EL_OPT_INT, AT(shard_tokens), 1, 1e10, NULL, "tokens per shard, at most"},
    {"overwrite", EL_OPT_SWITCH, AT(overwrite), 0, 0, NULL, "replace existing shards"},
    {"seed", EL_OPT_INT, AT(seed), 0, 1e15, NULL, "seed of all random choices"},
    {"threads", EL_OPT_INT, AT(threads), 0, 1024, NULL, "number of threads; 0: one per processor"},
};
#undef AT

static el_status check(const settings *s)
{
    if (!s->vocab)
        return el_fail(EL_EUSAGE, "--vocab: which vocabulary? `electra vocab` learns one");
    if (!s->output)
        return el_fail(EL_EUSAGE, "--output: which folder is to be made?");
    if ((s->held_out > 0) != (s->held_out_output != NULL))
        return el_fail(EL_EUSAGE, "--heldout and --heldout-output belong together");
    return EL_OK;
}

/* Each folder is replaced as a whole, so neither may hold the other. */
static el_status check_apart(const settings *s)
{
    const char *const held_out = s->held_out_output;
    if (held_out && (el_path_inside(s->output, held_out) || el_path_inside(held_out, s->output)))
        return el_fail(EL_EUSAGE, "--heldout-output %s and --output %s: neither may be in the other",
                       held_out, s->output);
    return EL_OK;
}

typedef struct {
    cli_progress line;
    double started;
    const volatile sig_atomic_t *stop;
} shown;

static bool show(void *context, uint64_t done, uint64_t total, uint64_t text_bytes)
{
    shown *const s = context;
    char text[80];
    snprintf(text, sizeof text, "%.0f MB of text, %.1f MB/s", (double)text_bytes / 1e6,
             (double)text_bytes / 1e6 / (cli_now() - s->started));
    cli_progress_show(&s->line, total ? (double)done / (double)total : -1, text);
    return !*s->stop;
}

static double share(int64_t part, int64_t whole)
{
    return whole ? (double)part / (double)whole : 0;
}

static void summarise_folder(const char *folder, const el_pack_counts *c, int max_seq_length)
{
    printf("%s: %" PRId64 " documents, %" PRId64 " examples, %" PRId64 " tokens (%.1f %% of %d each)\n",
           folder, c->documents, c->examples, c->tokens, 100 * share(c->tokens, c->examples * max_seq_length),
           max_seq_length);
}

static void summarise(const settings *s, const el_prepare_summary *sum, double seconds)
{
    summarise_folder(s->output, &sum->train, (int)s->max_seq_length);
    if (s->held_out_output)
        summarise_folder(s->held_out_output, &sum->held_out, (int)s->max_seq_length);
    const double unknown = share(sum->unknown, sum->text_tokens);
    const int64_t lost = sum->train.lost + sum->held_out.lost;
    printf("%.1f MB of text, %" PRId64 " lines, %" PRId64 " pieces, %.2f %% [UNK]",
           (double)sum->text_bytes / 1e6, sum->lines, sum->text_tokens, 100 * unknown);
    if (lost)
        printf(", %.1f %% cut off (--packing full keeps them)", 100 * share(lost, sum->text_tokens));
    printf("; %.1f s, %.1f MB/s\n", seconds, (double)sum->text_bytes / 1e6 / seconds);
    if (unknown > UNKNOWN_WARNING)
        el_log(EL_LOG_WARNING, "%.1f %% of the pieces are [UNK]: the vocabulary hardly fits this text",
               100 * unknown);
}

static el_status prepare(const settings *s, const el_vocab *vocab, const el_options *options)
{
    const double started = cli_now();
    shown display = {.started = started};
    const el_prepare_settings job = {
        .pack = {.packing = (el_packing)s->packing,
                 .max_seq_length = (int)s->max_seq_length,
                 .short_seq_prob = s->short_seq_prob,
                 .single_segment_prob = s->single_segment_prob,
                 .seed = (uint64_t)s->seed},
        .attention = (el_attend_scope)s->attention,
        .shard_tokens = s->shard_tokens,
        .output = s->output,
        .held_out_output = s->held_out_output,
        .held_out = s->held_out,
        .overwrite = s->overwrite,
        .blanks_separate_docs = s->blanks_separate_docs,
        .reading = (el_special_reading)s->special_tokens,
        .threads = s->threads ? (int)s->threads : el_processors(),
        .progress = show,
        .progress_context = &display,
    };
    el_reader *reader;
    const el_reader_settings reading = {.json_key = s->json_key};
    el_status st = el_reader_open(&reader, options->operand, options->operand_count, reading);
    if (st)
        return st;
    el_prepare_summary summary;
    display.stop = cli_catch_signals();
    cli_progress_begin(&display.line);
    st = el_prepare(&job, vocab, reader, &summary);
    cli_progress_end(&display.line);
    el_reader_close(reader);
    if (!st)
        summarise(s, &summary, cli_now() - started);
    return st;
}

int cmd_prepare(int argc, char **argv)
{
    settings s = {.max_seq_length = 128,
                  .short_seq_prob = 0.05,
                  .single_segment_prob = 0.1,
                  .blanks_separate_docs = true,
                  .lowercase = true,
                  .strip_accents = true,
                  .shard_tokens = 64 << 20,
                  .json_key = "text"};
    el_options options = {
        .command = "prepare",
        .examples = "electra prepare --vocab vocab.txt --output shards corpus.txt\n"
                    "electra prepare --vocab vocab.txt --packing full --output shards more/*.zst\n"
                    "electra prepare --vocab vocab.txt --heldout 0.01 --heldout-output heldout "
                    "--output shards corpus/",
        .operands = "FILE...",
        .summary = "packs text into shards of tokens, one line a paragraph or sentence, a blank "
                   "line between documents",
        .table = TABLE,
        .count = sizeof TABLE / sizeof *TABLE,
        .settings = &s};
    int code;
    if (!cli_parse(&options, argc, argv, &code))
        return code;
    el_status st = check(&s);
    if (!st)
        st = check_apart(&s);
    if (!st && !options.operand_count)
        st = el_fail(EL_EUSAGE, "which files? `-` is standard input");
    el_vocab *vocab = NULL;
    const el_casing_wish casing = cli_casing_wish(&options, s.lowercase, s.strip_accents);
    if (!st)
        st = el_tokenizer_load(&vocab, s.vocab, casing);
    if (!st)
        st = prepare(&s, vocab, &options);
    el_vocab_close(vocab);
    el_options_close(&options);
    return cli_exit("prepare", st);
}
