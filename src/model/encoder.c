/* encoder - one layer after the other, and back */
#include "model/encoder.h"

#include <assert.h>
#include <stdlib.h>

#include "model/layers.h"

/* Of a sequence as long as there may be. */
static int distances_of(const el_config *c)
{
    return 2 * c->max_position_embeddings - 1;
}

/* A layer that keeps what its backward wants.  `wide`: where gelu(up) is from its product to the next. */
static void training_layout(el_layer_saved *s, el_arena *a, const el_config *c, int rows, el_type act,
                            el_type par, el_tensor wide)
{
    s->attention = (el_attention_saved){
        .qkv = el_arena_tensor(a, act, rows, 3 * c->hidden_size),
        .lse = el_arena_tensor(a, par, rows, c->num_attention_heads),
        .mixed = el_arena_tensor(a, act, rows, c->hidden_size),
        .sum = el_arena_tensor(a, act, rows, c->hidden_size),
        .stats = el_arena_tensor(a, par, rows, 2),
        .y = el_arena_tensor(a, act, rows, c->hidden_size),
    };
    s->ffn = (el_ffn_saved){
        .up = el_arena_tensor(a, act, rows, c->intermediate_size),
        .act = wide,
        .sum = el_arena_tensor(a, act, rows, c->hidden_size),
        .stats = el_arena_tensor(a, par, rows, 2),
        .y = el_arena_tensor(a, act, rows, c->hidden_size),
    };
    if (el_config_relative(c))
        s->attention.places = el_arena_tensor(a, act, distances_of(c), c->hidden_size);
}

/* A layer that keeps nothing: what is no longer read gives its place to what comes.  It stays in the caches for longer. */
static void inference_layout(el_layer_saved *s, el_arena *a, const el_config *c, int rows, el_type act,
                             el_type par)
{
    const int h = c->hidden_size, i = c->intermediate_size;
    const el_tensor wide = el_arena_tensor(a, act, rows, i > 3 * h ? i : 3 * h);
    const el_tensor sum = el_arena_tensor(a, act, rows, h), stats = el_arena_tensor(a, par, rows, 2);
    const el_tensor up = el_tensor_make(wide.data, act, rows, i);
    s->attention = (el_attention_saved){
        .qkv = el_tensor_make(wide.data, act, rows, 3 * h),
        .lse = el_arena_tensor(a, par, rows, c->num_attention_heads),
        .mixed = el_arena_tensor(a, act, rows, h),
        .sum = sum,
        .stats = stats,
        .y = el_arena_tensor(a, act, rows, h),
    };
    s->ffn = (el_ffn_saved){
        .up = up, .act = up, .sum = sum, .stats = stats, .y = el_arena_tensor(a, act, rows, h)};
    if (el_config_relative(c))
        s->attention.places = el_arena_tensor(a, act, distances_of(c), h);
}

static void layers_layout(el_layer_saved *layers, el_arena *a, const el_config *c, int rows, el_type act,
                          el_type par, bool training)
{
    if (training) {
        const el_tensor wide = el_arena_tensor(a, act, rows, c->intermediate_size);
        for (int i = 0; i < c->num_hidden_layers; i++)
            training_layout(&layers[i], a, c, rows, act, par, wide);
        return;
    }
    inference_layout(&layers[0], a, c, rows, act, par);
    for (int i = 1; i < c->num_hidden_layers; i++)
        layers[i] = layers[0];
}

