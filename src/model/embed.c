/* embed - e = dropout(LayerNorm(word[id] + type[segment] + position[pos])), then e P^T + b when E != H
 *
 * Where the network adds to another's tables (GDES), e is the sum of both and the gradient goes to its own
 * alone.
 *
 * By distances: e = dropout(word[id]), and the sines of the batch's distances are dropped out once for all layers.
 */
#include "model/layers.h"

static el_tensor words_forward(el_queue *q, const el_config *config, const el_embed_weights *e,
                               el_embed_saved *s, const el_input *in)
{
    const int reach = el_reach(config, in), first = config->max_position_embeddings - reach;
    const el_tensor words = el_first(s->normed, in->rows), sines = el_first(s->sines, 2 * reach - 1);
    el_dropout dropped = el_dropout_at(in, config->hidden_dropout_prob, 0, EL_DROP_SINES);
    dropped.first_row = (uint64_t)first; /* distances are the same in all parts of a batch */
    q->embed_forward(q, words, &e->word, &in->ids, 1);
    q->dropout(q, words, words, el_dropout_at(in, config->hidden_dropout_prob, 0, EL_DROP_EMBED));
    q->dropout(q, sines, el_tensor_rows(e->sines, first, sines.rows), dropped);
    return words;
}

el_tensor el_embed_block_forward(el_queue *q, const el_config *config, const el_encoder_weights *w,
                                 el_embed_saved *s, const el_input *in)
{
    const el_embed_weights *e = &w->embed;
    const el_tensor tables[] = {e->word, e->type, e->position, e->word_base, e->type_base, e->position_base};
    const int *const indices[] = {in->ids, in->segments, in->positions, in->ids, in->segments, in->positions};
    const el_tensor sum = el_first(s->sum, in->rows), stats = el_first(s->stats, in->rows);
    const el_tensor normed = el_first(s->normed, in->rows);
    if (e->sines.data)
        return words_forward(q, config, e, s, in);
    q->embed_forward(q, sum, tables, indices, e->word_base.data ? 6 : 3);
    q->layer_norm_forward(q, normed, stats, sum, e->norm_gamma, e->norm_beta, config->layer_norm_eps);
    q->dropout(q, normed, normed, el_dropout_at(in, config->hidden_dropout_prob, 0, EL_DROP_EMBED));
    if (!el_config_projects(config))
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
    if (w->embed.sines.data) {
        q->dropout(q, d, d, el_dropout_at(in, config->hidden_dropout_prob, 0, EL_DROP_EMBED));
        q->embed_backward(q, g->embed.word, d, in->ids);
        return;
    }
    if (el_config_projects(config)) {
        const el_tensor thin = el_first(s->thin, in->rows);
        q->linear_backward_weight(q, g->project_w, g->project_b, d, el_first(s->embed.normed, in->rows));
        q->linear_backward_input(q, thin, d, w->project_w, false);
        d = thin;
    }
    q->dropout(q, d, d, el_dropout_at(in, config->hidden_dropout_prob, 0, EL_DROP_EMBED));
    q->layer_norm_backward(q, d, g->embed.norm_gamma, g->embed.norm_beta, d, sum, stats, w->embed.norm_gamma);
    q->embed_backward(q, g->embed.word, d, in->ids);
    q->embed_backward(q, g->embed.type, d, in->segments);
    q->embed_backward(q, g->embed.position, d, in->positions);
}
