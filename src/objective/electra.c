/* electra - see the header
 *
 * The host decides (slots, masks, which id goes where) and counts; the device computes.  Ids go over to it and
 * guesses, samples and losses come back, a micro-batch at a time.
 */
#include "objective/electra.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "objective/scores.h"
#include "train/feed.h"

/* What is counted between reset() and finish(). */
typedef struct {
    double generator_loss, discriminator_loss; /* sums over slots, over tokens */
    int64_t slots, guessed, sampled;           /* slots; argmax right; sample right */
    int64_t tokens, replaced, called, caught;  /* tokens; truly replaced; called replaced; both */
    int64_t right;
} tally;

/* Numbers on the device for one accumulate(), besides what is fed. */
typedef struct {
    int *slot_rows, *targets, *guesses, *samples, *labels;
} device_ints;

/* The same on the host. */
typedef struct {
    int *ids, *slot_rows, *targets, *guesses, *samples, *labels;
    float *logits;
    el_tensor losses; /* (rows, 1), in the type of parameters */
} host_arrays;

typedef struct {
    el_objective base;
    el_electra_settings settings;
    el_corruption_rule rule;
    const el_vocab *vocab;
    int rows, slots; /* room */
    el_arena arena;
    el_feed feed;
    device_ints dev;
    host_arrays host;
    el_encoder_saved generator, discriminator;
    el_mlm_saved mlm;
    el_rtd_saved rtd;
    el_tensor slot_losses, row_losses, scores; /* (slots, 1), (rows, 1), (rows, 1) */
    el_tensor generator_dhidden, discriminator_dhidden;
    /* the step */
    const el_batch *batch;
    el_random random;
    el_corruption chosen;
    /* since reset */
    tally tally;
    el_scores detected;
    int64_t *originals; /* how often each id stood at a slot */
} electra;

static const char *const FIGURES[] = {"loss",
                                      "generator_loss",
                                      "generator_accuracy",
                                      "sampled_accuracy",
                                      "unigram_entropy",
                                      "discriminator_loss",
                                      "discriminator_accuracy",
                                      "discriminator_auc",
                                      "discriminator_precision",
                                      "discriminator_recall",
                                      "replaced"};

el_electra_settings el_electra_defaults(void)
{
    return (el_electra_settings){.gen_weight = 1,
                                 .disc_weight = 50,
                                 .mask_prob = 0.15,
                                 .shares = {.mask = 0.85, .keep = 0.15},
                                 .temperature = 1,
                                 .max_seq_length = 128};
}

static void reset(el_objective *self)
{
    electra *e = (electra *)self;
    e->tally = (tally){0};
    el_scores_clear(&e->detected);
    memset(e->originals, 0, (size_t)e->vocab->size * sizeof *e->originals);
}

static el_status begin(el_objective *self, const el_batch *batch, el_random random)
{
    electra *e = (electra *)self;
    e->batch = batch;
    e->random = random;
    const el_status st = el_corruption_make(&e->chosen, batch, e->vocab, &e->rule, random);
    return st ? st : el_scores_reserve(&e->detected, (size_t)batch->rows);
}

static int fit(el_objective *self, int first)
{
    const electra *e = (const electra *)self;
    int last = first;
    while (last < e->batch->sequences && e->batch->starts[last + 1] - e->batch->starts[first] <= e->rows &&
           e->chosen.starts[last + 1] - e->chosen.starts[first] <= e->slots)
        last++;
    return last;
}

/* The part of the step that one accumulate() handles. */
typedef struct {
    int first_row, rows, first_slot, slots;
    el_input in; /* ids are those of whichever network runs */
} range;

static void send_ints(el_queue *q, int *to, const int *from, int count)
{
    q->send(q, to, from, (size_t)count * sizeof *to);
}

