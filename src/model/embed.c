/* embed - e = dropout(LayerNorm(word[id] + type[segment] + position[pos])), then e P^T + b when E != H
 *
 * Where the network adds to another's tables (GDES), e is the sum of both and the gradient goes to its own
 * alone.
 */
#include "model/layers.h"

el_tensor el_embed_block_forward(el_queue *q, const el_config *config, const el_encoder_weights *w,
                                 el_embed_saved *s, const el_input *in)
{
    const el_embed_weights *e = &w->embed;
    const el_tensor tables[] = {e->word, e->type, e->position, e->word_base, e->type_base, e->position_base};
    const int *const indices[] = {in->ids, in->segments, in->positions, in->ids, in->segments, in->positions};
    const el_tensor sum = el_first(s->sum, in->rows), stats = el_first(s->stats, in->rows);
    const el_tensor normed = el_first(s->normed, in->rows);
    q->embed_forward(q, sum, tables, indices, e->word_base.data ? 6 : 3);
    q->layer_norm_forward(q, normed, stats, sum, e->norm_gamma, e->norm_beta, config->layer_norm_eps);
    if (in->training)
        q->dropout(q, normed, normed, el_dropout_at(in, config->hidden_dropout_prob, 0, EL_DROP_EMBED));
    if (!w->project_w.data)
        return normed;
    const el_tensor projected = el_first(s->projected, in->rows);
    q->linear_forward(q, projected, normed, w->project_w, w->project_b);
    return projected;
}

void el_embed_block_backward(el_queue *q, const el_config *config, const el_encoder_weights *w,
                             const el_encoder_weights *g, const el_encoder_saved *s, const el_input *in,
                             el_tensor d)
{
    const el_tensor sum = el_first(s->embed.sum, in->rows), stats = el_first(s->embed.stats, in->rows);
    if (w->project_w.data) {
        const el_tensor thin = el_first(s->thin, in->rows);
        q->linear_backward_weight(q, g->project_w, g->project_b, d, el_first(s->embed.normed, in->rows));
        q->linear_backward_input(q, thin, d, w->project_w, false);
        d = thin;
    }
    if (in->training)
        q->dropout(q, d, d, el_dropout_at(in, config->hidden_dropout_prob, 0, EL_DROP_EMBED));
    q->layer_norm_backward(q, d, g->embed.norm_gamma, g->embed.norm_beta, d, sum, stats, w->embed.norm_gamma);
    q->embed_backward(q, g->embed.word, d, in->ids);
    q->embed_backward(q, g->embed.type, d, in->segments);
    q->embed_backward(q, g->embed.position, d, in->positions);
}
