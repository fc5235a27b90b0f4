/* A batch in leaves: the same gradient and figures, to the last bit, at any number of ranks (threads here) up to theirs. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "dist/threads.h"
#include "objective/fixture.h"
#include "train/evaluation.h"
#include "train/leaves.h"

enum { WORDS = 40, LENGTH = 20, SEQUENCES = 13, LEAVES = 8 };

/* What came of it on every rank. */
typedef struct {
    el_objective_kind kind;
    int leaves;
    bool whole; /* the objective looks at a batch as a whole: it has one leaf */
    el_figures figures[TEST_RANKS], heldout[TEST_RANKS];
    float *gradients[TEST_RANKS];
    size_t count;
} outcome;

/* Of two segments. */
static void add_pair(el_batch *batch, const el_vocab *vocab, int length, int seed)
{
    add_sequence(batch, vocab, length, seed);
    for (int row = batch->rows - length + 5; row < batch->rows; row++)
        batch->segments[row] = 1;
}

/* What a rank has of its own. */
static void open_fixture(fixture *p, el_objective_kind kind)
{
    el_objective_settings s = el_objective_defaults();
    s.mask_prob = (el_course){0.3, 0.3};
    s.max_seq_length = LENGTH;
    el_model_plan plan = el_objective_plan(kind, EL_SAMPLER_NETWORK, one_layer(WORDS, LENGTH, 16),
                                           one_layer(WORDS, LENGTH, 8), EL_TIE_SHARED);
    if (kind == EL_MLM) {
        el_objective_plan_sentences(&plan);
        s.sentence_task = EL_SENTENCES_NSP;
    }
    plan.training = true;
    open_model(p, &plan, true, NULL, 1);
    for (int i = 0; i < SEQUENCES; i++)
        add_pair(&p->batch, p->vocab, LENGTH - i % 7, i);
    open_objective(p, kind, &s, 2 * LENGTH);
}

/* Some hundred made-up examples, more than one evaluation batch a rank. */
static el_status read_made(void *context, int64_t first, int count, el_batch *batch)
{
    el_batch_clear(batch);
    for (int i = 0; i < count; i++)
        add_pair(batch, context, LENGTH - (int)(first + i) % 9, (int)first + i);
    return EL_OK;
}

static void work(el_dist *d, void *context)
{
    outcome *const o = context;
    fixture p;
    el_leaves l;
    open_fixture(&p, o->kind);
    if (!p.objective->ledger) {
        if (el_dist_leads(d))
            o->whole = true;
        close_fixture(&p);
        return;
    }
    CHECK(el_leaves_open(&l, d, p.objective, o->leaves) == EL_OK, "%s", el_error());
    p.objective->reset(p.objective);
    CHECK(p.objective->begin(p.objective, &p.batch, (el_random){5, 0, 1}) == EL_OK, "%s", el_error());
    CHECK(el_leaves_run(&l, &p.batch, (el_interrupt){0}, EL_OK) == EL_OK, "%s", el_error());
    CHECK(el_objective_count(p.objective) == EL_OK, "%s", el_error());
    p.objective->finish(p.objective, &o->figures[d->rank]);
    const el_tensor g = el_model_region(&p.model, EL_GRADIENTS);
    const size_t count = (size_t)g.rows * (size_t)g.cols;
    o->gradients[d->rank] = malloc(count * sizeof(float));
    if (el_dist_leads(d))
        o->count = count;
    el_tensor_read(p.q, g, o->gradients[d->rank]);
    const el_example_source source = {p.vocab, read_made, 7 * EL_EVALUATION_BATCH + 3};
    const el_evaluation_watch watch = {.dist = d, .apart = o->leaves > 1};
    CHECK(el_evaluate(p.objective, &source, 0, &watch, &o->heldout[d->rank]) == EL_OK, "%s", el_error());
    el_leaves_close(&l);
    close_fixture(&p);
}

static void release(outcome *o)
{
    for (int r = 0; r < TEST_RANKS; r++)
        free(o->gradients[r]);
}