/* What both networks are told besides ids. */
static range send_range(electra *e, int first, int last, bool training)
{
    el_queue *q = e->base.model->q;
    const el_batch *b = e->batch;
    const int first_slot = e->chosen.starts[first];
    const range r = {.first_row = b->starts[first],
                     .rows = b->starts[last] - b->starts[first],
                     .first_slot = first_slot,
                     .slots = e->chosen.starts[last] - first_slot,
                     .in = el_feed_send(&e->feed, q, b, first, last, training, e->random)};
    assert(r.slots <= e->slots);
    for (int i = 0; i < r.slots; i++) {
        e->host.slot_rows[i] = e->chosen.rows[first_slot + i] - r.first_row;
        e->host.targets[i] = e->chosen.targets[first_slot + i];
        e->originals[e->host.targets[i]]++;
    }
    send_ints(q, e->dev.slot_rows, e->host.slot_rows, r.slots);
    send_ints(q, e->dev.targets, e->host.targets, r.slots);
    return r;
}

static void send_ids(electra *e, const range *r)
{
    el_feed_send_ids(&e->feed, e->base.model->q, e->host.ids, r->rows);
}

/* The original ids, and at the slots what they show. */
static void corrupt_ids(electra *e, const range *r)
{
    memcpy(e->host.ids, e->batch->ids + r->first_row, (size_t)r->rows * sizeof(int));
    el_corruption_show(&e->chosen, e->host.ids, r->first_row, r->first_slot, r->first_slot + r->slots);
}

/* Runs the generator: its loss, its gradient, and samples into host.samples. */
static void guess(electra *e, range *r, bool training)
{
    el_model *m = e->base.model;
    el_queue *q = m->q;
    el_network *net = &m->generator;
    r->in.random.stream = EL_STREAM_FIRST_NETWORK;
    corrupt_ids(e, r);
    send_ids(e, r);
    const el_tensor hidden = el_encoder_forward(q, &net->config, &net->w, &e->generator, &r->in);
    const el_tensor logits =
        el_mlm_forward(q, &net->config, &net->mlm_w, &e->mlm, hidden, e->dev.slot_rows, r->slots);
    const el_sampling sampling = {.temperature = e->settings.temperature,
                                  .disallow_target = e->settings.disallow_correct,
                                  .random = {e->random.seed, EL_STREAM_SAMPLE, e->random.step},
                                  .first_row = (uint64_t)r->first_slot};
    const el_tensor losses = el_tensor_rows(e->slot_losses, 0, r->slots);
    q->softmax_loss(q, losses, e->dev.guesses, e->dev.samples, training ? logits : el_tensor_none(), logits,
                    e->dev.targets, &sampling, e->settings.gen_weight / e->chosen.count);
    q->fetch(q, e->host.guesses, e->dev.guesses, (size_t)r->slots * sizeof(int));
    q->fetch(q, e->host.samples, e->dev.samples, (size_t)r->slots * sizeof(int));
    q->wait(q);
    if (training) {
        const el_tensor dhidden = el_tensor_rows(e->generator_dhidden, 0, r->rows);
        el_mlm_backward(q, &net->mlm_w, &net->mlm_g, &e->mlm, dhidden, logits, e->dev.slot_rows);
        el_encoder_backward(q, &net->config, &net->w, &net->g, &e->generator, &r->in, dhidden);
    }
}

/* Uniform samples, with the loss that a generator without knowledge has. */
static void guess_uniformly(electra *e, const range *r)
{
    const el_random random = {e->random.seed, EL_STREAM_SAMPLE, e->random.step};
    const int size = e->vocab->size, excluded = e->settings.disallow_correct;
    for (int i = 0; i < r->slots; i++) {
        const uint64_t number = (uint64_t)r->first_slot + (uint64_t)i;
        int id = (int)el_random_below(random, number, (uint64_t)(size - excluded));
        if (excluded && id >= e->host.targets[i])
            id++;
        e->host.samples[i] = id;
        e->host.guesses[i] = 0;
    }
}

static void read_losses(electra *e, el_tensor losses)
{
    el_queue *q = e->base.model->q;
    q->fetch(q, e->host.losses.data, losses.data, el_tensor_bytes(losses.rows, 1, losses.type));
    q->wait(q);
}

