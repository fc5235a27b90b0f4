/* random - numbers that are a function of where they are used
 *
 * Philox4x32-10 (Salmon et al., 2011): key = seed, counter = (index, step, stream).
 * There is no hidden state, so threads, micro-batches, restarts and devices agree.
 */
#ifndef EL_BASE_RANDOM_H
#define EL_BASE_RANDOM_H

#include <stdint.h>

/* What numbers are for: every stream there is.  Numbers stay what they are, because they are in every result.  Two uses
 * may have one number where no program draws both with one seed and step.  A parameter's first values are drawn at a step
 * of their own, from the stream that the hash of its name is. */
enum {
    /* a step of pre-training */
    EL_STREAM_SLOT = 1,     /* which tokens are predicted */
    EL_STREAM_SHOWN = 2,    /* what each of them shows: a mask, a random token or itself */
    EL_STREAM_SAMPLE = 3,   /* what a generator puts in their places */
    EL_STREAM_SHOWN_ID = 4, /* which token a random one is */
    EL_STREAM_NGRAM = 5,    /* how many words, or pieces, are hidden together */
    EL_STREAM_PAIR = 6,     /* whether a pair of segments is left as it is */
    EL_STREAM_PAIR_CUT = 7, /* how much the first segment is cut */
    EL_STREAM_PARTNER = 8,  /* whose segment takes the place of the second */
    EL_STREAM_SINGLE = 9,   /* which tokens are predicted besides those of spans */
    EL_STREAM_ORDER = 10,   /* the order in which those of both are */
    /* a task: its examples, as they are read; their order */
    EL_STREAM_HOLD_OUT = 1,
    EL_STREAM_LIMIT = 2,
    EL_STREAM_TASK_ORDER = 7,
    /* dropout: a network's places, from its first on, and a task head's */
    EL_STREAMS_A_NETWORK = 4096,
    EL_STREAM_FIRST_NETWORK = EL_STREAMS_A_NETWORK,
    EL_STREAM_SECOND_NETWORK = 2 * EL_STREAMS_A_NETWORK,
    EL_STREAM_THIRD_NETWORK = 3 * EL_STREAMS_A_NETWORK,
    EL_STREAM_TASK_HEAD = 2 * EL_STREAMS_A_NETWORK,
    /* shards: documents held out, cuts between examples, the order of examples in an epoch */
    EL_STREAM_DOCUMENT_HELDOUT = 0x68656c64, /* "held" */
    EL_STREAM_PACK = 0x7061636b,             /* "pack" */
    EL_STREAM_EPOCH = 0x6f726472             /* "ordr" */
};

/* One place numbers are drawn from; cheap to copy. */
typedef struct {
    uint64_t seed;
    uint32_t stream; /* what the numbers are for: one of the list above */
    uint32_t step;   /* when: the optimizer step, the epoch, ... */
} el_random;

/* Four independent 32-bit words for one index. */
void el_random_words(el_random random, uint64_t index, uint32_t words[4]);

/* Uniform in [0, 1), 53 bits. */
double el_random_uniform(el_random random, uint64_t index);

/* Uniform integer in [0, bound), bound > 0; bias below 2^-32. */
uint64_t el_random_below(el_random random, uint64_t index, uint64_t bound);

/* Standard normal; and the same drawn again until within two deviations. */
double el_random_normal(el_random random, uint64_t index);
double el_random_truncated_normal(el_random random, uint64_t index);

/* A pseudo-random permutation of [0, count) at `index`, computed in constant
 * time and memory (a Feistel network over the next power of four, walked until
 * inside): the order of a shuffled epoch without a list. */
uint64_t el_random_permute(el_random random, uint64_t index, uint64_t count);

#endif
