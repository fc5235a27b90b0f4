/* task_head - the heads' parameters; sequence and token heads */
#include "model/task_head.h"

#include "model/layers.h"

/* The original's, two of its three parts through a hidden layer that reads two vectors side by side. */
static void list_span_joint(el_params *params, int hidden, int depth, bool answerable, el_head_weights *w,
                            el_head_weights *g)
{
    el_param_add_affine(params, &w->start_w, &g->start_w, &w->start_b, &g->start_b,
                        (el_param_form){1, hidden, EL_INIT_GLOROT, depth, true}, "task_specific.start");
    el_param_add(params, &w->end_hidden_w, &g->end_hidden_w,
                 (el_param_form){EL_SPAN_HIDDEN, 2 * hidden, EL_INIT_GLOROT, depth, false},
                 "task_specific.end_hidden.weight");
    w->end_own_w = el_param_product(params, el_tensor_cols(w->end_hidden_w, 0, hidden));
    w->end_start_w = el_param_product(params, el_tensor_cols(w->end_hidden_w, hidden, hidden));
    el_param_add(params, &w->end_hidden_b, &g->end_hidden_b,
                 (el_param_form){1, EL_SPAN_HIDDEN, EL_INIT_ZERO, depth, false},
                 "task_specific.end_hidden.bias");
    el_param_add_affine(params, &w->end_w, &g->end_w, &w->end_b, &g->end_b,
                        (el_param_form){1, EL_SPAN_HIDDEN, EL_INIT_GLOROT, depth, true}, "task_specific.end");
    if (!answerable)
        return;
    el_param_add_affine(params, &w->answer_hidden_w, &g->answer_hidden_w, &w->answer_hidden_b,
                        &g->answer_hidden_b,
                        (el_param_form){EL_SPAN_HIDDEN, 2 * hidden, EL_INIT_GLOROT, depth, true},
                        "task_specific.answer_hidden");
    el_param_add_affine(params, &w->answer_w, &g->answer_w, &w->answer_b, &g->answer_b,
                        (el_param_form){1, EL_SPAN_HIDDEN, EL_INIT_GLOROT, depth, true},
                        "task_specific.answer");
}

/* What it reads goes through a pooler. */
static bool is_pooled(const el_head_config *head)
{
    return head->kind == EL_HEAD_POOLED || head->kind == EL_HEAD_SENTENCES || head->pooler;
}

/* A layer between what is read and the logits. */
static bool has_dense(const el_head_config *head)
{
    return head->kind == EL_HEAD_SEQUENCE || is_pooled(head);
}

void el_head_list(el_params *params, const el_config *config, const el_head_config *head, el_head_weights *w,
                  el_head_weights *g)
{
    static const char *const OUT[EL_HEADS] = {[EL_HEAD_BASELINE] = "baseline",
                                              [EL_HEAD_SEQUENCE] = "classifier.out_proj",
                                              [EL_HEAD_SEQUENCE_AFFINE] = "task_specific.out",
                                              [EL_HEAD_POOLED] = "classifier",
                                              [EL_HEAD_SENTENCES] = "seq_relationship",
                                              [EL_HEAD_TOKEN] = "classifier",
                                              [EL_HEAD_SPAN] = "qa_outputs"};
    const int hidden = el_head_width(config, head), depth = config->num_hidden_layers + 2;
    const el_init init = head->kind == EL_HEAD_SENTENCES ? EL_INIT_NORMAL : EL_INIT_GLOROT;
    const el_type encoder = params->activations;
    params->activations = params->parameters;
    if (head->kind == EL_HEAD_SEQUENCE)
        el_param_add_affine(params, &w->dense_w, &g->dense_w, &w->dense_b, &g->dense_b,
                            (el_param_form){hidden, hidden, EL_INIT_GLOROT, depth, true}, "classifier.dense");
    if (is_pooled(head)) /* between the layers and what is always new */
        el_param_add_affine(params, &w->dense_w, &g->dense_w, &w->dense_b, &g->dense_b,
                            (el_param_form){hidden, hidden, init, depth - 1, true}, EL_POOLER "dense");
    const bool of_xlnet =
        el_config_relative(config) && (head->kind == EL_HEAD_POOLED || head->kind == EL_HEAD_SEQUENCE_AFFINE);
    if (OUT[head->kind])
        el_param_add_affine(
            params, &w->out_w, &g->out_w, &w->out_b, &g->out_b,
            (el_param_form){head->kind == EL_HEAD_SPAN ? 2 : head->labels, hidden, init, depth, true},
            of_xlnet ? "logits_proj" : OUT[head->kind]);
    if (head->kind == EL_HEAD_SPAN_JOINT)
        list_span_joint(params, hidden, depth, head->answerable, w, g);
    params->activations = encoder;
}

