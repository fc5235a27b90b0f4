/* learner - see the header
 *
 * Here is what all kinds share: sequences to the encoder, micro-batches, sums, and which features were asked.
 */
#include "task/learn/learner.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/grow.h"
#include "base/plural.h"
#include "task/learn/family.h"

static const struct {
    const char *name;
    const el_family *family;
    el_head_kind heads[3];
} KINDS[EL_TASK_KINDS] = {
    [EL_CLASSIFY] = {"classify",
                     &el_classify_family,
                     {EL_HEAD_SEQUENCE, EL_HEAD_SEQUENCE_AFFINE, EL_HEAD_POOLED}},
    [EL_REGRESS] = {"regress",
                    &el_classify_family,
                    {EL_HEAD_SEQUENCE, EL_HEAD_SEQUENCE_AFFINE, EL_HEAD_POOLED}},
    [EL_MULTILABEL] = {"multilabel",
                       &el_classify_family,
                       {EL_HEAD_SEQUENCE, EL_HEAD_SEQUENCE_AFFINE, EL_HEAD_POOLED}},
    [EL_TAG] = {"tag", &el_tag_family, {EL_HEAD_TOKEN, EL_HEAD_TOKEN, EL_HEAD_TOKEN}},
    [EL_SPAN] = {"span", &el_span_family, {EL_HEAD_SPAN, EL_HEAD_SPAN_JOINT, EL_HEAD_SPAN_JOINT}},
};

const char *el_task_kind_name(el_task_kind kind)
{
    return KINDS[kind].name;
}

/* ---- for the families ---- */

const el_dataset *el_learner_dataset(const el_learner *l, int feature)
{
    int i = 0;
    while (i < l->split_count && (feature < l->splits[i].begin || feature >= l->splits[i].end))
        i++;
    assert(i < l->split_count && "a feature is in one of the splits");
    return l->splits[i].dataset;
}

double el_learner_range(const el_learner *l)
{
    const bool ranged = l->settings.kind == EL_REGRESS && l->settings.low < l->settings.high;
    return ranged ? l->settings.high - l->settings.low : 1;
}

const el_labelled *el_learner_example(const el_learner *l, int feature)
{
    return &el_learner_dataset(l, feature)->examples[l->features->items[feature].example];
}

int el_learner_windows(const el_learner *l, int first)
{
    const el_feature *const items = l->features->items;
    int end = first + 1;
    while (end < l->seen_count && items[l->seen[end]].example == items[l->seen[first]].example)
        end++;
    return end;
}

el_status el_learner_grow(void *items, size_t *room, size_t need, size_t bytes)
{
    return el_grow(items, room, need, bytes) ? EL_OK : el_fail(EL_ENOMEM, "no memory for %zu answers", need);
}

el_status el_learner_take(void **items, size_t count, size_t bytes)
{
    *items = calloc(count ? count : 1, bytes);
    return *items ? EL_OK : el_fail(EL_ENOMEM, "no memory for %zu answers", count);
}

/* ---- the step ---- */

static void forget_answers(el_learner *l)
{
    free(l->predictions.items);
    free(l->predictions.probabilities);
    free(l->predictions.tags);
    free(l->predictions.spans);
    free(l->predictions.text);
    l->predictions = (el_predictions){0};
}

static void reset(el_objective *self)
{
    el_learner *l = (el_learner *)self;
    l->loss = l->targets = 0;
    l->trained = false;
    l->seen_count = 0;
    l->family->forget(l);
    forget_answers(l);
}

static el_status check_longest(const el_learner *l, const el_batch *batch)
{
    const int places = l->base.model->networks[0].config.max_position_embeddings;
    const int longest = el_batch_longest(batch);
    return longest <= places ? EL_OK
                             : el_fail(EL_EUSAGE, "sequences of %d tokens, but the model has %d positions",
                                       longest, places);
}

static el_status reserve(el_learner *l, const el_batch *batch)
{
    const el_status st =
        el_learner_grow(&l->starts, &l->start_room, (size_t)batch->sequences + 1, sizeof *l->starts);
    return st ? st
              : el_learner_grow(&l->seen, &l->seen_room, (size_t)l->seen_count + (size_t)batch->sequences,
                                sizeof *l->seen);
}

