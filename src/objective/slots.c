/* slots - see the header */
#include "objective/slots.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

double el_slots_share(const el_slots *s, uint32_t step)
{
    const int64_t last = s->settings.steps - 1;
    return s->objective->evaluating || (int64_t)step >= last ? 1 : (double)step / (double)last;
}

static el_corruption_rule rule_of(const el_slots *slots, double mask_prob)
{
    const el_objective_settings *const s = &slots->settings;
    const int longest = el_objective_longest(s, slots->objective->evaluating);
    return (el_corruption_rule){.mask_prob = mask_prob,
                                .max_predictions = s->max_predictions ? s->max_predictions
                                                                      : (int)((mask_prob + 0.005) * longest),
                                .duplicates = s->duplicate_slots,
                                .unit = s->mask_unit,
                                .shares = s->shares};
}

static el_status corrupt(el_corruption *corruption, const el_slots *s, const el_batch *batch,
                         el_random random)
{
    const double mask_prob = el_course_at(s->settings.mask_prob, 0, el_slots_share(s, random.step));
    const el_corruption_rule rule = rule_of(s, mask_prob);
    return el_corruption_make(corruption, batch, s->vocab, &rule, random);
}

/* Slots that a range of `rows` has room for: what they hold when sequences are long, and at least one sequence's. */
static int slots_of(const el_slots *s, int rows)
{
    const el_course course = s->settings.mask_prob;
    const el_corruption_rule rule = rule_of(s, fmax(course.first, course.last));
    const int usual = (int)(rows * rule.mask_prob * 1.05) + 16;
    const int one = el_corruption_slots_of(&rule, rows);
    const int most = usual > one ? usual : one;
    return most < rows ? most : rows;
}

el_status el_slots_open(el_slots *s, const el_objective *objective, const el_vocab *vocab,
                        const el_objective_settings *settings, int rows, int heldout_rows)
{
    *s = (el_slots){.objective = objective,
                    .q = objective->model->q,
                    .vocab = vocab,
                    .settings = *settings,
                    .room = rows > heldout_rows ? rows : heldout_rows,
                    .training_rows = rows};
    s->slot_room = slots_of(s, s->room);
    s->training_slots = slots_of(s, rows);
    const size_t n = (size_t)s->room + 1;
    s->host_ids = malloc(5 * n * sizeof *s->host_ids);
    s->originals = calloc((size_t)vocab->size, sizeof *s->originals);
    if (!s->host_ids || !s->originals)
        return el_fail(EL_ENOMEM, "no memory for a batch of %d rows", s->room);
    s->host_rows = s->host_ids + n;
    s->host_targets = s->host_rows + n;
    s->host_samples = s->host_targets + n;
    return el_feed_open(&s->feed, s->room);
}

void el_slots_layout(el_slots *s, el_arena *arena)
{
    el_feed_layout(&s->feed, arena, s->room);
    s->rows = el_arena_ints(arena, s->slot_room + 1);
    s->targets = el_arena_ints(arena, s->slot_room + 1);
    s->samples = el_arena_ints(arena, s->slot_room + 1);
    s->placed = s->settings.duplicate_slots ? el_arena_ints(arena, s->slot_room + 1) : NULL;
    s->text = el_arena_ints(arena, s->room + 1);
    s->labels = el_arena_push(arena, ((size_t)s->room + 1) * sizeof *s->labels);
}

void el_slots_close(el_slots *s)
{
    el_corruption_release(&s->corruption);
    el_corruption_release(&s->next);
    el_feed_close(&s->feed);
    free(s->host_ids); /* one block */
    free(s->originals);
    *s = (el_slots){0};
}

void el_slots_reset(el_slots *s)
{
    memset(s->originals, 0, (size_t)s->vocab->size * sizeof *s->originals);
    s->count = 0;
}

/* Only the ids that occurred, with their counts. */
static void take_originals(el_slots *s, el_ledger *ledger)
{
    int64_t kinds = 0;
    for (int id = 0; id < s->vocab->size; id++)
        kinds += s->originals[id] > 0;
    el_ledger_put(ledger, &kinds, sizeof kinds);
    for (int id = 0; id < s->vocab->size; id++)
        if (s->originals[id]) {
            const int64_t pair[2] = {id, s->originals[id]};
            el_ledger_put(ledger, pair, sizeof pair);
            s->originals[id] = 0;
        }
}

static void add_originals(el_slots *s, el_ledger *ledger)
{
    int64_t kinds, pair[2];
    memcpy(&kinds, el_ledger_get(ledger, sizeof kinds), sizeof kinds);
    for (int64_t i = 0; i < kinds; i++) {
        memcpy(pair, el_ledger_get(ledger, sizeof pair), sizeof pair);
        s->originals[pair[0]] += pair[1];
    }
}

void el_slots_ledger(el_slots *s, el_ledger *ledger)
{
    el_ledger_count(ledger, &s->count);
    (ledger->adding ? add_originals : take_originals)(s, ledger);
}

