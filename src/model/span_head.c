/* span_head - the two span heads of task_head.h
 *
 * With x_i candidate i's row, and x_0 that of [CLS]:
 *
 *   span         start, end    = x_i out_w^T + out_b
 *   span_joint   start(i)      = x_i start_w^T + start_b
 *                end(i given s) = gelu(x_i A^T + x_s B^T + end_hidden_b) end_w^T + end_b      [A B] = end_hidden_w
 *                answer        = gelu([x_0; sum_i p_i x_i] answer_hidden_w^T + ...) answer_w^T + answer_b
 *                p             = softmax(start) of the sequence
 *
 * What is a vector for each candidate the device computes.  What is a number (softmax, losses and their gradients,
 * the best pairs) the host does, in double (span_numbers.h).  `logits` has a start and an end in each row on either side, and
 * becomes their gradient.  x A^T is the same for every start, so many starts cost little more than one.
 */
#include <assert.h>
#include <stdlib.h>

#include "model/layers.h"
#include "model/span_numbers.h"
#include "model/task_head.h"

/* What the host has of a pass: numbers in the type of parameters, and whose candidates are whose. */
typedef struct {
    el_arena arena;
    el_tensor logits, probability, dprobability, answer; /* (n, 2) (n, 1) (n, 1) (sequences, 1) */
    int *sequence, *first,
        *start; /* of each candidate; of each sequence: its first candidate, and the start's */
    int *best_starts, *best_ends;
} host_side;

typedef struct {
    el_tensor own, slope, act;        /* (n, 512): x A^T, and the hidden layer */
    el_tensor x_start, start, dstart; /* (sequences, H) (sequences, 512) (sequences, 512) */
} end_saved;

typedef struct {
    el_tensor probability, dprobability;      /* (n, 1) */
    el_tensor read, dread, slope, act, logit; /* (sequences, ...): 2H 2H 512 512 1 */
    void *prepared;                           /* of a row of H numbers */
} answer_saved;

struct el_span_saved {
    el_queue *q;
    el_head_config head;
    int hidden, rows, sequences;
    el_type parameters;
    el_arena arena;
    int *rows_of, *sequence, *first, *start; /* on the device */
    el_tensor gathered, x, dx, logits;       /* (n, H) in the encoder's type; (n, H) (n, H) (n, 2) */
    end_saved end;
    answer_saved answer;
    host_side host;
};

static void lay_out(el_span_saved *s, el_type act, bool training)
{
    el_arena *a = &s->arena;
    const el_type par = s->parameters;
    const int n = s->rows, m = s->sequences, h = s->hidden;
    const bool joint = s->head.kind == EL_HEAD_SPAN_JOINT;
    s->rows_of = el_arena_ints(a, n);
    s->sequence = el_arena_ints(a, n);
    s->first = el_arena_ints(a, m);
    s->start = el_arena_ints(a, m);
    s->gathered = el_arena_tensor(a, act, n, h);
    s->x = el_arena_tensor(a, par, n, h);
    s->logits = el_arena_tensor(a, par, n, 2);
    if (training)
        s->dx = el_arena_tensor(a, par, n, h);
    if (joint)
        s->end = (end_saved){.own = el_arena_tensor(a, par, n, EL_SPAN_HIDDEN),
                             .slope = el_arena_tensor(a, par, n, EL_SPAN_HIDDEN),
                             .act = el_arena_tensor(a, par, n, EL_SPAN_HIDDEN),
                             .x_start = el_arena_tensor(a, par, m, h),
                             .start = el_arena_tensor(a, par, m, EL_SPAN_HIDDEN),
                             .dstart = el_arena_tensor(a, par, m, EL_SPAN_HIDDEN)};
    if (joint && s->head.answerable)
        s->answer = (answer_saved){
            .probability = el_arena_tensor(a, par, n, 1),
            .dprobability = el_arena_tensor(a, par, n, 1),
            .read = el_arena_tensor(a, par, m, 2 * h),
            .dread = el_arena_tensor(a, par, m, 2 * h),
            .slope = el_arena_tensor(a, par, m, EL_SPAN_HIDDEN),
            .act = el_arena_tensor(a, par, m, EL_SPAN_HIDDEN),
            .logit = el_arena_tensor(a, par, m, 1),
            .prepared = el_arena_push(a, s->q->dev->prepared_bytes(s->q->dev, 1, h, par, false))};
}

