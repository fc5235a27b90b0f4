/* cmd_vocab - electra vocab: learns a WordPiece vocabulary */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/output.h"
#include "base/pool.h"
#include "cli/cli.h"
#include "engine/special.h"
#include "format/tokenizer.h"
#include "text/learn.h"

typedef struct {
    const char *output, *json_key;
    int64_t vocab_size, min_frequency, limit_alphabet, memory, threads;
    bool lowercase, strip_accents, chinese_chars;
    int special_tokens;
} settings;

#define FIELD(name) offsetof(settings, name)
static const el_option TABLE[] = {
    {"output", EL_OPT_TEXT, FIELD(output), 0, 0, NULL,
     "vocabulary file to write; tokenizer_config.json goes beside it"},
    {"vocab_size", EL_OPT_INT, FIELD(vocab_size), 16, EL_VOCAB_MAX_PIECES, NULL, "number of pieces, at most"},
    {"min_frequency", EL_OPT_INT, FIELD(min_frequency), 1, 1e15, NULL,
     "how often two pieces must occur side by side to be merged"},
    {"limit_alphabet", EL_OPT_INT, FIELD(limit_alphabet), 0, 1e6, NULL,
     "number of characters kept, the most frequent ones; 0: 1000 or a quarter of the vocabulary, whichever "
     "is less"},
    {"lowercase", EL_OPT_SWITCH, FIELD(lowercase), 0, 1, NULL, "lower-case the text"},
    {"strip_accents", EL_OPT_SWITCH, FIELD(strip_accents), 0, 1, NULL,
     "strip accents from letters; decomposes Hangul (as --lowercase unless given)"},
    {"tokenize_chinese_chars", EL_OPT_SWITCH, FIELD(chinese_chars), 0, 1, NULL,
     "make each ideograph a word of its own"},
    EL_SPECIAL_OPTION(settings),
    {"json_key", EL_OPT_TEXT, FIELD(json_key), 0, 0, NULL, "key of the text in JSON lines"},
    {"memory", EL_OPT_INT, FIELD(memory), 16, 1e9, NULL,
     "megabytes for counting words; beyond that the rarest are left out"},
    {"threads", EL_OPT_INT, FIELD(threads), 1, 1024, NULL, "number of threads"},
};

static void show(void *context, const char *what, uint64_t done, uint64_t total)
{
    char text[96];
    if (strcmp(what, "reading") == 0)
        snprintf(text, sizeof text, "reading  %.1f MB", (double)done / 1e6);
    else
        snprintf(text, sizeof text, "merging  %llu pieces", (unsigned long long)done);
    cli_progress_show(context, total ? (double)done / (double)total : -1, text);
}

static el_status learn(const settings *s, el_reader *reader, bool strip_accents)
{
    const el_casing casing = {s->lowercase, strip_accents, s->chinese_chars};
    el_vocab *vocab;
    el_status st = el_tokenizer_check_place(s->output, casing);
    if (st)
        return st;
    cli_progress progress;
    cli_progress_begin(&progress);
    const el_learn_settings learning = {
        .vocab_size = (int)s->vocab_size,
        .min_frequency = s->min_frequency,
        .limit_alphabet = (int)s->limit_alphabet,
        .casing = casing,
        .reading = (el_special_reading)s->special_tokens,
        .threads = (int)s->threads,
        .memory_bytes = (size_t)s->memory * 1000000,
        .progress = show,
        .progress_context = &progress,
    };
    st = el_learn(&vocab, reader, &learning);
    cli_progress_end(&progress);
    if (st)
        return st;
    st = el_tokenizer_save(vocab, s->output);
    if (!st)
        fprintf(stderr, "electra vocab: %d pieces in %s%s\n", vocab->size, s->output,
                el_folder_exists(s->output) ? "/vocab.txt" : "");
    el_vocab_close(vocab);
    return st;
}

/* Makes the folder that the vocabulary goes into, before it is learned in vain. */
static el_status make_place(const char *output)
{
    const char *slash = strrchr(output, '/');
    if (!slash || slash == output)
        return EL_OK;
    char *folder = strndup(output, (size_t)(slash - output));
    const el_status st = folder ? el_folder_make(folder) : el_fail(EL_ENOMEM, "%s: no memory", output);
    free(folder);
    return st;
}

static el_status run(const el_options *options, const settings *s)
{
    if (!s->output)
        return el_fail(EL_EUSAGE, "--output is missing: where should the vocabulary go?");
    if (options->operand_count == 0)
        return el_fail(EL_EUSAGE,
                       "there is no text to learn from: name files or folders, or - for standard input");
    el_reader *reader;
    el_status st = el_output_differs("output", s->output, options->operand, options->operand_count);
    if (st)
        return st;
    st = el_reader_open(&reader, options->operand, options->operand_count,
                        (el_reader_settings){.json_key = s->json_key});
    if (!st)
        st = make_place(s->output);
    if (!st)
        st = learn(s, reader, el_options_given(options, "strip_accents") ? s->strip_accents : s->lowercase);
    el_reader_close(reader);
    return st;
}

int cmd_vocab(int argc, char **argv)
{
    settings s = {
        .json_key = "text",
        .vocab_size = 30522,
        .min_frequency = 2,
        .memory = 2000,
        .threads = el_processors(),
        .lowercase = true,
        .strip_accents = true,
        .chinese_chars = true,
    };
    el_options options = {
        .command = "vocab",
        .examples =
            "  electra vocab --vocab-size 30522 --output vocab.txt corpus.txt\n"
            "  electra vocab --vocab-size 8000 --no-strip-accents --output vocab.txt texts/ more.jsonl.zst\n",
        .operands = "FILE...",
        .summary = "learns a WordPiece vocabulary from text (plain, .gz, .zst, .xz, .bz2, .jsonl, folders, - "
                   "for stdin)",
        .table = TABLE,
        .count = sizeof TABLE / sizeof *TABLE,
        .settings = &s,
    };
    int exit_code;
    if (!cli_parse(&options, argc, argv, &exit_code))
        return exit_code;
    exit_code = cli_exit("vocab", run(&options, &s));
    el_options_close(&options);
    return exit_code;
}