static void check_figures(const char *name, int ranks, const el_figures *found, const el_figures *wanted)
{
    for (int i = 0; i < wanted->count; i++)
        CHECK(memcmp(&found->values[i], &wanted->values[i], sizeof *found->values) == 0,
              "%s, %d ranks: %s is %.17g, with one rank %.17g", name, ranks, wanted->names[i],
              found->values[i], wanted->values[i]);
}

static void any_number_of_ranks_has_the_bits_of_one(void **state)
{
    (void)state;
    for (int kind = 0; kind < EL_OBJECTIVES; kind++) {
        const char *const name = el_objective_name((el_objective_kind)kind);
        outcome one = {.kind = (el_objective_kind)kind, .leaves = LEAVES};
        test_ranks(1, work, &one);
        for (int ranks = 2; !one.whole && ranks <= LEAVES; ranks *= 2) {
            outcome many = {.kind = (el_objective_kind)kind, .leaves = LEAVES};
            test_ranks(ranks, work, &many);
            for (int r = 0; r < ranks; r++) {
                CHECK(memcmp(many.gradients[r], one.gradients[0], one.count * sizeof(float)) == 0,
                      "%s: rank %d of %d has other gradients than one process", name, r, ranks);
                check_figures(name, ranks, &many.figures[r], &one.figures[0]);
                check_figures(name, ranks, &many.heldout[r], &one.heldout[0]);
            }
            release(&many);
        }
        release(&one);
    }
}

/* Leaves change the order of sums, not what is summed. */
static void leaves_differ_by_rounding(void **state)
{
    (void)state;
    for (int kind = 0; kind < EL_OBJECTIVES; kind++) {
        outcome whole = {.kind = (el_objective_kind)kind, .leaves = 1},
                cut = {.kind = whole.kind, .leaves = LEAVES};
        test_ranks(1, work, &whole);
        test_ranks(1, work, &cut);
        if (whole.whole)
            continue;
        double difference = 0, norm = 0;
        for (size_t i = 0; i < whole.count; i++) {
            difference += pow(whole.gradients[0][i] - cut.gradients[0][i], 2);
            norm += pow(whole.gradients[0][i], 2);
        }
        CHECK(norm > 0 && difference < 1e-10 * norm, "%s: leaves change the gradient by %g of its norm",
              el_objective_name(whole.kind), sqrt(difference / norm));
        for (int i = 0; i < whole.figures[0].count; i++)
            CHECK(fabs(whole.figures[0].values[i] - cut.figures[0].values[i]) <=
                      1e-9 * fabs(whole.figures[0].values[i]),
                  "%s: %s is %.12g of a whole batch and %.12g of its leaves", el_objective_name(whole.kind),
                  whole.figures[0].names[i], whole.figures[0].values[i], cut.figures[0].values[i]);
        release(&whole);
        release(&cut);
    }
}

/* ---- while the backward goes on ---- */

typedef struct {
    el_objective *objective;
    void (*accumulate)(el_objective *self, int first, int last, bool training);
    void (*begin)(el_dist *d, int slot, int peer, const void *out, size_t out_bytes, void *in,
                  size_t in_bytes);
    atomic_int begun;
    bool early;
    bool apart; /* the device keeps its memory to itself: all is exchanged at the end */
} watched;

static watched watches[2]; /* of a rank each */

static void count_begun(el_dist *d, int slot, int peer, const void *out, size_t out_bytes, void *in,
                        size_t in_bytes)
{
    watches[d->rank].begun++;
    watches[d->rank].begin(d, slot, peer, out, out_bytes, in, in_bytes);
}

/* The objective's own; in the last range it stays until something is under way, for ten seconds at most. */
static void accumulate_and_look(el_objective *self, int first, int last, bool training)
{
    watched *const w = &watches[watches[1].objective == self];
    w->accumulate(self, first, last, training);
    for (int i = 0; self->ends && training && !w->apart && !w->begun && i < 10000; i++)
        usleep(1000);
    w->early = w->begun > 0;
}

