/* encoder - embeddings and transformer layers of Clark et al. (2020), forward and backward
 *
 *   e = LayerNorm(word[id] + type[segment] + position[pos]) -> dropout -> (projected when E != H)
 *   each layer:  x -> attention half -> feed-forward half, each ending in LayerNorm(x + dropout(branch))
 *
 * An XLNet (Yang et al., 2019) has e = dropout(word[id]) and attends by distances: sines of these, a map of its own for each
 * layer, biases in place of those of queries, keys and values, and dropout on the last output.  One row behind the words is
 * what query rows show, which have a place and no token.
 *
 * A weights struct lasts as long as its model, a saved one from a forward to its backward; both are views.  The
 * same struct type holds weights and their gradients.
 */
#ifndef EL_MODEL_ENCODER_H
#define EL_MODEL_ENCODER_H

#include "model/config.h"
#include "model/params.h"

typedef struct {
    el_tensor word, position, type;                /* (V, E) (P, E) (2, E) */
    el_tensor word_base, position_base, type_base; /* GDES: added, never trained from here; else none */
    el_tensor norm_gamma, norm_beta;
    el_tensor
        sines; /* by distances, else none: (2 P - 1, H), no parameter: row i is of the distance P - 1 - i */
} el_embed_weights;

typedef struct {
    el_tensor qkv_w, qkv_b, out_w, out_b, norm_gamma, norm_beta;
    el_tensor place_w, biases,
        kinds; /* by distances, else none: (H, H) (1, 3H) (2, H); no qkv_b and out_b then */
} el_attention_weights;

typedef struct {
    el_tensor up_w, up_b, down_w, down_b, norm_gamma, norm_beta;
} el_ffn_weights;

typedef struct {
    el_attention_weights attention;
    el_ffn_weights ffn;
} el_layer_weights;

typedef struct {
    el_embed_weights embed;
    el_tensor project_w, project_b; /* none when E == H */
    el_layer_weights *layers;
} el_encoder_weights;

/* Who hears in a backward, from the last layer down, that nothing more is added to the gradients of a layer.  Zeroed: nobody. */
typedef struct {
    void (*left)(void *context, const el_encoder_weights *gradients, int layer);
    void *context;
} el_backward_watch;

/* What a pass is told; everything is device memory except sizes. */
typedef struct {
    int rows;
    const int *ids, *segments, *positions;
    el_layout layout;
    int longest;        /* a sequence may have so many rows; 0: as many as the model has positions */
    bool training;      /* dropout on */
    el_random random;   /* dropout: streams from random.stream on, one for each place */
    uint64_t first_row; /* the rows' number in the whole batch */
    el_backward_watch watch;
} el_input;

typedef struct {
    el_tensor sum, stats, normed, projected;
    el_tensor sines; /* by distances: those of the batch's, after dropout */
} el_embed_saved;

typedef struct {
    el_tensor qkv, lse, mixed, sum, stats, y;
    el_tensor places; /* by distances: sines place_w^T */
} el_attention_saved;

typedef struct {
    el_tensor up, act, sum, stats, y; /* act: of all layers the same place; without training up's */
} el_ffn_saved;

typedef struct {
    el_attention_saved attention;
    el_ffn_saved ffn;
} el_layer_saved;

typedef struct {
    el_embed_saved embed;
    el_layer_saved *layers;            /* training: one each; else all the same place */
    el_tensor wide, qkv, narrow, thin; /* scratch of the backward: (n, I) (n, 3H) (n, H) (n, E) */
    el_tensor places, parts;           /* and by distances (2 P - 1, H), and what its op sums in */
    int capacity;
} el_encoder_saved;

/* Room for `rows` rows; the layers array is malloc'ed on first call and freed by el_encoder_saved_release. */
el_status el_encoder_saved_layout(el_encoder_saved *saved, el_arena *arena, const el_config *config, int rows,
                                  el_type activations, el_type parameters, bool training);
void el_encoder_saved_release(el_encoder_saved *saved);

/* The last layer's output, (rows, H); it stays valid until the next forward with this `saved`. */
el_tensor el_encoder_forward(el_queue *q, const el_config *config, const el_encoder_weights *w,
                             el_encoder_saved *saved, const el_input *in);

/* dy (rows, H) is destroyed.  Adds to the gradients in g. */
void el_encoder_backward(el_queue *q, const el_config *config, const el_encoder_weights *w,
                         const el_encoder_weights *g, el_encoder_saved *saved, const el_input *in,
                         el_tensor dy);

#endif