static void count_guesses(electra *e, const range *r)
{
    const bool uniform = e->settings.uniform_generator;
    if (!uniform)
        read_losses(e, el_tensor_rows(e->slot_losses, 0, r->slots));
    for (int i = 0; i < r->slots; i++) {
        e->tally.generator_loss += uniform ? log(e->vocab->size) : el_get(e->host.losses, i, 0);
        e->tally.guessed += e->host.guesses[i] == e->host.targets[i];
        e->tally.sampled += e->host.samples[i] == e->host.targets[i];
    }
    e->tally.slots += r->slots;
}

/* The original ids with the samples in their places; a place drawn more than once (duplicate_slots) gets the
 * floor of the samples' mean.  Labels: 1 where the id is another. */
static void replace_ids(electra *e, const range *r)
{
    int *ids = e->host.ids, *labels = e->host.labels;
    const int *originals = e->batch->ids + r->first_row;
    memcpy(ids, originals, (size_t)r->rows * sizeof *ids);
    if (e->settings.duplicate_slots) {
        int64_t *sums = calloc((size_t)r->rows, sizeof *sums);
        int *counts = labels; /* not yet in use */
        memset(counts, 0, (size_t)r->rows * sizeof *counts);
        assert(sums && "a few kilobytes in a mode for comparisons");
        for (int i = 0; i < r->slots; i++) {
            sums[e->host.slot_rows[i]] += e->host.samples[i];
            counts[e->host.slot_rows[i]]++;
        }
        for (int i = 0; i < r->rows; i++)
            if (counts[i])
                ids[i] = (int)(sums[i] / counts[i]);
        free(sums);
    } else {
        for (int i = 0; i < r->slots; i++)
            ids[e->host.slot_rows[i]] = e->host.samples[i];
    }
    for (int i = 0; i < r->rows; i++)
        labels[i] = ids[i] != originals[i];
}

static void count_detections(electra *e, const range *r)
{
    for (int i = 0; i < r->rows; i++) {
        const int label = e->host.labels[i], called = e->host.logits[i] > 0;
        e->tally.discriminator_loss += el_get(e->host.losses, i, 0);
        e->tally.replaced += label;
        e->tally.called += called;
        e->tally.caught += called && label;
        e->tally.right += called == label;
        el_scores_add(&e->detected, e->host.logits[i], label);
    }
    e->tally.tokens += r->rows;
}

static void detect(electra *e, range *r, bool training)
{
    el_model *m = e->base.model;
    el_queue *q = m->q;
    el_network *net = &m->discriminator;
    r->in.random.stream = EL_STREAM_SECOND_NETWORK;
    send_ids(e, r);
    send_ints(q, e->dev.labels, e->host.labels, r->rows);
    const el_tensor hidden = el_encoder_forward(q, &net->config, &net->w, &e->discriminator, &r->in);
    const el_tensor logits = el_rtd_forward(q, &net->rtd_w, &e->rtd, hidden);
    const el_tensor losses = el_tensor_rows(e->row_losses, 0, r->rows);
    const el_tensor scores = el_tensor_rows(e->scores, 0, r->rows);
    q->copy(q, scores, logits);
    q->logistic_loss(q, losses, training ? logits : el_tensor_none(), logits, e->dev.labels,
                     e->settings.disc_weight / e->batch->rows);
    el_tensor_read(q, scores, e->host.logits);
    read_losses(e, losses);
    if (training) {
        const el_tensor dhidden = el_tensor_rows(e->discriminator_dhidden, 0, r->rows);
        el_rtd_backward(q, &net->rtd_w, &net->rtd_g, &e->rtd, dhidden, logits);
        el_encoder_backward(q, &net->config, &net->w, &net->g, &e->discriminator, &r->in, dhidden);
    }
}