static void lay_out_host(el_span_saved *s)
{
    host_side *host = &s->host;
    el_arena *a = &host->arena;
    const el_type par = s->parameters;
    host->logits = el_arena_tensor(a, par, s->rows, 2);
    host->probability = el_arena_tensor(a, par, s->rows, 1);
    host->dprobability = el_arena_tensor(a, par, s->rows, 1);
    host->answer = el_arena_tensor(a, par, s->sequences, 1);
    host->sequence = el_arena_ints(a, s->rows);
    host->first = el_arena_ints(a, s->sequences);
    host->start = el_arena_ints(a, s->sequences);
    host->best_starts = el_arena_ints(a, s->rows);
    host->best_ends = el_arena_ints(a, s->rows);
}

el_status el_span_open(el_span_saved **saved, el_queue *q, const el_config *config,
                       const el_head_config *head, int rows, int sequences, el_type activations,
                       el_type parameters, bool training)
{
    assert(head->kind == EL_HEAD_SPAN || head->kind == EL_HEAD_SPAN_JOINT);
    el_span_saved *s = *saved = calloc(1, sizeof *s);
    if (!s)
        return el_no_memory(NULL);
    *s = (el_span_saved){.q = q,
                         .head = *head,
                         .hidden = el_head_width(config, head),
                         .rows = rows,
                         .sequences = sequences,
                         .parameters = parameters};
    lay_out(s, activations, training);
    lay_out_host(s);
    el_status st = el_device_reserve(q->dev, &s->arena);
    if (!st)
        st = el_arena_reserve(&s->host.arena);
    if (st) {
        el_span_close(s);
        *saved = NULL;
        return st;
    }
    lay_out(s, activations, training);
    lay_out_host(s);
    return EL_OK;
}

void el_span_close(el_span_saved *s)
{
    if (!s)
        return;
    s->q->wait(s->q);
    el_device_release(s->q->dev, &s->arena);
    el_arena_release(&s->host.arena);
    free(s);
}

/* Between the sides: tensors without gaps, the first rows of them. */

static void fetch(el_span_saved *s, el_tensor to, el_tensor from, int rows)
{
    s->q->fetch(s->q, to.data, from.data, el_tensor_bytes(rows, from.cols, from.type));
    s->q->wait(s->q);
}

static void send(el_span_saved *s, el_tensor to, el_tensor from, int rows)
{
    s->q->send(s->q, to.data, from.data, el_tensor_bytes(rows, to.cols, to.type));
}

static void send_ints(el_span_saved *s, int *to, const int *from, int count)
{
    s->q->send(s->q, to, from, (size_t)count * sizeof *to);
}

/* ---- forward ---- */

static void read_candidates(el_span_saved *s, el_tensor hidden, const el_candidates *c)
{
    el_queue *q = s->q;
    host_side *host = &s->host;
    assert(c->count == c->starts[c->sequences] && c->count <= s->rows && c->sequences <= s->sequences);
    for (int at = 0; at < c->sequences; at++) {
        host->first[at] = c->starts[at];
        for (int i = c->starts[at]; i < c->starts[at + 1]; i++)
            host->sequence[i] = at;
    }
    send_ints(s, s->rows_of, c->rows, c->count);
    send_ints(s, s->sequence, host->sequence, c->count);
    send_ints(s, s->first, host->first, c->sequences);
    q->gather_forward(q, el_first(s->gathered, c->count), hidden, s->rows_of);
    q->copy(q, el_first(s->x, c->count), el_first(s->gathered, c->count));
}

static void both_forward(el_span_saved *s, const el_head_weights *w, int n)
{
    s->q->linear_forward(s->q, el_first(s->logits, n), el_first(s->x, n), w->out_w, w->out_b);
    fetch(s, s->host.logits, s->logits, n);
}

/* The starts, and of the ends what does not depend on them. */
static void start_forward(el_span_saved *s, const el_head_weights *w, int n)
{
    el_queue *q = s->q;
    const el_tensor x = el_first(s->x, n);
    q->linear_forward(q, el_span_column(s->logits, n, 0), x, w->start_w, w->start_b);
    q->linear_forward(q, el_first(s->end.own, n), x, w->end_own_w, w->end_hidden_b);
    fetch(s, s->host.logits, s->logits, n);
}

