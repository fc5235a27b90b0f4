/* relative - see the header */
#include "model/relative.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* One more row than words, for what query rows show. */
void el_relative_list_words(el_params *params, const el_config *c, el_embed_weights *w, el_embed_weights *g,
                            bool product)
{
    el_param_add_behind(params, &w->word, &g->word,
                        (el_param_form){c->vocab_size, c->embedding_size, EL_INIT_NORMAL, 0, product},
                        "electra.embeddings.word_embeddings.weight", "electra.embeddings.query_embedding");
    el_param_in_heads(params, 1, false, 1);
    /* no parameters: they lie with the copies, and are filled when the model is open */
    w->sines = el_arena_tensor(&params->memory->copies, params->activations,
                               2 * c->max_position_embeddings - 1, c->hidden_size);
}

/* Files have maps of a layer as (H, heads, size), of which only the last is not turned. */
void el_relative_list_layer(el_params *params, const el_config *c, el_attention_weights *w,
                            el_attention_weights *g, int depth, const char *base)
{
    static const char *const QKV[] = {"query", "key", "value"}, *const BIASES[] = {"content", "place",
                                                                                   "kind"};
    const int h = c->hidden_size, heads = c->num_attention_heads;
    char name[96];
    snprintf(name, sizeof name, "%sattention.self.", base);
    el_param_add_stack(params, &w->qkv_w, &g->qkv_w, 3, (el_param_form){h, h, EL_INIT_NORMAL, depth, true},
                       name, QKV, ".weight");
    el_param_in_heads(params, 3, true, heads);
    el_param_add(params, &w->place_w, &g->place_w, (el_param_form){h, h, EL_INIT_NORMAL, depth, true},
                 "%splace.weight", name);
    el_param_in_heads(params, 1, true, heads);
    el_param_add_stack(params, &w->biases, &g->biases, 3, (el_param_form){1, h, EL_INIT_NORMAL, depth, false},
                       name, BIASES, "_bias");
    el_param_in_heads(params, 3, false, heads);
    el_param_add(params, &w->kinds, &g->kinds, (el_param_form){2, h, EL_INIT_NORMAL, depth, false}, "%skinds",
                 name);
    el_param_in_heads(params, 1, false, heads);
    el_param_add(params, &w->out_w, &g->out_w, (el_param_form){h, h, EL_INIT_NORMAL, depth, true},
                 "%sattention.output.dense.weight", base);
    el_param_in_heads(params, 1, false, heads);
}

/* Of distance d: sin(d w_k) for all k, then cos(d w_k), w_k = 10000^(-2k / H). */
static void set_row(el_tensor sines, int row, int distance)
{
    const int width = sines.cols, half = width / 2;
    for (int k = 0; k < half; k++) {
        const double angle = distance * pow(10000.0, -2.0 * k / width);
        el_set(sines, row, k, sin(angle));
        el_set(sines, row, half + k, cos(angle));
    }
}

el_status el_relative_fill(el_queue *q, const el_embed_weights *w)
{
    if (!w->sines.data)
        return EL_OK;
    el_tensor host = w->sines;
    const size_t bytes = el_tensor_bytes(host.rows, host.cols, host.type);
    host.data = malloc(bytes);
    if (!host.data)
        return el_no_memory(NULL);
    for (int i = 0; i < host.rows; i++)
        set_row(host, i, host.rows / 2 - i);
    q->send(q, w->sines.data, host.data, bytes);
    const el_status st = q->wait(q);
    free(host.data);
    return st;
}
