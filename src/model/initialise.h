/* initialise - where training starts
 *
 *   paper    weight matrices and embeddings: truncated normal of standard deviation initializer_range (0.02),
 *            cut at two deviations; projections of embeddings and the discriminator's last layer: Glorot
 *            uniform; biases 0; LayerNorm 1, 0
 *   fan_in   the same with standard deviation 1/sqrt(columns), for narrow networks
 *
 * and, by choice, for small data (docs/results tells what each is worth):
 *
 *   sine_positions    position tables begin as sines and cosines, as large as the word vectors
 *   neighbour_heads   the first layer's heads begin by attending to a neighbouring position: a head's keys
 *                     read the sines of their position, its queries those of a position one or two places
 *                     before or after
 */
#ifndef EL_MODEL_INITIALISE_H
#define EL_MODEL_INITIALISE_H

#include "model/model.h"

typedef struct {
    bool fan_in, sine_positions, neighbour_heads;
    double neighbour_sharpness; /* scale of the neighbour heads' scores */
    uint64_t seed;
} el_initialisation;

/* Sets every owned parameter; a function of the seed and the parameter's name alone.  Calls el_model_prepare.
 * Memory can fail, and a GPU. */
el_status el_model_initialise(el_model *model, const el_initialisation *how);

/* The same of all heads alone: what is to be learned on top of weights that were loaded. */
el_status el_model_initialise_heads(el_model *model, const el_initialisation *how);

#endif
