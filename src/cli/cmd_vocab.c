/* cmd_vocab - electra vocab: learns a WordPiece vocabulary */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "cli/cli.h"
#include "cli/ranks.h"
#include "engine/vocabulary.h"

static bool show(void *context, const char *what, uint64_t done, uint64_t total)
{
    char text[96];
    if (strcmp(what, "reading") == 0)
        snprintf(text, sizeof text, "reading  %.1f MB", (double)done / 1e6);
    else
        snprintf(text, sizeof text, "merging  %llu pieces", (unsigned long long)done);
    cli_progress_show(context, total ? (double)done / (double)total : -1, text);
    return true;
}

static el_status run(const el_options *options)
{
    const el_vocabulary_settings *const s = options->settings;
    cli_progress progress;
    el_vocab *vocab;
    cli_progress_begin(&progress);
    const el_status st = el_vocabulary_make(options, show, &progress, &vocab);
    cli_progress_end(&progress);
    if (vocab)
        fprintf(stderr, "electra vocab: %d pieces in %s%s\n", vocab->size, s->output,
                el_folder_exists(s->output) ? "/vocab.txt" : "");
    el_vocab_close(vocab);
    return st;
}

int cmd_vocab(int argc, char **argv)
{
    el_vocabulary_settings s = el_vocabulary_defaults();
    s.dist = cli_dist();
    el_options options = {
        .command = "vocab",
        .examples =
            "  electra vocab --vocab-size 30522 --output vocab.txt corpus.txt\n"
            "  electra vocab --vocab-size 8000 --no-strip-accents --output vocab.txt texts/ more.jsonl.zst\n",
        .operands = "FILE...",
        .summary = "learns a WordPiece vocabulary from text (plain or JSON lines, .gz, .zst, .xz, .bz2, "
                   "folders, - for stdin)",
        .table = EL_VOCABULARY_TABLE,
        .count = EL_VOCABULARY_LINES,
        .settings = &s,
    };
    int exit_code;
    if (!cli_parse(&options, argc, argv, &exit_code))
        return exit_code;
    exit_code = cli_exit("vocab", run(&options));
    el_options_close(&options);
    return exit_code;
}
