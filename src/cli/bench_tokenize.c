/* bench_tokenize - electra bench tokenize: text from files to ids, reading counted, with caches that are empty at the start */
#include <stdalign.h>

#include "base/pool.h"
#include "cli/bench.h"
#include "cli/tokenize.h"
#include "engine/casing.h"

typedef struct {
    alignas(EL_CACHE_LINE) int64_t ids; /* so far */
} tally;

typedef struct {
    const bench_place *place;
    const el_vocab *vocab;
    tally parts[CLI_TOKENIZE_PARTS];
    int64_t tokens, bytes;
} count;

static el_status count_line(void *context, int part, const el_ids *ids)
{
    count *c = context;
    c->parts[part].ids += (int64_t)ids->count;
    return EL_OK;
}

static el_status count_block(void *context, int parts, const el_block *block)
{
    count *c = context;
    for (int i = 0; i < parts; i++) {
        c->tokens += c->parts[i].ids;
        c->parts[i].ids = 0;
    }
    c->bytes += (int64_t)block->bytes;
    return EL_OK;
}

static el_status read_all(void *context)
{
    count *c = context;
    const el_options *options = c->place->options;
    const cli_tokenizer tokenizer = {.vocab = c->vocab,
                                     .threads = (int)c->place->settings->machine.threads,
                                     .on_line = count_line,
                                     .on_block = count_block,
                                     .context = c};
    el_reader *reader = NULL;
    c->tokens = c->bytes = 0;
    el_status st =
        el_reader_open(&reader, options->operand + 1, options->operand_count - 1, (el_reader_settings){0});
    if (!st)
        st = cli_tokenize(&tokenizer, reader);
    el_reader_close(reader);
    return st;
}

el_status bench_tokenize(const bench_place *place, json_t **result)
{
    const bench_settings *s = place->settings;
    const el_casing_request request = el_casing_requested(place->options, s->lowercase, s->strip_accents);
    el_vocab *vocab = NULL;
    count c = {.place = place};
    double seconds = 0;
    if (!s->vocab)
        return el_fail(EL_EUSAGE, "--vocab is missing: which vocabulary?");
    if (place->options->operand_count < 2)
        return el_fail(EL_EUSAGE, "which text? electra bench tokenize takes files after its name");
    el_status st = el_tokenizer_load(&vocab, s->vocab, request);
    c.vocab = vocab;
    if (!st)
        st = bench_median(s->seconds, 1, read_all, &c, &seconds);
    if (!st)
        *result = json_pack("{s:f, s:f, s:I, s:I}", "megabytes_per_second", (double)c.bytes / seconds / 1e6,
                            "seconds", seconds, "tokens", (json_int_t)c.tokens, "bytes", (json_int_t)c.bytes);
    el_vocab_close(vocab);
    return st;
}
