/* tokenize - see the header
 *
 * While the parts of a block are tokenised, the next block is read.
 */
#include "cli/tokenize.h"

#include <stdlib.h>

#include "base/pool.h"

typedef struct {
    const char *text;
    size_t bytes;
    el_outcome end;
} part;

typedef struct {
    const cli_tokenizer *tokenizer;
    el_reader *reader;
    el_pool *pool;
    el_wordpiece **sessions; /* one for each thread, and its ids of a line */
    el_ids *ids;
    part parts[CLI_TOKENIZE_PARTS];
    int count;
    el_block next;
    el_outcome reading;
} work;

static el_status do_part(work *w, int index, int thread)
{
    const cli_tokenizer *t = w->tokenizer;
    const part *p = &w->parts[index];
    el_ids ids = w->ids[thread]; /* here, where no other thread writes beside it */
    el_line line;
    el_status st =
        w->sessions[thread] ? EL_OK : el_wordpiece_open(&w->sessions[thread], t->vocab, t->reading);
    for (const char *at = p->text; !st && el_line_next(&at, p->text + p->bytes, &line);) {
        ids.count = 0;
        st = el_wordpiece_encode(w->sessions[thread], line.text, line.bytes, &ids);
        if (!st)
            st = t->on_line(t->context, index, &ids);
    }
    w->ids[thread] = ids;
    return st;
}

/* The steps of a turn: one, and a part each. */
enum { READ, PARTS };

static void do_step(void *context, int step, int thread)
{
    work *w = context;
    if (step == READ)
        el_outcome_keep(&w->reading, el_reader_next(w->reader, &w->next));
    else
        el_outcome_keep(&w->parts[step - PARTS].end, do_part(w, step - PARTS, thread));
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
    el_status st = EL_OK;
    cut_parts(w, block);
    el_pool_run(w->pool, PARTS + w->count, do_step, w);
    for (int i = 0; !st && i < w->count; i++)
        st = el_outcome_repeat(&w->parts[i].end);
    return st ? st : t->on_block(t->context, w->count, block);
}

static el_status do_all(work *w)
{
    el_status st = el_reader_next(w->reader, &w->next);
    while (!st && w->next.bytes > 0) {
        const el_block block = w->next;
        st = do_block(w, &block);
        if (!st)
            st = el_outcome_repeat(&w->reading);
    }
    return st;
}

el_status cli_tokenize(const cli_tokenizer *tokenizer, el_reader *reader)
{
    const size_t threads = (size_t)tokenizer->threads;
    work *w = calloc(1, sizeof *w);
    if (!w)
        return el_no_memory(NULL);
    w->tokenizer = tokenizer;
    w->reader = reader;
    w->sessions = calloc(threads, sizeof *w->sessions);
    w->ids = calloc(threads, sizeof *w->ids);
    const bool whole = w->sessions && w->ids;
    el_status st = whole ? el_pool_open(&w->pool, tokenizer->threads)
                         : el_fail(EL_ENOMEM, "no memory for %zu threads", threads);
    if (!st)
        st = do_all(w);
    el_pool_close(w->pool);
    for (size_t t = 0; whole && t < threads; t++) {
        el_wordpiece_close(w->sessions[t]);
        el_ids_release(&w->ids[t]);
    }
    free(w->sessions);
    free(w->ids);
    free(w);
    return st;
}