static void look_for_early_parts(el_dist *d, void *context)
{
    watched *const w = &watches[d->rank];
    fixture p;
    el_leaves l;
    open_fixture(&p, *(el_objective_kind *)context);
    *w = (watched){.objective = p.objective,
                   .accumulate = p.objective->accumulate,
                   .begin = d->begin,
                   .apart = p.model.dev->apart};
    p.objective->accumulate = accumulate_and_look;
    d->begin = count_begun;
    CHECK(el_leaves_open(&l, d, p.objective, 4) == EL_OK, "%s", el_error());
    CHECK(p.objective->begin(p.objective, &p.batch, (el_random){5, 0, 1}) == EL_OK, "%s", el_error());
    CHECK(el_leaves_run(&l, &p.batch, (el_interrupt){0}, EL_OK) == EL_OK, "%s", el_error());
    el_leaves_close(&l);
    close_fixture(&p);
}

static void what_is_ready_goes_out_early(void **state)
{
    (void)state;
    const el_objective_kind kinds[] = {EL_ELECTRA, EL_MLM};
    for (int i = 0; i < 2; i++) {
        test_ranks(2, look_for_early_parts, (void *)&kinds[i]);
        for (int r = 0; r < 2; r++)
            CHECK(watches[r].early == !watches[r].apart, "%s: rank %d exchanges %s before the backward ends",
                  el_objective_name(kinds[i]), r, watches[r].early ? "something" : "nothing");
    }
}

static bool always(void *context)
{
    (void)context;
    return true;
}

/* One that cannot go on exchanges like the others, who may have begun, and then all know. */
static void fail_on_one(el_dist *d, void *context)
{
    const bool *const within = context;
    fixture p;
    el_leaves l;
    open_fixture(&p, EL_ELECTRA);
    CHECK(el_leaves_open(&l, d, p.objective, 4) == EL_OK, "%s", el_error());
    CHECK(p.objective->begin(p.objective, &p.batch, (el_random){5, 0, 1}) == EL_OK, "%s", el_error());
    const bool fails = d->rank == 1;
    const el_interrupt stop = {fails && *within ? always : NULL, NULL};
    const el_status before = fails && !*within ? el_fail(EL_EDATA, "a shard is gone") : EL_OK;
    const el_status st = el_leaves_run(&l, &p.batch, stop, before);
    CHECK(st == (*within ? EL_ESTOPPED : EL_EDATA), "rank %d ends with %d", d->rank, (int)st);
    el_leaves_close(&l);
    close_fixture(&p);
}

static void what_stops_one_stops_all(void **state)
{
    (void)state;
    for (int within = 0; within < 2; within++)
        test_ranks(2, fail_on_one, &(bool){within});
}

static void misfits_name_what_fits(void **state)
{
    (void)state;
    assert_int_equal(el_leaves_check(NULL, 12, 1), EL_EUSAGE);
    assert_string_equal(el_error(), "--gradient-leaves: 12 is not a power of two; 8 is");
    assert_int_equal(el_leaves_check(NULL, 8, 3), EL_EUSAGE);
    assert_string_equal(el_error(), "3 ranks cannot share 8 leaves of a gradient evenly; 2 can");
    assert_int_equal(el_leaves_check(NULL, 8, 16), EL_EUSAGE);
    assert_string_equal(el_error(), "16 ranks cannot share 8 leaves of a gradient evenly; 8 can");
    const el_objective whole = {.name = "contrastive"};
    assert_int_equal(el_leaves_check(&whole, 2, 1), EL_EUSAGE);
    assert_int_equal(el_leaves_check(&whole, 1, 1), EL_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_number_of_ranks_has_the_bits_of_one),
        cmocka_unit_test(leaves_differ_by_rounding),
        cmocka_unit_test(what_is_ready_goes_out_early),
        cmocka_unit_test(what_stops_one_stops_all),
        cmocka_unit_test(misfits_name_what_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
