/* bench_data - electra bench load: how fast batches come from shards and are masked; and shards of random ids for other parts */
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/io.h"
#include "cli/bench.h"
#include "data/shard.h"
#include "objective/objectives.h"

enum { VOCABULARY = 30522, SPECIAL = 5, LEAST_TOKENS = 1 << 20, LEAST_BATCHES = 4 };

/* The special tokens and as many words as the paper's vocabulary has entries. */
static el_status make_vocab(el_vocab **vocab)
{
    char *text = malloc(VOCABULARY * 12), *end = text;
    if (!text)
        return el_no_memory(NULL);
    end += sprintf(end, "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n");
    for (int i = SPECIAL; i < VOCABULARY; i++)
        end += sprintf(end, "w%d\n", i);
    const el_status st = el_vocab_parse(vocab, text, (size_t)(end - text), (el_casing){0}, "vocabulary");
    free(text);
    return st;
}

static el_status write_examples(el_shard_writer *writer, const el_vocab *vocab, const bench_settings *s)
{
    const int length = (int)s->max_seq_length, start = 0;
    const int64_t enough = LEAST_TOKENS / length + 1, batches = LEAST_BATCHES * s->batch_size;
    const int64_t examples = enough > batches ? enough : batches;
    int *ids = malloc((size_t)length * sizeof *ids);
    el_status st = ids ? EL_OK : el_no_memory(NULL);
    for (int64_t e = 0; !st && e < examples; e++) {
        for (int i = 0; i < length; i++)
            ids[i] = SPECIAL +
                     (int)el_random_below((el_random){1, 0, (uint32_t)e}, (uint64_t)i, VOCABULARY - SPECIAL);
        ids[0] = vocab->cls;
        ids[length - 1] = vocab->sep;
        st = el_shard_writer_add(
            writer,
            &(el_packed){.ids = ids, .count = length, .second = length, .starts = &start, .parts = 1});
    }
    free(ids);
    return st ? st : el_shard_writer_finish(writer);
}

static el_status make_shards(const char *folder, const bench_settings *s)
{
    el_vocab *vocab = NULL;
    el_shard_writer *writer = NULL;
    el_status st = make_vocab(&vocab);
    const el_shard_settings settings = {.vocab = vocab,
                                        .packing = EL_PACK_SEGMENTS,
                                        .max_seq_length = (int)s->max_seq_length,
                                        .tokens = INT64_C(1) << 26};
    if (!st)
        st = el_shard_writer_open(&writer, folder, &settings);
    if (!st)
        st = write_examples(writer, vocab, s);
    el_shard_writer_close(writer);
    el_vocab_close(vocab);
    return st;
}

el_status bench_data_open(el_loader **data, const bench_settings *s)
{
    if (s->data)
        return el_loader_open(data, s->data);
    const char *place = getenv("TMPDIR");
    char folder[4096];
    snprintf(folder, sizeof folder, "%s/electra-bench-XXXXXX", place && *place ? place : "/tmp");
    if (el_io_temporary(folder) != 0)
        return el_fail(EL_EFAILED, "%s: cannot make a folder for shards", folder);
    el_status st = make_shards(folder, s);
    if (!st)
        st = el_loader_open(data, folder);
    const el_status removed = el_folder_remove(folder); /* what is mapped stays */
    return st ? st : removed;
}

/* ---- electra bench load ---- */

typedef struct {
    const el_loader *data;
    const bench_settings *settings;
    el_corruption_rule rule;
    el_batch batch;
    el_corruption slots;
    int *masked; /* ids as the generator would see them */
    int room;
    int64_t batches;
} feed;

static el_status load(void *context)
{
    feed *f = context;
    const int64_t count = f->settings->batch_size;
    return el_loader_batch(f->data, 1, f->batches++ * count, (int)count, &f->batch);
}

static el_status make_room(feed *f)
{
    if (f->batch.rows <= f->room)
        return EL_OK;
    free(f->masked);
    f->room = f->batch.rows;
    f->masked = malloc((size_t)f->room * sizeof *f->masked);
    return f->masked ? EL_OK : el_fail(EL_ENOMEM, "no memory for %d ids", f->room);
}

static el_status mask(void *context)
{
    feed *f = context;
    const el_vocab *vocab = el_loader_vocab(f->data);
    const el_random random = {1, 0, (uint32_t)f->batches};
    el_status st = make_room(f);
    if (!st)
        st = el_corruption_make(&f->slots, &f->batch, vocab, &f->rule, random);
    for (int i = 0; !st && i < f->batch.rows; i++)
        f->masked[i] = f->batch.ids[i];
    if (!st)
        el_corruption_show(&f->slots, f->masked, 0, 0, f->slots.count);
    return st;
}

el_status bench_load(const bench_place *place, json_t **result)
{
    const bench_settings *s = place->settings;
    el_loader *data = NULL;
    el_status st = bench_data_open(&data, s);
    if (st)
        return st;
    const int length = el_loader_max_seq_length(data);
    if ((st = bench_check_batch(s->batch_size, length))) {
        el_loader_close(data);
        return st;
    }
    json_object_set_new(place->measured, "max_seq_length", json_integer(length));
    el_pretrain_settings defaults;
    el_pretrain_defaults(&defaults, s->model_size);
    feed f = {.data = data,
              .settings = s,
              .rule = {.mask_prob = defaults.choice.told.mask_prob.last,
                       .max_predictions = length,
                       .shares = el_objective_defaults().shares}};
    double loading = 0, masking = 0;
    st = bench_median(s->seconds / 2, 5, load, &f, &loading);
    if (!st)
        st = bench_median(s->seconds / 2, 5, mask, &f, &masking);
    const double mean = (double)el_loader_tokens(data) / (double)el_loader_examples(data);
    const double examples = (double)s->batch_size / loading;
    if (!st)
        *result = json_pack("{s:f, s:f, s:f, s:f, s:f}", "examples_per_second", examples, "tokens_per_second",
                            examples * mean, "load_microseconds", 1e6 * loading, "mask_microseconds",
                            1e6 * masking, "microseconds", 1e6 * (loading + masking));
    free(f.masked);
    el_corruption_release(&f.slots);
    el_batch_release(&f.batch);
    el_loader_close(data);
    return st;
}
