/* pass - see the header */
#include "train/pass.h"

#include "model/memory.h"

static el_status lay_out(void *context)
{
    el_pass *const p = context;
    const el_model *const m = p->model;
    const el_config *const c = &p->net->config;
    el_feed_layout(&p->feed, &p->arena, p->rows);
    if (p->head && p->head->config.kind == EL_HEAD_MLM) {
        p->slot_rows = el_arena_ints(&p->arena, p->slots);
        el_mlm_saved_layout(&p->mlm, &p->arena, c, p->slots, m->activations, m->parameters, false);
    } else if (p->head) {
        el_rtd_saved_layout(&p->rtd, &p->arena, c, p->rows, m->activations);
    }
    return el_encoder_saved_layout(&p->encoder, &p->arena, c, p->rows, m->activations, m->parameters, false);
}

el_status el_pass_reserve(el_pass *p, int rows)
{
    if (rows <= p->rows)
        return EL_OK;
    const el_config *const c = &p->net->config;
    const int longest = rows < c->max_position_embeddings ? rows : c->max_position_embeddings;
    el_pass_close(p);
    p->rows = rows;
    el_status st = el_feed_open(&p->feed, rows);
    if (!st)
        st = el_device_lay_out(p->q->dev, &p->arena, lay_out, p);
    if (!st)
        st = p->q->reserve(p->q, longest, c->hidden_size / c->num_attention_heads);
    if (st)
        el_pass_close(p);
    return st;
}

void el_pass_close(el_pass *p)
{
    el_encoder_saved_release(&p->encoder);
    el_feed_close(&p->feed);
    if (p->rows)
        el_device_release(p->q->dev, &p->arena);
    p->rows = 0;
}

void el_pass_send(el_pass *p, el_batch *batch)
{
    if (p->net->config.causal)
        el_batch_limit(batch);
    p->in = el_feed_send(&p->feed, p->q, batch, 0, batch->sequences, false, (el_random){0});
    el_feed_send_ids(&p->feed, p->q, batch->ids, p->in.rows);
}

el_tensor el_pass_hidden(el_pass *p)
{
    return el_encoder_forward(p->q, &p->net->config, &p->net->w, &p->encoder, &p->in);
}

el_tensor el_pass_predict(el_pass *p, el_tensor hidden, const int *rows, int count)
{
    p->q->send(p->q, p->slot_rows, rows, (size_t)count * sizeof *rows);
    return el_mlm_forward(p->q, &p->net->config, &p->head->mlm.w, &p->mlm, hidden, p->slot_rows, count);
}

el_status el_pass_judge(el_pass *p, el_tensor hidden, float *logits)
{
    return el_tensor_read(p->q, el_rtd_forward(p->q, &p->head->rtd.w, &p->rtd, hidden), logits);
}