/* The ends, where each sequence's answer begins at its candidate number start, in host.start. */
static void end_forward(el_span_saved *s, const el_head_weights *w, const el_candidates *c)
{
    el_queue *q = s->q;
    const int n = c->count, m = c->sequences;
    const el_tensor x_start = el_first(s->end.x_start, m), start = el_first(s->end.start, m);
    const el_tensor pre = el_first(s->end.slope, n), act = el_first(s->end.act, n);
    for (int at = 0; at < m; at++)
        s->host.start[at] += c->starts[at];
    send_ints(s, s->start, s->host.start, m);
    q->gather_forward(q, x_start, el_first(s->x, n), s->start);
    q->linear_forward(q, start, x_start, w->end_start_w, el_tensor_none());
    q->gather_forward(q, pre, start, s->sequence);
    q->add(q, pre, pre, el_first(s->end.own, n));
    q->gelu_forward(q, act, pre, pre);
    q->linear_forward(q, el_span_column(s->logits, n, 1), act, w->end_w, w->end_b);
    fetch(s, s->host.logits, s->logits, n);
}

static void answer_forward(el_span_saved *s, const el_head_weights *w, const el_candidates *c)
{
    el_queue *q = s->q;
    const answer_saved *a = &s->answer;
    const int m = c->sequences;
    const el_tensor read = el_first(a->read, m), pre = el_first(a->slope, m), act = el_first(a->act, m);
    const el_tensor pooled = el_tensor_cols(read, s->hidden, s->hidden);
    el_span_probabilities(s->host.logits, c, s->host.probability);
    send(s, a->probability, s->host.probability, c->count);
    q->gather_forward(q, el_tensor_cols(read, 0, s->hidden), el_first(s->x, c->count), s->first);
    q->zero(q, pooled);
    for (int at = 0; at < m; at++) /* p^T x */
        q->linear_backward_weight(q, el_tensor_rows(pooled, at, 1), el_tensor_none(),
                                  el_span_part(a->probability, c, at), el_span_part(s->x, c, at));
    q->linear_gelu_forward(q, act, pre, pre, read, w->answer_hidden_w, w->answer_hidden_b);
    q->linear_forward(q, el_first(a->logit, m), act, w->answer_w, w->answer_b);
    fetch(s, s->host.answer, a->logit, m);
}

/* ---- backward ---- */

static void both_backward(el_span_saved *s, const el_head_weights *w, const el_head_weights *g, int n)
{
    el_queue *q = s->q;
    const el_tensor dlogits = el_first(s->logits, n);
    q->linear_backward_weight(q, g->out_w, g->out_b, dlogits, el_first(s->x, n));
    q->linear_backward_input(q, el_first(s->dx, n), dlogits, w->out_w, false);
}

/* Overwrites dx, which the others add to. */
static void end_backward(el_span_saved *s, const el_head_weights *w, const el_head_weights *g,
                         const el_candidates *c)
{
    el_queue *q = s->q;
    const int n = c->count, m = c->sequences, h = s->hidden;
    const el_tensor dend = el_span_column(s->logits, n, 1), act = el_first(s->end.act, n), d = act;
    const el_tensor x_start = el_first(s->end.x_start, m), dstart = el_first(s->end.dstart, m);
    q->linear_backward_weight(q, g->end_w, g->end_b, dend, act);
    q->linear_backward_input(q, d, dend, w->end_w, false);
    q->gelu_backward(q, d, d, el_first(s->end.slope, n));
    q->gather_backward(q, dstart, d, s->sequence, false);
    q->linear_backward_weight(q, el_tensor_cols(g->end_hidden_w, h, h), el_tensor_none(), dstart, x_start);
    q->linear_backward_weight(q, el_tensor_cols(g->end_hidden_w, 0, h), g->end_hidden_b, d,
                              el_first(s->x, n));
    q->linear_backward_input(q, el_first(s->dx, n), d, w->end_own_w, false);
    q->linear_backward_input(q, x_start, dstart, w->end_start_w, false); /* in place of what it read */
    q->embed_backward(q, el_first(s->dx, n), x_start, s->start);
}