el_status el_encoder_saved_layout(el_encoder_saved *s, el_arena *a, const el_config *c, int rows, el_type act,
                                  el_type par, bool training)
{
    if (!s->layers && !(s->layers = calloc((size_t)c->num_hidden_layers, sizeof *s->layers)))
        return el_no_memory(NULL);
    s->capacity = rows;
    if (el_config_relative(c)) {
        s->embed.sines = el_arena_tensor(a, act, distances_of(c), c->hidden_size);
    } else {
        s->embed.sum = el_arena_tensor(a, act, rows, c->embedding_size);
        s->embed.stats = el_arena_tensor(a, par, rows, 2);
    }
    s->embed.normed = el_arena_tensor(a, act, rows, c->embedding_size);
    if (el_config_projects(c))
        s->embed.projected = el_arena_tensor(a, act, rows, c->hidden_size);
    layers_layout(s->layers, a, c, rows, act, par, training);
    if (training) {
        const int widest = c->intermediate_size > c->hidden_size ? c->intermediate_size : c->hidden_size;
        s->wide = el_arena_tensor(a, act, rows, widest);
        s->qkv = el_arena_tensor(a, act, rows, 3 * c->hidden_size);
        s->narrow = el_arena_tensor(a, act, rows, c->hidden_size);
        s->thin = el_arena_tensor(a, act, rows, c->embedding_size);
    }
    if (training && el_config_relative(c)) {
        s->places = el_arena_tensor(a, act, distances_of(c), c->hidden_size);
        s->parts = el_arena_tensor(a, par, EL_RELATIVE_PARTS * (distances_of(c) + 5), c->hidden_size);
    }
    return EL_OK;
}

void el_encoder_saved_release(el_encoder_saved *saved)
{
    free(saved->layers);
    *saved = (el_encoder_saved){0};
}

static el_tensor sines_of(const el_config *config, const el_encoder_saved *s, const el_input *in)
{
    return s->embed.sines.data ? el_first(s->embed.sines, 2 * el_reach(config, in) - 1) : el_tensor_none();
}

static bool drops_output(const el_config *config, const el_input *in)
{
    return in->training && el_config_relative(config);
}

el_tensor el_encoder_forward(el_queue *q, const el_config *config, const el_encoder_weights *w,
                             el_encoder_saved *s, const el_input *in)
{
    assert((!config->causal || in->layout.limits) && "a causal network is told what each row sees");
    el_tensor x = el_embed_block_forward(q, config, w, &s->embed, in);
    for (int i = 0; i < config->num_hidden_layers; i++) {
        x = el_attention_block_forward(q, config, &w->layers[i].attention, &s->layers[i].attention, in, i + 1,
                                       sines_of(config, s, in), x);
        x = el_ffn_block_forward(q, config, &w->layers[i].ffn, &s->layers[i].ffn, in, i + 1, x);
        if (i + 1 < config->num_hidden_layers)
            el_queue_halt(q);
    }
    if (drops_output(config, in))
        q->dropout(q, x, x, el_dropout_at(in, config->hidden_dropout_prob, 0, EL_DROP_OUTPUT));
    return x;
}

/* What layer i was given. */
static el_tensor layer_input(const el_config *config, const el_encoder_saved *s, int i)
{
    if (i > 0)
        return s->layers[i - 1].ffn.y;
    return el_config_projects(config) ? s->embed.projected : s->embed.normed;
}

void el_encoder_backward(el_queue *q, const el_config *config, const el_encoder_weights *w,
                         const el_encoder_weights *g, el_encoder_saved *s, const el_input *in, el_tensor d)
{
    if (drops_output(config, in))
        q->dropout(q, d, d, el_dropout_at(in, config->hidden_dropout_prob, 0, EL_DROP_OUTPUT));
    for (int i = config->num_hidden_layers - 1; i >= 0; i--) {
        const el_layer_saved *layer = &s->layers[i];
        const el_tensor middle = el_first(layer->attention.y, in->rows);
        const el_tensor x = el_first(layer_input(config, s, i), in->rows);
        el_ffn_block_backward(q, config, &w->layers[i].ffn, &g->layers[i].ffn, &layer->ffn, s, in, i + 1,
                              middle, d);
        el_attention_block_backward(q, config, &w->layers[i].attention, &g->layers[i].attention,
                                    &layer->attention, s, in, i + 1, sines_of(config, s, in), x, d);
        if (in->watch.left)
            in->watch.left(in->watch.context, g, i);
    }
    el_embed_block_backward(q, config, w, g, s, in, d);
}
