/* batches - made-up vocabularies and sequences, for tests of objectives */
#ifndef TEST_OBJECTIVE_BATCHES_H
#define TEST_OBJECTIVE_BATCHES_H

#include "../check.h"
#include "base/random.h"
#include "data/batch.h"
#include "model/config.h"
#include "text/vocab.h"

/* A vocabulary of the special tokens and w0, w1, ... */
static inline el_vocab *make_vocab(int size)
{
    char *text = malloc((size_t)size * 12), *end = text;
    end += sprintf(end, "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n");
    for (int i = 5; i < size; i++)
        end += sprintf(end, "w%d\n", i);
    el_vocab *vocab = NULL;
    assert_int_equal(el_vocab_parse(&vocab, text, (size_t)(end - text), (el_casing){0}, "made"), EL_OK);
    free(text);
    return vocab;
}

/* The smallest network that has everything: one layer of two heads, embeddings of 8, and the usual dropout. */
static inline el_config one_layer(int vocab_size, int longest, int hidden)
{
    el_config c = el_config_default();
    c.vocab_size = vocab_size;
    c.embedding_size = 8;
    c.hidden_size = hidden;
    c.num_hidden_layers = 1;
    c.num_attention_heads = 2;
    c.intermediate_size = 2 * hidden;
    c.max_position_embeddings = longest;
    return c;
}

static inline void add_sequence(el_batch *batch, const el_vocab *vocab, int length, int seed)
{
    int ids[512];
    for (int i = 0; i < length; i++)
        ids[i] = 5 + (int)el_random_below((el_random){(uint64_t)seed, 0, 0}, (uint64_t)i,
                                          (uint64_t)vocab->size - 5);
    ids[0] = vocab->cls;
    ids[length - 1] = vocab->sep;
    assert_int_equal(el_batch_add(batch, ids, length, length), EL_OK);
}

#endif