static void accumulate(el_objective *self, int first, int last, bool training)
{
    electra *e = (electra *)self;
    range r = send_range(e, first, last, training);
    if (e->settings.uniform_generator)
        guess_uniformly(e, &r);
    else if (r.slots > 0)
        guess(e, &r, training);
    count_guesses(e, &r);
    if (e->base.model->discriminator.present) {
        replace_ids(e, &r);
        detect(e, &r, training);
        count_detections(e, &r);
    }
}

/* Entropy, in nats, of the tokens that stood at the slots. */
static double unigram_entropy(const electra *e)
{
    double entropy = 0;
    for (int i = 0; i < e->vocab->size; i++)
        if (e->originals[i]) {
            const double p = (double)e->originals[i] / (double)e->tally.slots;
            entropy -= p * log(p);
        }
    return entropy;
}

static double ratio(double part, double whole)
{
    return whole > 0 ? part / whole : 0;
}

static void finish(el_objective *self, el_figures *figures)
{
    electra *e = (electra *)self;
    const tally *t = &e->tally;
    const double generator = ratio(t->generator_loss, (double)t->slots);
    const double discriminator = ratio(t->discriminator_loss, (double)t->tokens);
    const double values[] = {e->settings.gen_weight * generator + e->settings.disc_weight * discriminator,
                             generator,
                             ratio((double)t->guessed, (double)t->slots),
                             ratio((double)t->sampled, (double)t->slots),
                             unigram_entropy(e),
                             discriminator,
                             ratio((double)t->right, (double)t->tokens),
                             el_scores_auc(&e->detected),
                             ratio((double)t->caught, (double)t->called),
                             ratio((double)t->caught, (double)t->replaced),
                             ratio((double)t->replaced, (double)t->tokens)};
    /* Without a discriminator only the generator's figures mean anything. */
    figures->count = e->base.model->discriminator.present ? (int)(sizeof values / sizeof *values) : 5;
    figures->names = FIGURES;
    memcpy(figures->values, values, sizeof values);
}

static void close_electra(el_objective *self)
{
    electra *e = (electra *)self;
    el_encoder_saved_free(&e->generator);
    el_encoder_saved_free(&e->discriminator);
    el_device_release(e->base.model->dev, &e->arena);
    el_corruption_release(&e->chosen);
    el_scores_release(&e->detected);
    el_feed_close(&e->feed);
    free(e->originals);
    free(e->host.ids); /* one block */
    free(e->host.logits);
    free(e->host.losses.data);
    free(e);
}

/* The generator's activations are no longer needed when the discriminator runs, so both lie in the same
 * place. */
static el_status lay_out(electra *e)
{
    const el_model *m = e->base.model;
    el_arena *a = &e->arena;
    const el_type act = m->activations, par = m->parameters;
    int **ints[] = {&e->dev.slot_rows, &e->dev.targets, &e->dev.guesses, &e->dev.samples, &e->dev.labels};
    el_feed_layout(&e->feed, a, e->rows);
    for (size_t i = 0; i < sizeof ints / sizeof *ints; i++)
        *ints[i] = el_arena_ints(a, e->rows + 1);
    e->slot_losses = el_arena_tensor(a, par, e->slots, 1);
    e->row_losses = el_arena_tensor(a, par, e->rows, 1);
    e->scores = el_arena_tensor(a, par, e->rows, 1);
    const size_t mark = a->used;
    el_status st = EL_OK;
    if (m->generator.present && !e->settings.uniform_generator) {
        const el_config *c = &m->generator.config;
        st = el_encoder_saved_layout(&e->generator, a, c, e->rows, act, par, m->training);
        el_mlm_saved_layout(&e->mlm, a, c, e->slots, act, par, m->training);
        e->generator_dhidden = el_arena_tensor(a, act, e->rows, c->hidden_size);
    }
    const size_t after_generator = a->used;
    a->used = mark;
    if (!st && m->discriminator.present) {
        const el_config *c = &m->discriminator.config;
        st = el_encoder_saved_layout(&e->discriminator, a, c, e->rows, act, par, m->training);
        el_rtd_saved_layout(&e->rtd, a, c, e->rows, act);
        e->discriminator_dhidden = el_arena_tensor(a, act, e->rows, c->hidden_size);
    }
    if (a->used < after_generator)
        a->used = after_generator;
    return st;
}

