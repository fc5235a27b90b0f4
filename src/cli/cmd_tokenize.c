/* electra tokenize - each line of text becomes a line of pieces or ids
 *
 * A block of lines is cut into parts of a fixed size; each part is tokenised and printed into memory of its
 * own by whichever thread is free, and the parts are written in order.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"
#include "cli/casing.h"
#include "cli/cli.h"
#include "text/reader.h"
#include "text/wordpiece.h"

typedef struct {
    const char *vocab;
    bool ids, lowercase, strip_accents;
    int64_t threads;
} settings;

#define FIELD(name) offsetof(settings, name)
static const el_option TABLE[] = {
    {"vocab", EL_OPT_TEXT, FIELD(vocab), 0, 0, NULL, "vocab.txt, or a folder with one"},
    {"ids", EL_OPT_SWITCH, FIELD(ids), 0, 1, NULL, "print ids instead of pieces"},
    CLI_CASING_OPTIONS(settings),
    {"threads", EL_OPT_INT, FIELD(threads), 1, 1024, NULL, "threads to work on"},
};

enum { PART = 1 << 17, MOST_PARTS = EL_READER_BLOCK / PART + 1 };

typedef struct {
    const char *text;
    size_t bytes;
    char *out;
    size_t used, room;
    el_status status;
    char trouble[256]; /* the sentence, brought from the thread it was left in */
} part;

typedef struct {
    const settings *settings;
    const el_vocab *vocab;
    el_wordpiece **sessions; /* one for each thread */
    el_ids *ids;
    part parts[MOST_PARTS];
    int count;
} work;

static el_status make_room(part *p, size_t more)
{
    if (p->used + more <= p->room)
        return EL_OK;
    const size_t room = 2 * (p->used + more);
    char *out = realloc(p->out, room);
    if (!out)
        return el_fail(EL_ENOMEM, "cannot allocate %zu bytes for the output", room);
    p->out = out;
    p->room = room;
    return EL_OK;
}

/* Writes a number's digits; returns how many. */
static int put_number(char *out, int32_t value)
{
    char digits[12];
    int count = 0;
    do
        digits[count++] = (char)('0' + value % 10);
    while ((value /= 10) > 0);
    for (int i = 0; i < count; i++)
        out[i] = digits[count - 1 - i];
    return count;
}

static el_status put_line(part *p, const work *w, const el_ids *ids)
{
    for (size_t i = 0; i < ids->count; i++) {
        const char *piece = w->vocab->pieces[ids->data[i]];
        const size_t bytes = w->settings->ids ? 12 : strlen(piece);
        const el_status st = make_room(p, bytes + 2);
        if (st)
            return st;
        if (i > 0)
            p->out[p->used++] = ' ';
        if (w->settings->ids) {
            p->used += (size_t)put_number(p->out + p->used, ids->data[i]);
        } else {
            memcpy(p->out + p->used, piece, bytes);
            p->used += bytes;
        }
    }
    const el_status st = make_room(p, 1);
    if (!st)
        p->out[p->used++] = '\n';
    return st;
}

static void do_part(void *context, int index, int thread)
{
    work *w = context;
    part *p = &w->parts[index];
    el_ids *ids = &w->ids[thread];
    el_line line;
    p->used = 0;
    p->status = w->sessions[thread] ? EL_OK : el_wordpiece_open(&w->sessions[thread], w->vocab);
    for (const char *at = p->text; !p->status && el_line_next(&at, p->text + p->bytes, &line);) {
        ids->count = 0;
        p->status = el_wordpiece_encode(w->sessions[thread], line.text, line.bytes, ids);
        if (!p->status)
            p->status = put_line(p, w, ids);
    }
    if (p->status)
        snprintf(p->trouble, sizeof p->trouble, "%s", el_error());
}

static void cut_parts(work *w, const el_block *block)
{
    w->count = 0;
    for (size_t at = 0; at < block->bytes;) {
        part *p = &w->parts[w->count++];
        p->text = block->text + at;
        p->bytes = w->count < MOST_PARTS ? el_lines_cut(p->text, block->bytes - at, PART) : block->bytes - at;
        at += p->bytes;
    }
}

static el_status write_parts(work *w, bool cut)
{
    for (int i = 0; i < w->count; i++) {
        part *p = &w->parts[i];
        if (p->status)
            return el_fail(p->status, "%s", p->trouble);
        if (cut && i == w->count - 1 && p->used > 0) /* the line goes on in the next block */
            p->out[p->used - 1] = ' ';
        if (fwrite(p->out, 1, p->used, stdout) != p->used)
            return el_fail(EL_EFAILED, "cannot write the output");
    }
    return EL_OK;
}

static el_status tokenize_all(work *w, el_reader *reader)
{
    el_block block;
    el_status st;
    while ((st = el_reader_next(reader, &block)) == EL_OK && block.bytes > 0) {
        cut_parts(w, &block);
        el_parallel((int)w->settings->threads, w->count, do_part, w);
        if ((st = write_parts(w, block.cut)))
            return st;
    }
    if (!st && fflush(stdout) != 0)
        st = el_fail(EL_EFAILED, "cannot write the output");
    return st;
}

static el_status run(const el_options *options, const settings *s)
{
    char *standard_input[] = {"-"};
    if (!s->vocab)
        return el_fail(EL_EUSAGE, "--vocab is missing: which vocabulary?");
    const size_t threads = (size_t)s->threads;
    el_vocab *vocab = NULL;
    el_reader *reader = NULL;
    work *w = calloc(1, sizeof *w);
    if (w)
        *w = (work){.settings = s,
                    .sessions = calloc(threads, sizeof *w->sessions),
                    .ids = calloc(threads, sizeof *w->ids)};
    el_status st = EL_OK;
    if (!w || !w->sessions || !w->ids)
        st = el_fail(EL_ENOMEM, "no memory for %zu threads", threads);
    if (!st)
        st = el_vocab_load(&vocab, s->vocab, cli_casing_wish(options, s->lowercase, s->strip_accents));
    if (!st)
        st = options->operand_count
                 ? el_reader_open(&reader, options->operand, options->operand_count, (el_reader_settings){0})
                 : el_reader_open(&reader, standard_input, 1, (el_reader_settings){0});
    if (!st) {
        w->vocab = vocab;
        st = tokenize_all(w, reader);
    }
    for (size_t t = 0; w && w->sessions && w->ids && t < threads; t++) {
        el_wordpiece_close(w->sessions[t]);
        el_ids_release(&w->ids[t]);
    }
    for (int i = 0; w && i < MOST_PARTS; i++)
        free(w->parts[i].out);
    if (w) {
        free(w->sessions);
        free(w->ids);
    }
    free(w);
    el_reader_close(reader);
    el_vocab_close(vocab);
    return st;
}

int cmd_tokenize(int argc, char **argv)
{
    settings s = {.lowercase = true, .strip_accents = true, .threads = el_processors()};
    el_options options = {
        .command = "tokenize",
        .examples = "  electra tokenize --vocab vocab.txt corpus.txt > pieces.txt\n"
                    "  echo \"Hello, world!\" | electra tokenize --vocab vocab.txt --ids\n",
        .operands = "[FILE]...",
        .summary = "text to pieces, a line in, a line out, separated by spaces, no [CLS] or [SEP]",
        .table = TABLE,
        .count = sizeof TABLE / sizeof *TABLE,
        .settings = &s,
    };
    int exit_code;
    if (!cli_parse(&options, argc, argv, &exit_code))
        return exit_code;
    exit_code = cli_exit("tokenize", run(&options, &s));
    el_options_close(&options);
    return exit_code;
}