void el_head_saved_layout(el_head_saved *s, el_arena *a, const el_config *c, const el_head_config *head,
                          int rows, el_type act, el_type par)
{
    const int width = el_head_width(c, head);
    s->gathered = el_arena_tensor(a, act, rows, width);
    s->x = el_arena_tensor(a, par, rows, width);
    if (has_dense(head)) {
        s->slope = el_arena_tensor(a, par, rows, width);
        s->act = el_arena_tensor(a, par, rows, width);
    }
    s->logits = el_arena_tensor(a, par, rows, head->labels);
}

/* Number 0 falls on what the head reads, 1 on what its hidden layer says. */
static el_dropout dropout_at(const el_head_config *head, const el_head_pass *pass, uint32_t number)
{
    el_random random = pass->random;
    random.stream += number;
    return (el_dropout){
        .rate = pass->training ? head->dropout : 0, .random = random, .first_row = pass->first_row};
}

el_tensor el_head_forward(el_queue *q, const el_head_config *head, const el_head_weights *w, el_head_saved *s,
                          el_tensor hidden, const int *rows, int n, const el_head_pass *pass)
{
    const el_tensor gathered = el_first(s->gathered, n), x = el_first(s->x, n);
    const el_tensor pre = el_first(s->slope, n), act = el_first(s->act, n), logits = el_first(s->logits, n);
    q->gather_forward(q, gathered, hidden, rows);
    q->copy(q, x, gathered);
    if (!is_pooled(head))
        q->dropout(q, x, x, dropout_at(head, pass, 0));
    if (head->kind == EL_HEAD_SEQUENCE) {
        q->linear_gelu_forward(q, act, pre, pre, x, w->dense_w, w->dense_b);
    } else if (is_pooled(head)) {
        q->linear_forward(q, pre, x, w->dense_w, w->dense_b);
        q->tanh_forward(q, act, pre, pre);
    }
    if (has_dense(head))
        q->dropout(q, act, act, dropout_at(head, pass, 1));
    q->linear_forward(q, logits, has_dense(head) ? act : x, w->out_w, w->out_b);
    return logits;
}

/* The gradient of each layer's output takes the place of that output once nothing reads it any more. */
void el_head_backward(el_queue *q, const el_head_config *head, const el_head_weights *w,
                      const el_head_weights *g, el_head_saved *s, el_tensor dhidden, el_tensor dlogits,
                      const int *rows, const el_head_pass *pass, bool accumulate)
{
    const int n = dlogits.rows;
    const el_tensor gathered = el_first(s->gathered, n), x = el_first(s->x, n), act = el_first(s->act, n);
    const el_tensor read = has_dense(head) ? act : x;
    q->linear_backward_weight(q, g->out_w, g->out_b, dlogits, read);
    q->linear_backward_input(q, read, dlogits, w->out_w, false);
    if (has_dense(head)) {
        q->dropout(q, act, act, dropout_at(head, pass, 1));
        q->gelu_backward(q, act, act, el_first(s->slope, n));
        q->linear_backward_weight(q, g->dense_w, g->dense_b, act, x);
        q->linear_backward_input(q, x, act, w->dense_w, false);
    }
    if (!is_pooled(head))
        q->dropout(q, x, x, dropout_at(head, pass, 0));
    q->copy(q, gathered, x);
    q->gather_backward(q, dhidden, gathered, rows, accumulate);
}
