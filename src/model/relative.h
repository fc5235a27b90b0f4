/* relative - the parameters of an encoder that attends by distances: XLNet's (Yang et al., 2019)
 *
 * Private to model/.  What is computed with them stands with the layers (embed.c, attention.c).
 */
#ifndef EL_MODEL_RELATIVE_H
#define EL_MODEL_RELATIVE_H

#include "model/encoder.h"

/* The words, one row behind them for what query rows show, and the place of the sines; `product`: words are read by products. */
void el_relative_list_words(el_params *params, const el_config *config, el_embed_weights *w,
                            el_embed_weights *g, bool product);

/* All of a layer's attention but its LayerNorm; `base` begins the names. */
void el_relative_list_layer(el_params *params, const el_config *config, el_attention_weights *w,
                            el_attention_weights *g, int depth, const char *base);

/* Fills the sines, where there are any. */
el_status el_relative_fill(el_queue *q, const el_embed_weights *w);

#endif