static el_status begin(el_objective *self, const el_batch *batch, el_random random)
{
    el_learner *l = (el_learner *)self;
    el_status st = check_longest(l, batch);
    if (!st)
        st = reserve(l, batch);
    if (st)
        return st;
    l->batch = batch;
    l->random = random;
    if (l->base.model->networks[0].config.causal) {
        st = el_batch_copy(&l->limited, batch, false);
        if (st)
            return st;
        el_batch_limit(&l->limited);
        l->batch = &l->limited;
    }
    st = el_halves_begin(l, batch);
    if (st)
        return st;
    int64_t targets = 0;
    l->starts[0] = 0;
    for (int s = 0; s < batch->sequences; s++) {
        l->starts[s + 1] = l->starts[s] + l->family->reads(l, batch->numbers[s]);
        targets += l->family->targets(l, batch->numbers[s]);
    }
    l->scale = targets ? 1 / (double)targets : 0;
    l->targets += (double)targets;
    return l->family->reserve(l, batch->sequences, l->starts[batch->sequences]);
}

static int fit(el_objective *self, int first)
{
    const el_learner *l = (const el_learner *)self;
    const int *rows = l->batch->starts;
    int last = first;
    while (last < l->batch->sequences && last - first < l->sequences &&
           rows[last + 1] - rows[first] <= l->rows)
        last++;
    return last;
}

static void accumulate(el_objective *self, int first, int last, bool training)
{
    el_learner *l = (el_learner *)self;
    el_model *m = l->base.model;
    el_network *net = &m->networks[0];
    const el_batch *b = l->batch;
    const el_range range = {first, last, b->starts[first], training};
    l->trained |= training;
    l->predictions.made = false;
    for (int s = first; s < last && !training; s++)
        l->seen[l->seen_count++] = b->numbers[s];
    if (l->starts[first] == l->starts[last])
        return; /* sentences without words: neither losses nor answers */
    el_input in = el_feed_send(&l->feed, m->q, b, first, last, training, l->random);
    in.random.stream = EL_STREAM_FIRST_NETWORK;
    in.watch = m->watch;
    el_feed_send_ids(&l->feed, m->q, b->ids + range.first_row, in.rows);
    const el_tensor hidden = el_encoder_forward(m->q, &net->config, &net->w, &l->encoder, &in);
    el_tensor dhidden = l->dhidden;
    dhidden.rows = in.rows;
    if (el_learner_joins(l))
        l->loss += l->family->pass(l, &range, el_halves_forward(l, first, last, training, hidden),
                                   el_halves_gradient(l, in.rows));
    else
        l->loss += l->family->pass(l, &range, hidden, dhidden);
    if (training && el_learner_joins(l))
        el_halves_split(l, dhidden);
    if (training)
        el_encoder_backward(m->q, &net->config, &net->w, &net->g, &l->encoder, &in, dhidden);
    if (training && el_learner_joins(l))
        el_halves_backward(l);
}

/* Of a step: the answers of an evaluation are not counted apart. */
static void ledger(el_objective *self, el_ledger *t)
{
    el_learner *l = (el_learner *)self;
    el_ledger_sum(t, &l->loss);
    l->trained = true; /* also where this rank had nothing to learn from */
}

static el_status answer(el_learner *l)
{
    if (l->predictions.made)
        return EL_OK;
    forget_answers(l);
    const el_status st = l->family->answer(l);
    l->predictions.made = !st;
    return st;
}

/* Of questions whose answers do not stand in their texts nothing is learned, but they are scored. */
static bool has_labels(const el_learner *l)
{
    for (int i = 0; i < l->seen_count; i++)
        if (el_dataset_has_label(el_learner_dataset(l, l->seen[i]), el_learner_example(l, l->seen[i])))
            return true;
    return false;
}

/* Whether every answer is the same class or value, although the right ones are not. */
static bool are_alike(const el_learner *l)
{
    const el_prediction *const answers = l->predictions.items;
    const bool of_numbers = l->settings.kind == EL_REGRESS;
    if (l->settings.kind != EL_CLASSIFY && !of_numbers)
        return false;
    const el_dataset *const d = el_learner_dataset(l, l->seen[0]);
    const el_labelled *const first = &d->examples[answers[0].example];
    bool right_ones_vary = false;
    for (int i = 1; i < l->predictions.count; i++) {
        const el_labelled *const e = &d->examples[answers[i].example];
        if (of_numbers ? answers[i].value != answers[0].value : answers[i].label != answers[0].label)
            return false;
        right_ones_vary |= of_numbers ? e->value != first->value : e->label != first->label;
    }
    return right_ones_vary;
}