static el_status reserve_host(electra *e)
{
    const size_t n = (size_t)e->rows + 1;
    int **ints[] = {&e->host.ids,     &e->host.slot_rows, &e->host.targets,
                    &e->host.guesses, &e->host.samples,   &e->host.labels};
    const size_t arrays = sizeof ints / sizeof *ints;
    int *block = malloc(arrays * n * sizeof *block);
    const el_type type = e->base.model->parameters;
    e->host.logits = malloc(n * sizeof *e->host.logits);
    e->host.losses = el_tensor_make(malloc(el_tensor_bytes(e->rows + 1, 1, type)), type, e->rows + 1, 1);
    e->originals = calloc((size_t)e->vocab->size, sizeof *e->originals);
    for (size_t i = 0; block && i < arrays; i++)
        *ints[i] = block + i * n;
    return block && e->host.logits && e->host.losses.data && e->originals
               ? el_feed_open(&e->feed, e->rows)
               : el_fail(EL_ENOMEM, "no memory for a batch of %d rows", e->rows);
}

/* Slots that an accumulate() has room for: what its rows hold when sequences are long, and at least one
 * sequence's. */
static int slot_room(const electra *e)
{
    const int usual = (int)(e->rows * e->settings.mask_prob * 1.05) + 16;
    const int one = el_corruption_slots_of(&e->rule, e->rows);
    const int room = usual > one ? usual : one;
    return room < e->rows ? room : e->rows;
}

static el_status check(const el_model *model, const el_vocab *vocab, const el_electra_settings *s)
{
    if (!s->uniform_generator && !model->generator.present)
        return el_fail(EL_EUSAGE, "the model has no generator, and uniform_generator is off");
    if (s->uniform_generator && !model->discriminator.present)
        return el_fail(EL_EUSAGE, "uniform_generator without a discriminator leaves nothing to train");
    const el_network *net = model->discriminator.present ? &model->discriminator : &model->generator;
    if (vocab->size != net->config.vocab_size)
        return el_fail(EL_EDATA, "the vocabulary has %d entries, the model %d", vocab->size,
                       net->config.vocab_size);
    if (s->max_seq_length > net->config.max_position_embeddings)
        return el_fail(EL_EUSAGE, "sequences of %d tokens, but the model has %d positions", s->max_seq_length,
                       net->config.max_position_embeddings);
    return EL_OK;
}

el_status el_electra_open(el_objective **objective, el_model *model, const el_vocab *vocab,
                          const el_electra_settings *settings, int rows)
{
    *objective = NULL;
    el_status st = check(model, vocab, settings);
    if (st)
        return st;
    electra *e = calloc(1, sizeof *e);
    if (!e)
        return el_fail(EL_ENOMEM, "no memory for the objective");
    e->base = (el_objective){.name = model->discriminator.present ? "electra" : "masked language model",
                             .model = model,
                             .reset = reset,
                             .begin = begin,
                             .fit = fit,
                             .accumulate = accumulate,
                             .finish = finish,
                             .close = close_electra};
    e->settings = *settings;
    e->vocab = vocab;
    e->rule = (el_corruption_rule){.mask_prob = settings->mask_prob,
                                   .max_predictions =
                                       settings->max_predictions
                                           ? settings->max_predictions
                                           : (int)((settings->mask_prob + 0.005) * settings->max_seq_length),
                                   .duplicates = settings->duplicate_slots,
                                   .shares = settings->shares};
    e->rows = rows > settings->max_seq_length ? rows : settings->max_seq_length;
    e->slots = slot_room(e);
    st = reserve_host(e);
    if (!st)
        st = lay_out(e);
    if (!st)
        st = el_device_reserve(model->dev, &e->arena);
    if (!st)
        st = lay_out(e);
    if (st) {
        close_electra(&e->base);
        return st;
    }
    reset(&e->base);
    *objective = &e->base;
    return EL_OK;
}
