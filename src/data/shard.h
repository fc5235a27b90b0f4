/* shard - examples in a safetensors file, with the vocabulary that they were cut with
 *
 * A folder of shards, shard-00000.safetensors and so on, holds examples in the order they were packed:
 *
 *     ids         [tokens] all examples, one after the other; U16 where the vocabulary has at most 65536
 *                 pieces, else I32
 *     starts      [examples + 1] I64: where each example begins; the last is the number of tokens
 *     seconds     [examples] I16: where segment 1 begins in each, its length where there is none (packing
 *                 segments only)
 *     sequences   [sequences + 1] I64: where what attends to itself begins (packing full with attention
 *                 document only)
 *     vocabulary  U8: vocab.txt
 *
 * Metadata, all strings: electra_shard = "1", max_seq_length, packing, attention, seed, shard (its number
 * from 0), last ("true" in the folder's last), examples, tokens, vocab_hash, do_lower_case,
 * strip_accents, tokenize_chinese_chars, tokenizer (the vocabulary's options that are not BERT's, where it has
 * any), and a checksum for each tensor.
 */
#ifndef EL_DATA_SHARD_H
#define EL_DATA_SHARD_H

#include <stdbool.h>

#include "base/safetensors.h"
#include "data/batch.h"
#include "data/pack.h"
#include "data/unfinished.h"
#include "text/vocab.h"

/* Whether sequences end where documents do, or with the example. */
typedef enum { EL_ATTEND_DOCUMENT, EL_ATTEND_EXAMPLE } el_attend_scope;

/* ---- writing ---- */

typedef struct {
    const el_vocab *vocab; /* outlives the writer */
    el_packing packing;
    el_attend_scope attention; /* EL_PACK_FULL only */
    int max_seq_length;
    uint64_t seed;
    int64_t tokens; /* in a shard, at most; one example at least */
} el_shard_settings;

typedef struct el_shard_writer el_shard_writer;

/* Writes into a folder that exists.  Memory is that of one shard. */
el_status el_shard_writer_open(el_shard_writer **writer, const char *folder,
                               const el_shard_settings *settings);
el_status el_shard_writer_add(el_shard_writer *writer, const el_packed *example);
/* Writes the last shard; EL_EDATA if there was no example at all. */
el_status el_shard_writer_finish(el_shard_writer *writer);
/* How many are whole. */
int el_shard_writer_whole(const el_shard_writer *writer);
/* What was gathered for the next one, as parts of `of`; a writer that wrote nothing yet goes on with it. */
void el_shard_writer_save(el_shard_writer *writer, el_unfinished *unfinished, const char *of);
el_status el_shard_writer_restore(el_shard_writer *writer, const el_safetensors *unfinished, const char *of);
void el_shard_writer_close(el_shard_writer *writer); /* accepts NULL */

/* The number in a shard's file name; -1: a file of this name is no shard. */
int64_t el_shard_number(const char *name);

/* ---- reading ---- */

/* An open shard; everything in it was verified. */
typedef struct {
    el_safetensors file;
    int64_t examples, tokens, sequences;
    int64_t number; /* in its folder */
    bool last;
    int max_seq_length;
    int vocab_size;
    const uint16_t *ids16; /* one of the two */
    const int32_t *ids32;
    const int64_t *starts;
    const int16_t *second_starts;   /* NULL: no second segments */
    const int64_t *sequence_starts; /* NULL: each example is one sequence */
} el_shard;

/* Opens a shard, verifies its checksums and everything that a reader of it relies on.  With *vocab NULL its
 * vocabulary is opened there, else it must be the same; EL_EDATA says what is wrong. */
el_status el_shard_open(el_shard *shard, const char *path, el_vocab **vocab);
/* The same from memory that outlives the shard; `name` is for sentences. */
el_status el_shard_parse(el_shard *shard, const void *data, size_t bytes, const char *name, el_vocab **vocab);
void el_shard_close(el_shard *shard); /* accepts a zeroed one */

/* Appends an example to the batch: one sequence, or one for each part where attention ends with documents. */
el_status el_shard_read(const el_shard *shard, int64_t example, el_batch *batch);

#endif