static void finish(el_objective *self, el_figures *figures)
{
    el_learner *l = (el_learner *)self;
    const bool asked = !l->trained && has_labels(l);
    figures->names = l->names;
    figures->count = l->figures;
    for (int i = 0; i < l->figures; i++)
        figures->values[i] = NAN;
    figures->status = asked ? answer(l) : EL_OK;
    if (asked && !figures->status)
        figures->status = l->family->score(l, figures->values);
    figures->alike = asked && !figures->status && are_alike(l);
    figures->values[0] =
        l->targets > 0 ? l->loss / l->targets * el_learner_range(l) * el_learner_range(l) : NAN;
}

el_status el_learner_predictions(el_objective *objective, const el_prediction **predictions, int *count)
{
    el_learner *l = (el_learner *)objective;
    const el_status st = answer(l);
    *predictions = st ? NULL : l->predictions.items;
    *count = st ? 0 : l->predictions.count;
    return st;
}

void el_learner_set_threshold(el_objective *objective, double null_threshold)
{
    ((el_learner *)objective)->settings.null_threshold = null_threshold;
}

void el_learner_set_range(el_objective *objective, double low, double high)
{
    el_learner *const l = (el_learner *)objective;
    l->settings.low = low;
    l->settings.high = high;
}

void el_learner_use(el_objective *objective, const el_features *features, const el_split *splits,
                    int split_count)
{
    el_learner *l = (el_learner *)objective;
    l->features = features;
    l->splits = splits;
    l->split_count = split_count;
    reset(objective);
}

/* ---- opening ---- */

static void close_learner(el_objective *self)
{
    el_learner *l = (el_learner *)self;
    l->family->close(l);
    forget_answers(l);
    el_encoder_saved_release(&l->encoder);
    el_device_release(l->base.model->dev, &l->arena);
    el_feed_close(&l->feed);
    el_batch_release(&l->limited);
    el_halves_close(l);
    free(l->starts);
    free(l->seen);
    free(l);
}

static el_status lay_out(void *context)
{
    el_learner *const l = context;
    const el_model *m = l->base.model;
    const el_config *c = &m->networks[0].config;
    el_feed_layout(&l->feed, &l->arena, l->rows);
    l->family->lay_out(l);
    const el_status st = el_halves_lay_out(l);
    if (st)
        return st;
    if (m->training)
        l->dhidden = el_arena_tensor(&l->arena, m->activations, l->rows, c->hidden_size);
    return el_encoder_saved_layout(&l->encoder, &l->arena, c, l->rows, m->activations, m->parameters,
                                   m->training);
}

static el_status check(const el_model *model, const el_learner_settings *s)
{
    const el_head_config *head = &model->networks[0].heads[0].config;
    const el_head_kind *heads = KINDS[s->kind].heads;
    if (head->kind != heads[0] && head->kind != heads[1] && head->kind != heads[2])
        return el_fail(EL_EUSAGE, "the model's head is not one to %s with", KINDS[s->kind].name);
    const int labels = s->kind == EL_REGRESS ? 1 : s->kind == EL_SPAN ? head->labels : s->labels->count;
    if (head->labels != labels)
        return el_fail(EL_EDATA, "the model's head has %d output%s, but there %s %d label%s", head->labels,
                       el_s(head->labels), el_is(labels), labels, el_s(labels));
    return EL_OK;
}

el_status el_learner_open(el_objective **objective, el_model *model, const el_features *features,
                          const el_split *splits, int split_count, const el_learner_settings *settings)
{
    *objective = NULL;
    el_status st = check(model, settings);
    if (st)
        return st;
    el_learner *l = calloc(1, sizeof *l);
    if (!l)
        return el_no_memory(NULL);
    const int places = model->networks[0].config.max_position_embeddings;
    l->base = (el_objective){.name = KINDS[settings->kind].name,
                             .model = model,
                             .reset = reset,
                             .begin = begin,
                             .fit = fit,
                             .accumulate = accumulate,
                             .orderly = true,
                             .ledger = ledger,
                             .keeps_answers = true,
                             .finish = finish,
                             .close = close_learner};
    l->family = KINDS[settings->kind].family;
    l->settings = *settings;
    l->rows = settings->micro_batch_tokens > places ? settings->micro_batch_tokens : places;
    st = el_feed_open(&l->feed, l->rows);
    if (!st)
        st = el_halves_open(l);
    if (!st)
        st = l->family->open(l);
    if (!st)
        st = el_device_lay_out(model->dev, &l->arena, lay_out, l);
    if (st) {
        close_learner(&l->base);
        return st;
    }
    el_learner_use(&l->base, features, splits, split_count);
    *objective = &l->base;
    return EL_OK;
}