/* As far as the gradient of each p: x dpooled^T. */
static void answer_backward(el_span_saved *s, const el_head_weights *w, const el_head_weights *g,
                            const el_candidates *c)
{
    el_queue *q = s->q;
    const answer_saved *a = &s->answer;
    const int m = c->sequences;
    const el_tensor dlogit = el_first(a->logit, m), act = el_first(a->act, m), d = act;
    const el_tensor dread = el_first(a->dread, m);
    send(s, a->logit, s->host.answer, m);
    q->linear_backward_weight(q, g->answer_w, g->answer_b, dlogit, act);
    q->linear_backward_input(q, d, dlogit, w->answer_w, false);
    q->gelu_backward(q, d, d, el_first(a->slope, m));
    q->linear_backward_weight(q, g->answer_hidden_w, g->answer_hidden_b, d, el_first(a->read, m));
    q->linear_backward_input(q, dread, d, w->answer_hidden_w, false);
    for (int at = 0; at < m; at++) {
        el_tensor dpooled = el_tensor_rows(el_tensor_cols(dread, s->hidden, s->hidden), at, 1);
        dpooled.prepared = a->prepared;
        q->prepare(q, dpooled, s->parameters, false);
        q->linear_forward(q, el_span_part(a->dprobability, c, at), el_span_part(s->x, c, at), dpooled,
                          el_tensor_none());
    }
    fetch(s, s->host.dprobability, a->dprobability, c->count);
}

/* dx += what the answerability classifier read:  [CLS]'s share, and p dpooled. */
static void answer_backward_input(el_span_saved *s, const el_candidates *c)
{
    el_queue *q = s->q;
    const el_tensor dread = el_first(s->answer.dread, c->sequences);
    const el_tensor dpooled = el_tensor_cols(dread, s->hidden, s->hidden);
    q->embed_backward(q, el_first(s->dx, c->count), el_tensor_cols(dread, 0, s->hidden), s->first);
    for (int at = 0; at < c->sequences; at++) {
        el_tensor p = el_span_part(s->answer.probability, c, at);
        p = el_tensor_make(p.data, p.type, 1, p.rows);
        q->linear_backward_weight(q, el_span_part(s->dx, c, at), el_tensor_none(), p,
                                  el_tensor_rows(dpooled, at, 1));
    }
}

static void start_backward(el_span_saved *s, const el_head_weights *w, const el_head_weights *g, int n)
{
    el_queue *q = s->q;
    const el_tensor dstart = el_span_column(s->logits, n, 0);
    q->linear_backward_weight(q, g->start_w, g->start_b, dstart, el_first(s->x, n));
    q->linear_backward_input(q, el_first(s->dx, n), dstart, w->start_w, true);
}

static void joint_backward(el_span_saved *s, const el_head_weights *w, const el_head_weights *g,
                           const el_candidates *c, bool answer)
{
    if (answer) {
        answer_backward(s, w, g, c);
        el_span_probabilities_backward(s->host.logits, c, s->host.probability, s->host.dprobability);
    }
    send(s, s->logits, s->host.logits, c->count);
    end_backward(s, w, g, c);
    start_backward(s, w, g, c->count);
    if (answer)
        answer_backward_input(s, c);
}

void el_span_learn(el_span_saved *s, const el_head_weights *w, const el_head_weights *g, el_tensor hidden,
                   const el_candidates *c, const el_span_targets *targets, double scale, double *losses,
                   bool training, el_tensor dhidden)
{
    el_queue *q = s->q;
    const int n = c->count;
    const bool joint = s->head.kind == EL_HEAD_SPAN_JOINT,
               answer = s->answer.logit.data && targets->impossible;
    read_candidates(s, hidden, c);
    if (joint) {
        start_forward(s, w, n);
        for (int at = 0; at < c->sequences; at++)
            s->host.start[at] = targets->start[at] < 0 ? 0 : targets->start[at];
        end_forward(s, w, c);
    } else {
        both_forward(s, w, n);
    }
    if (answer)
        answer_forward(s, w, c);
    el_span_losses(s->host.logits, answer ? s->host.answer : el_tensor_none(), c, targets,
                   training ? scale : 0, losses);
    if (!training)
        return;
    if (joint) {
        joint_backward(s, w, g, c, answer);
    } else {
        send(s, s->logits, s->host.logits, n);
        both_backward(s, w, g, n);
    }
    q->copy(q, el_first(s->gathered, n), el_first(s->dx, n));
    q->gather_backward(q, dhidden, el_first(s->gathered, n), s->rows_of, false);
}

