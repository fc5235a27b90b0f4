/* tokenize - see the header */
#include "cli/tokenize.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/parallel.h"

typedef struct {
    const char *text;
    size_t bytes;
    el_status status;
    char trouble[256]; /* the sentence, brought from the thread it was left in */
} part;

typedef struct {
    const cli_tokenizer *tokenizer;
    el_wordpiece **sessions; /* one for each thread, and its ids of a line */
    el_ids *ids;
    part parts[CLI_TOKENIZE_PARTS];
    int count;
} work;

static void do_part(void *context, int index, int thread)
{
    work *w = context;
    const cli_tokenizer *t = w->tokenizer;
    part *p = &w->parts[index];
    el_ids *ids = &w->ids[thread];
    el_line line;
    p->status = w->sessions[thread] ? EL_OK : el_wordpiece_open(&w->sessions[thread], t->vocab);
    for (const char *at = p->text; !p->status && el_line_next(&at, p->text + p->bytes, &line);) {
        ids->count = 0;
        p->status = el_wordpiece_encode(w->sessions[thread], line.text, line.bytes, ids);
        if (!p->status)
            p->status = t->on_line(t->context, index, ids);
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
        p->bytes = w->count < CLI_TOKENIZE_PARTS ? el_lines_cut(p->text, block->bytes - at, CLI_TOKENIZE_PART)
                                                 : block->bytes - at;
        at += p->bytes;
    }
}

static el_status do_block(work *w, const el_block *block)
{
    const cli_tokenizer *t = w->tokenizer;
    cut_parts(w, block);
    el_parallel(t->threads, w->count, do_part, w);
    for (int i = 0; i < w->count; i++)
        if (w->parts[i].status)
            return el_fail(w->parts[i].status, "%s", w->parts[i].trouble);
    return t->on_block(t->context, w->count, block);
}

static el_status do_all(work *w, el_reader *reader)
{
    el_block block;
    el_status st;
    while ((st = el_reader_next(reader, &block)) == EL_OK && block.bytes > 0)
        if ((st = do_block(w, &block)))
            return st;
    return st;
}

el_status cli_tokenize(const cli_tokenizer *tokenizer, el_reader *reader)
{
    const size_t threads = (size_t)tokenizer->threads;
    work *w = calloc(1, sizeof *w);
    if (!w)
        return el_fail(EL_ENOMEM, "no memory to tokenise");
    w->tokenizer = tokenizer;
    w->sessions = calloc(threads, sizeof *w->sessions);
    w->ids = calloc(threads, sizeof *w->ids);
    const bool whole = w->sessions && w->ids;
    const el_status st = whole ? do_all(w, reader) : el_fail(EL_ENOMEM, "no memory for %zu threads", threads);
    for (size_t t = 0; whole && t < threads; t++) {
        el_wordpiece_close(w->sessions[t]);
        el_ids_release(&w->ids[t]);
    }
    free(w->sessions);
    free(w->ids);
    free(w);
    return st;
}
