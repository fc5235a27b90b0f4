/* random - numbers that are a function of where they are used
 *
 * Philox4x32-10 (Salmon et al., 2011): key = seed, counter = (index, step, stream).
 * There is no hidden state, so threads, micro-batches, restarts and devices agree.
 */
#ifndef EL_BASE_RANDOM_H
#define EL_BASE_RANDOM_H

#include <stdint.h>

/* One place numbers are drawn from; cheap to copy. */
typedef struct {
    uint64_t seed;
    uint32_t stream; /* what the numbers are for: one constant for each use */
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
