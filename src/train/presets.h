/* presets - what a model size stands for: one line of a table each
 *
 * small, base and large are the paper's (Clark et al., 2020, table 6), with their own batch, rate, generator
 * and sequence length, which the original's defaults forget for base and large.  small++ is what was released as
 * ELECTRA-Small: trained for longer on longer sequences, with a generator as wide as the discriminator.  tiny is ours,
 * for a few million tokens on one machine.
 */
#ifndef EL_TRAIN_PRESETS_H
#define EL_TRAIN_PRESETS_H

#include <stdbool.h>
#include <stdint.h>

#include "model/model.h"

typedef struct {
    const char *name;
    int layers, hidden, intermediate, heads, embedding;
    double generator_hidden, generator_layers; /* the generator's size, as fractions */
    el_tying tying;
    double mask_prob;
    int batch; /* examples a step */
    int64_t steps, warmup;
    double learning_rate, beta2, dropout, attention_dropout;
    bool fan_in, sine_positions, neighbour_heads;
    double neighbour_sharpness;
    int seq_length; /* what the batch is meant for; the shards decide */
} el_preset;

enum { EL_TINY, EL_SMALL, EL_SMALL_PLUS, EL_BASE, EL_LARGE, EL_PRESETS };
/* "tiny|small|..." in that order. */
#define EL_PRESET_NAMES "tiny|small|small++|base|large"
extern const el_preset EL_PRESET[EL_PRESETS];

#endif