/* ---- the likeliest spans ---- */

static void guess_both(el_span_saved *s, const el_head_weights *w, const el_candidates *c, int beam,
                       el_span_guess *guesses, float *null_scores)
{
    both_forward(s, w, c->count);
    for (int at = 0; at < c->sequences; at++) {
        const el_tensor starts = el_span_part(el_span_column(s->host.logits, c->count, 0), c, at);
        const el_tensor ends = el_span_part(el_span_column(s->host.logits, c->count, 1), c, at);
        int *best = s->host.best_starts;
        const int count = el_span_largest(starts, beam, best);
        for (int k = 0; k < count; k++)
            el_span_pairs(guesses + ((size_t)at * (size_t)beam + (size_t)k) * (size_t)beam, best[k],
                          el_get(starts, best[k], 0), ends, 0, beam, s->host.best_ends);
        null_scores[at] = (float)(el_get(starts, 0, 0) + el_get(ends, 0, 0));
    }
}

/* Sequence at's k-th best start; [CLS] where it has fewer. */
static int start_number(const el_span_saved *s, const el_candidates *c, int at, int k)
{
    return k < c->starts[at + 1] - c->starts[at] ? s->host.best_starts[c->starts[at] + k] : 0;
}

static void guess_joint(el_span_saved *s, const el_head_weights *w, const el_candidates *c, int beam,
                        el_span_guess *guesses, float *null_scores)
{
    const el_tensor starts = el_span_column(s->host.logits, c->count, 0),
                    ends = el_span_column(s->host.logits, c->count, 1);
    int rounds = 0;
    start_forward(s, w, c->count);
    for (int at = 0; at < c->sequences; at++) {
        const int count =
            el_span_largest(el_span_part(starts, c, at), beam, s->host.best_starts + c->starts[at]);
        rounds = count > rounds ? count : rounds;
    }
    for (int k = 0; k < rounds; k++) {
        for (int at = 0; at < c->sequences; at++)
            s->host.start[at] = start_number(s, c, at, k);
        end_forward(s, w, c);
        for (int at = 0; at < c->sequences; at++) {
            const el_tensor z = el_span_part(starts, c, at), given = el_span_part(ends, c, at);
            const int start = start_number(s, c, at, k);
            if (k < z.rows)
                el_span_pairs(guesses + ((size_t)at * (size_t)beam + (size_t)k) * (size_t)beam, start,
                              el_get(z, start, 0) - el_log_sum_exp(z), given, el_log_sum_exp(given), beam,
                              s->host.best_ends);
        }
    }
    if (s->answer.logit.data) {
        answer_forward(s, w, c);
        for (int at = 0; at < c->sequences; at++)
            null_scores[at] = (float)el_get(s->host.answer, at, 0);
        return;
    }
    for (int at = 0; at < c->sequences; at++)
        s->host.start[at] = 0;
    end_forward(s, w, c);
    for (int at = 0; at < c->sequences; at++) {
        const el_tensor z = el_span_part(starts, c, at), given = el_span_part(ends, c, at);
        null_scores[at] =
            (float)(el_get(z, 0, 0) - el_log_sum_exp(z) + el_get(given, 0, 0) - el_log_sum_exp(given));
    }
}

void el_span_guess_best(el_span_saved *s, const el_head_weights *w, el_tensor hidden, const el_candidates *c,
                        int beam, el_span_guess *guesses, float *null_scores)
{
    const size_t each = (size_t)beam * (size_t)beam;
    for (size_t i = 0; i < each * (size_t)c->sequences; i++)
        guesses[i] = (el_span_guess){.start = -1, .end = -1};
    read_candidates(s, hidden, c);
    if (s->head.kind == EL_HEAD_SPAN)
        guess_both(s, w, c, beam, guesses, null_scores);
    else
        guess_joint(s, w, c, beam, guesses, null_scores);
    for (int at = 0; at < c->sequences; at++)
        qsort(guesses + (size_t)at * each, each, sizeof *guesses, el_span_by_score);
}