el_status el_slots_prepare(el_slots *s, const el_batch *batch, el_random random)
{
    s->next_ids = NULL;
    const el_status st = corrupt(&s->next, s, batch, random);
    if (st)
        return st;
    s->next_ids = batch->ids;
    s->next_random = random;
    return EL_OK;
}

/* What was made ready is this batch's: batches move, but their rows stay where they are. */
static bool is_ready(const el_slots *s, const el_batch *batch, el_random random)
{
    return s->next_ids && s->next_ids == batch->ids && s->next_random.seed == random.seed &&
           s->next_random.step == random.step;
}

el_status el_slots_begin(el_slots *s, const el_batch *batch, el_random random)
{
    const bool ready = is_ready(s, batch, random);
    s->batch = batch;
    s->random = random;
    s->next_ids = NULL;
    if (ready) {
        const el_corruption taken = s->next;
        s->next = s->corruption;
        s->corruption = taken;
        return EL_OK;
    }
    return corrupt(&s->corruption, s, batch, random);
}

void el_slots_use(el_slots *s, const el_batch *batch, el_random random, el_corruption *chosen)
{
    const el_corruption taken = *chosen;
    *chosen = s->corruption;
    s->corruption = taken;
    s->batch = batch;
    s->random = random;
}

int el_slots_fit(const el_slots *s, int first)
{
    const int *rows = s->batch->starts, *slots = s->corruption.starts;
    const bool held = s->objective->evaluating;
    const int most_rows = held ? s->room : s->training_rows,
              most_slots = held ? s->slot_room : s->training_slots;
    int last = first;
    while (last < s->batch->sequences && rows[last + 1] - rows[first] <= most_rows &&
           slots[last + 1] - slots[first] <= most_slots)
        last++;
    return last;
}

el_slots_range el_slots_send(el_slots *s, int first, int last, bool training)
{
    const el_batch *b = s->batch;
    const el_corruption *c = &s->corruption;
    const el_slots_range r = {.first_row = b->starts[first],
                              .rows = b->starts[last] - b->starts[first],
                              .first_slot = c->starts[first],
                              .slots = c->starts[last] - c->starts[first],
                              .in = el_feed_send(&s->feed, s->q, b, first, last, training, s->random),
                              .training = training};
    assert(r.slots <= s->slot_room);
    for (int i = 0; i < r.slots; i++) {
        s->host_rows[i] = c->rows[r.first_slot + i] - r.first_row;
        s->host_targets[i] = c->targets[r.first_slot + i];
        s->originals[s->host_targets[i]]++;
    }
    s->count += r.slots;
    s->q->send(s->q, s->rows, s->host_rows, (size_t)r.slots * sizeof(int));
    s->q->send(s->q, s->targets, s->host_targets, (size_t)r.slots * sizeof(int));
    return r;
}

const int *el_slots_originals(const el_slots *s, const el_slots_range *r)
{
    return s->batch->ids + r->first_row;
}

void el_slots_show(el_slots *s, const el_slots_range *r)
{
    memcpy(s->host_ids, el_slots_originals(s, r), (size_t)r->rows * sizeof(int));
    el_corruption_show(&s->corruption, s->host_ids, r->first_row, r->first_slot, r->first_slot + r->slots);
    el_feed_send_ids(&s->feed, s->q, s->host_ids, r->rows);
}

/* The floor of the mean of the samples at the row of slot i. */
static int mean_sample(const el_slots *s, const int *samples, int slots, int i)
{
    int64_t sum = 0;
    int count = 0;
    for (int j = 0; j < slots; j++)
        if (s->host_rows[j] == s->host_rows[i]) {
            sum += samples[j];
            count++;
        }
    return (int)(sum / count);
}

/* Samples as they are placed. */
static const int *place_samples(el_slots *s, const el_slots_range *r)
{
    const size_t bytes = (size_t)r->slots * sizeof(int);
    if (!s->placed)
        return s->samples;
    int *const drawn = s->host_samples, *const placed = drawn + s->room + 1;
    s->q->fetch(s->q, drawn, s->samples, bytes);
    s->q->wait(s->q);
    for (int i = 0; i < r->slots; i++)
        placed[i] = mean_sample(s, drawn, r->slots, i);
    s->q->send(s->q, s->placed, placed, bytes);
    return s->placed;
}

void el_slots_replace(el_slots *s, const el_slots_range *r, bool at_slots)
{
    const int *const samples = place_samples(s, r);
    s->q->send(s->q, s->text, el_slots_originals(s, r), (size_t)r->rows * sizeof(int));
    s->q->replace_ids(s->q, s->feed.ids, s->labels, s->text, r->rows, s->rows, samples, r->slots,
                      at_slots ? NAN : 0);
}

void el_slots_draw(el_slots *s, const el_slots_range *r, const int *samples)
{
    s->q->send(s->q, s->samples, samples, (size_t)r->slots * sizeof(int));
}

double el_slots_entropy(const el_slots *s)
{
    double entropy = 0;
    for (int i = 0; i < s->vocab->size; i++)
        if (s->originals[i]) {
            const double p = (double)s->originals[i] / (double)s->count;
            entropy -= p * log(p);
        }
    return entropy;
}
