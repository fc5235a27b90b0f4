/* What each objective learns and reports: masked language models, detection at the slots, Replace MLM. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "objective/asked.h"
#include "objective/fixture.h"
#include "objective/kinds.h"
#include "train/optimizer.h"

enum { WORDS = 40, LENGTH = 20 };

static int threads = 1; /* of the queues that fixtures open */

static el_config config_of(int hidden)
{
    el_config c = one_layer(WORDS, LENGTH, hidden);
    c.hidden_dropout_prob = c.attention_probs_dropout_prob = 0;
    return c;
}

static el_objective_settings settings_of(el_objective_kind kind)
{
    el_objective_settings s = el_objective_defaults();
    s.mask_prob = (el_course){0.3, 0.3};
    s.max_seq_length = LENGTH;
    if (kind == EL_MLM)
        s.shares = (el_mask_shares){0.8, 0.1, 0.1};
    if (kind == EL_REPLACE_MLM)
        s.disc_weight = 1;
    return s;
}

static void open_fixture(fixture *f, el_objective_kind kind, const el_objective_settings *settings)
{
    el_model_plan plan =
        el_objective_plan(kind, EL_SAMPLER_NETWORK, config_of(16), config_of(8), EL_TIE_SHARED);
    plan.training = true;
    open_model(f, &plan, true, NULL, threads);
    for (int s = 0; s < 6; s++)
        add_sequence(&f->batch, f->vocab, LENGTH - s, s);
    open_objective(f, kind, settings, 2 * LENGTH);
}

/* Taught the same batch again and again, each knows it better; the masks are others at every step. */
static void every_loss_falls(void **state)
{
    (void)state;
    const el_optimizer optimizer = el_optimizer_defaults();
    for (int kind = 0; kind < EL_OBJECTIVES; kind++) {
        fixture f;
        const el_objective_settings settings = settings_of((el_objective_kind)kind);
        open_fixture(&f, (el_objective_kind)kind, &settings);
        const double before = run(&f, &f.batch, 1000, false).values[0];
        for (uint32_t step = 0; step < 60; step++) {
            run(&f, &f.batch, step, true);
            el_optimizer_update(&optimizer, &f.model, 1e-2, el_gradient_norm(&f.model), step);
        }
        const double after = run(&f, &f.batch, 1000, false).values[0];
        /* an adversary earns what the discriminator loses; of a permutation few tokens are predicted */
        CHECK(after <
                  (kind == EL_ADVERSARIAL || kind == EL_PERMUTATION || kind == EL_XLNET ? 0.9 : 0.8) * before,
              "%s: loss %g after training, %g before", f.objective->name, after, before);
        close_fixture(&f);
    }
}

/* The loss is what its parts say, of the whole batch, however it is split; and each figure is a share or an entropy. */
static void figures_are_of_their_parts(void **state)
{
    (void)state;
    for (int kind = 0; kind < EL_OBJECTIVES; kind++) {
        if (!el_objective_masks((el_objective_kind)kind) ||
            kind == EL_ADVERSARIAL) /* whose reward is no loss */
            continue;
        fixture f;
        el_objective_settings settings = settings_of((el_objective_kind)kind);
        settings.gen_weight = 2, settings.disc_weight = 3;
        open_fixture(&f, (el_objective_kind)kind, &settings);
        const el_figures all = run(&f, &f.batch, 3, false);
        const double generator = el_figure(&all, "generator_loss"),
                     second = el_figure(&all, "discriminator_loss");
        const double wanted =
            2 * generator + (el_objective_has_generator((el_objective_kind)kind) ? 3 * second : 0);
        CHECK(fabs(all.values[0] - wanted) < 1e-12, "%s: loss %g, its parts %g", f.objective->name,
              all.values[0], wanted);
        CHECK(isnan(second) == !el_objective_has_generator((el_objective_kind)kind),
              "%s has a second loss of %g", f.objective->name, second);
        const double sampled = el_figure(&all, "sampled_accuracy"), replaced = el_figure(&all, "replaced");
        if (kind == EL_ELECTRA_15 || kind == EL_REPLACE_MLM)
            CHECK(fabs(replaced - (1 - sampled)) < 1e-12, "%s: %g replaced, %g sampled", f.objective->name,
                  replaced, sampled);
        close_fixture(&f);
    }
}

/* The gradients of a batch, bit for bit. */
static void threads_change_nothing(void **state)
{
    (void)state;
    for (int kind = 0; kind < EL_OBJECTIVES; kind++) {
        fixture one, several;
        const el_objective_settings settings = settings_of((el_objective_kind)kind);
        open_fixture(&one, (el_objective_kind)kind, &settings);
        threads = 3;
        open_fixture(&several, (el_objective_kind)kind, &settings);
        threads = 1;
        run(&one, &one.batch, 5, true);
        run(&several, &several.batch, 5, true);
        const el_tensor a = el_model_region(&one.model, EL_GRADIENTS),
                        b = el_model_region(&several.model, EL_GRADIENTS);
        CHECK(a.rows == b.rows && memcmp(a.data, b.data, el_tensor_bytes(a.rows, a.cols, a.type)) == 0,
              "%s: three threads come to other gradients than one", one.objective->name);
        close_fixture(&one);
        close_fixture(&several);
    }
}

/* BERT begins at ln V, and a little more: its logits are not all alike. */
static void a_masked_model_begins_at_log_v(void **state)
{
    (void)state;
    fixture f;
    const el_objective_settings settings = settings_of(EL_MLM);
    open_fixture(&f, EL_MLM, &settings);
    const el_initialisation paper = {.seed = 9};
    CHECK(el_model_initialise(&f.model, &paper) == EL_OK, "%s", el_error());
    const double loss = run(&f, &f.batch, 0, false).values[0];
    CHECK(fabs(loss - log(WORDS)) < 0.03, "loss %g, ln V %g", loss, log(WORDS));
    close_fixture(&f);
}

/* In double, and the whole batch at once: what was shown last is still there. */
static void open_exact(fixture *f, el_objective_kind kind, double mask_prob)
{
    enum { SEQUENCES = 6 };
    el_objective_settings settings = settings_of(kind);
    settings.mask_prob = (el_course){mask_prob, mask_prob};
    el_model_plan plan =
        el_objective_plan(kind, EL_SAMPLER_NETWORK, config_of(16), config_of(8), EL_TIE_SHARED);
    plan.activations = plan.parameters = EL_F64;
    plan.training = true;
    open_model(f, &plan, true, "reference", 1);
    for (int s = 0; s < SEQUENCES; s++)
        add_sequence(&f->batch, f->vocab, LENGTH - s, s);
    open_objective(f, kind, &settings, SEQUENCES * LENGTH);
}

static const el_head *detection(const fixture *f)
{
    return el_network_head(el_model_network(&f->model, EL_DISCRIMINATOR), EL_HEAD_DETECTION);
}

/* What the discriminator says of every row of the text that it was shown last; on the heap. */
static double *judge(fixture *f)
{
    const el_network *const net = el_model_network(&f->model, EL_DISCRIMINATOR);
    const el_rtd_weights *const w = &detection(f)->rtd.w;
    const int width = net->config.hidden_size;
    el_batch text = f->batch;
    text.ids = ((const el_slotted *)f->objective)->slots.feed.ids;
    double *const hidden = ask(&f->model, net, &text, false), *const logits =
                                                                  malloc((size_t)text.rows * sizeof *logits);
    for (int row = 0; row < text.rows; row++) {
        logits[row] = distant_get(f->q, w->out_b, 0, 0);
        for (int i = 0; i < width; i++) {
            double inner = distant_get(f->q, w->dense_b, 0, i);
            for (int j = 0; j < width; j++)
                inner += distant_get(f->q, w->dense_w, i, j) * hidden[row * width + j];
            logits[row] += distant_get(f->q, w->out_w, 0, i) * inner * erfc(-inner / sqrt(2)) / 2;
        }
    }
    free(hidden);
    return logits;
}

/* The mean of the slots' losses, and a gradient to which no other row adds. */
static void detection_at_slots_is_of_slots_alone(void **state)
{
    (void)state;
    fixture f;
    open_exact(&f, EL_ELECTRA_15, 0.3);
    const el_figures figures = run(&f, &f.batch, 1, true);
    const el_slots *const slots = &((const el_slotted *)f.objective)->slots;
    const double weight = slots->settings.disc_weight / slots->corruption.count;
    double *const logits = judge(&f), loss = 0, slope = 0;
    for (int i = 0; i < slots->corruption.count; i++) {
        const int row = slots->corruption.rows[i];
        const double replaced = slots->feed.ids[row] != f.batch.ids[row];
        loss += log1p(exp(logits[row])) - replaced * logits[row];
        slope += 1 / (1 + exp(-logits[row])) - replaced;
    }
    loss /= slots->corruption.count;
    CHECK(fabs(el_figure(&figures, "discriminator_loss") - loss) < 1e-12, "a loss of %.15g, by hand %.15g",
          el_figure(&figures, "discriminator_loss"), loss);
    const double got = distant_get(f.q, detection(&f)->rtd.g.out_b, 0, 0);
    CHECK(fabs(got - weight * slope) < 1e-12 * (1 + fabs(got)), "a gradient of %.15g, by hand %.15g", got,
          weight * slope);
    free(logits);
    close_fixture(&f);
}

/* Where every candidate is a slot, electra has the same sum, and that of [CLS] and [SEP]. */
static void detection_at_every_slot_is_detection(void **state)
{
    (void)state;
    double sums[2], ends = 0;
    for (int k = 0; k < 2; k++) {
        fixture f;
        open_exact(&f, k ? EL_ELECTRA_15 : EL_ELECTRA, 0.9);
        const el_figures figures = run(&f, &f.batch, 1, false);
        const int count = ((const el_slotted *)f.objective)->slots.corruption.count, rows = f.batch.rows;
        CHECK(count == rows - 2 * f.batch.sequences, "%d slots of %d rows", count, rows);
        sums[k] = el_figure(&figures, "discriminator_loss") * (k ? count : rows);
        double *const logits = judge(&f);
        for (int row = 0; k == 0 && row < rows; row++)
            if (f.batch.ids[row] == f.vocab->cls || f.batch.ids[row] == f.vocab->sep)
                ends += log1p(exp(logits[row]));
        free(logits);
        close_fixture(&f);
    }
    CHECK(fabs(sums[0] - ends - sums[1]) < 1e-10, "%.15g over all, %.15g of the ends, %.15g over slots",
          sums[0], ends, sums[1]);
}

/* What an objective cannot be opened with. */
static void misfits_are_refused(void **state)
{
    (void)state;
    fixture f;
    el_objective *objective;
    el_objective_settings settings = settings_of(EL_MLM);
    open_fixture(&f, EL_MLM, &settings);
    CHECK(el_objective_of(&f.model) == EL_MLM, "one generator is a masked language model");
    for (int kind = 0; kind < EL_OBJECTIVES; kind++)
        if (kind != EL_MLM)
            CHECK(el_objective_open(&objective, (el_objective_kind)kind, &f.model, f.vocab, &settings, 20) ==
                      EL_EUSAGE,
                  "%s opens without its network", el_objective_name((el_objective_kind)kind));
    settings.shares.mask = 0.9;
    CHECK(el_objective_open(&objective, EL_MLM, &f.model, f.vocab, &settings, 20) == EL_EUSAGE,
          "shares of 1.1");
    settings = settings_of(EL_MLM);
    settings.max_seq_length = LENGTH + 1;
    CHECK(el_objective_open(&objective, EL_MLM, &f.model, f.vocab, &settings, 20) == EL_EUSAGE,
          "too long sequences");
    close_fixture(&f);
}

/* A vocabulary as make_vocab's, of which no piece says whether it goes on with a word. */
static el_vocab *vocab_without_prefix(const el_vocab *like)
{
    el_vocab_options options = el_vocab_options_bert((el_casing){0});
    el_vocab *vocab = NULL;
    options.prefix = "";
    CHECK(el_vocab_open(&vocab, like->text, like->text_bytes, &options, "made") == EL_OK, "%s", el_error());
    return vocab;
}

/* Words and spans are not hidden where nobody knows where words begin: there would be no slot, or single pieces. */
static void words_need_a_vocabulary_that_tells_them(void **state)
{
    (void)state;
    static const struct {
        el_objective_kind kind;
        el_mask_unit unit;
        bool refused;
    } CASES[] = {{EL_MLM, EL_MASK_PIECE, false},
                 {EL_MLM, EL_MASK_WORD, true},
                 {EL_MLM, EL_MASK_NGRAM, true},
                 {EL_XLNET, EL_MASK_PIECE, true}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        fixture f;
        el_objective_settings settings = settings_of(CASES[i].kind);
        open_fixture(&f, CASES[i].kind, &settings);
        el_vocab *const other = vocab_without_prefix(f.vocab);
        el_objective *objective = NULL;
        settings.mask_unit = CASES[i].unit;
        const el_status st = el_objective_open(&objective, CASES[i].kind, &f.model, other, &settings, 20);
        CHECK(CASES[i].refused ? st == EL_EUSAGE && strstr(el_error(), "does not tell where words begin")
                               : st == EL_OK,
              "case %zu: %d, \"%s\"", i, st, el_error());
        if (objective)
            objective->close(objective);
        el_vocab_close(other);
        close_fixture(&f);
    }
}

/* A model of one objective, opened as another: the first thing that is wrong; NULL: nothing. */
static void each_misfit_is_said(void **state)
{
    (void)state;
    enum { NETWORK = EL_SAMPLER_NETWORK, UNIFORM = EL_SAMPLER_UNIFORM, TOWERS = EL_SAMPLER_TWO_TOWERS };
    static const struct {
        el_objective_kind made;
        int with; /* an el_sampler, as is */
        el_objective_kind as;
        int sampler;
        el_sentence_task task;
        bool duplicates;
        const char *said;
    } ROWS[] = {{EL_ELECTRA, NETWORK, EL_ELECTRA_15, UNIFORM, 0, false, NULL},
                {EL_ELECTRA, TOWERS, EL_ELECTRA, TOWERS, 0, false, NULL},
                {EL_ELECTRA, NETWORK, EL_MLM, NETWORK, 0, true, NULL},
                {EL_MLM, NETWORK, EL_ELECTRA, NETWORK, 0, false, "no discriminator with a head"},
                {EL_ELECTRA, UNIFORM, EL_MLM, NETWORK, 0, false, "no generator with a head"},
                {EL_REPLACE_MLM, NETWORK, EL_ALL_TOKENS_MLM, NETWORK, 0, false, "no gate that copies"},
                {EL_ELECTRA, TOWERS, EL_ELECTRIC, TOWERS, 0, false, "and no energies"},
                {EL_ELECTRIC, TOWERS, EL_ELECTRA, TOWERS, 0, false, "trained by --objective electric"},
                {EL_PERMUTATION, NETWORK, EL_XLNET, NETWORK, 0, false, "by positions, not by distances"},
                {EL_XLNET, NETWORK, EL_PERMUTATION, NETWORK, 0, false, "attends by distances"},
                {EL_MLM, NETWORK, EL_PERMUTATION, NETWORK, 0, false, "predicts in no order"},
                {EL_CAUSAL, NETWORK, EL_MLM, NETWORK, 0, false, "only what stands before"},
                {EL_MLM, NETWORK, EL_CAUSAL, NETWORK, 0, false, "what stands behind"},
                {EL_CAUSAL, NETWORK, EL_BIDIRECTIONAL, NETWORK, 0, false, "no network that reads backwards"},
                {EL_ELECTRA, NETWORK, EL_ELECTRA, TOWERS, 0, false, "no generator of two towers"},
                {EL_ELECTRA, UNIFORM, EL_ELECTRA, NETWORK, 0, false, "the sampler is a network"},
                {EL_MLM, NETWORK, EL_MLM, NETWORK, EL_SENTENCES_NSP, false, "no head for pairs"},
                {EL_ELECTRA, NETWORK, EL_ELECTRA, NETWORK, EL_SENTENCES_NSP, false, "is mlm's"},
                {EL_ELECTRA, TOWERS, EL_ELECTRA_15, TOWERS, 0, false, "electra's or electric's"},
                {EL_REPLACE_MLM, NETWORK, EL_REPLACE_MLM, UNIFORM, 0, false, "leaves nothing of it"},
                {EL_ELECTRA, NETWORK, EL_ELECTRA, EL_SAMPLER_UNIGRAM, 0, false, "how frequent are tokens"},
                {EL_ELECTRA_15, NETWORK, EL_ELECTRA_15, NETWORK, 0, true, "a place once"},
                {EL_ELECTRA, TOWERS, EL_ELECTRA, TOWERS, 0, true, "a place once"}};
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        fixture f;
        el_objective *objective;
        const el_model_plan plan = el_objective_plan(ROWS[i].made, (el_sampler)ROWS[i].with, config_of(16),
                                                     config_of(8), EL_TIE_SHARED);
        open_model(&f, &plan, true, NULL, 1);
        el_objective_settings settings = settings_of(ROWS[i].as);
        settings.sampler = (el_sampler)ROWS[i].sampler;
        settings.sentence_task = ROWS[i].task;
        settings.duplicate_slots = ROWS[i].duplicates;
        const el_status st = el_objective_open(&objective, ROWS[i].as, &f.model, f.vocab, &settings, LENGTH);
        const char *const said = st ? el_error() : "";
        CHECK(ROWS[i].said ? st == EL_EUSAGE && strstr(said, ROWS[i].said) : !st,
              "row %zu: \"%s\", not \"%s\"", i, said, ROWS[i].said ? ROWS[i].said : "");
        if (!st)
            objective->close(objective);
        close_fixture(&f);
    }
}

/* What a model is for is seen in its networks; those of electra are of four objectives. */
static void networks_tell_the_objective(void **state)
{
    (void)state;
    for (int kind = 0; kind < EL_OBJECTIVES; kind++)
        for (int towers = 0; towers <= el_objective_takes((el_objective_kind)kind, EL_SAMPLER_TWO_TOWERS);
             towers++) {
            fixture f;
            const bool alike = kind == EL_ELECTRA_15 || kind == EL_TWO_STAGE || kind == EL_ADVERSARIAL;
            const el_model_plan plan = el_objective_plan((el_objective_kind)kind,
                                                         towers ? EL_SAMPLER_TWO_TOWERS : EL_SAMPLER_NETWORK,
                                                         config_of(16), config_of(8), EL_TIE_SHARED);
            open_model(&f, &plan, true, NULL, 1);
            CHECK((int)el_objective_of(&f.model) == (alike ? EL_ELECTRA : kind), "%s%s is taken for %s",
                  el_objective_name((el_objective_kind)kind), towers ? " of two towers" : "",
                  el_objective_name(el_objective_of(&f.model)));
            close_fixture(&f);
        }
}

/* Whichever network has the fewest. */
static void each_network_has_the_positions(void **state)
{
    (void)state;
    for (int shorter = 0; shorter < 2; shorter++) {
        fixture f;
        el_objective *objective;
        const el_objective_settings settings = settings_of(EL_ELECTRA);
        el_config configs[] = {config_of(8), config_of(16)};
        configs[shorter].max_position_embeddings = LENGTH - 1;
        const el_model_plan plan =
            el_objective_plan(EL_ELECTRA, EL_SAMPLER_NETWORK, configs[1], configs[0], EL_TIE_SEPARATE);
        open_model(&f, &plan, true, NULL, 1);
        CHECK(el_objective_open(&objective, EL_ELECTRA, &f.model, f.vocab, &settings, 20) == EL_EUSAGE &&
                  strstr(el_error(), shorter ? "the discriminator has 19" : "the generator has 19"),
              "network %d is too short, and: \"%s\"", shorter, el_error());
        close_fixture(&f);
    }
}

/* How many slots there are at the first step, in the middle, at the last, after it, and among held-out examples. */
static void the_share_of_slots_falls(void **state)
{
    (void)state;
    fixture f;
    el_objective_settings settings = settings_of(EL_MLM);
    settings.mask_prob = (el_course){0.5, 0.2};
    settings.steps = 11;
    open_fixture(&f, EL_MLM, &settings);
    el_slots slots;
    assert_int_equal(el_slots_open(&slots, f.objective, f.vocab, &settings, 2 * LENGTH, 2 * LENGTH), EL_OK);
    static const struct {
        uint32_t step;
        bool evaluating;
        double share;
    } CASES[] = {{0, false, 0.5}, {5, false, 0.35}, {10, false, 0.2}, {70, false, 0.2}, {0, true, 0.2}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        int wanted = 0;
        for (int s = 0; s < f.batch.sequences; s++) {
            const int n = f.batch.starts[s + 1] - f.batch.starts[s];
            const int most = (int)((CASES[i].share + 0.005) * LENGTH),
                      k = (int)rintf((float)n * (float)CASES[i].share);
            wanted += k < most ? k : most;
        }
        f.objective->evaluating = CASES[i].evaluating;
        assert_int_equal(el_slots_begin(&slots, &f.batch, (el_random){5, 0, CASES[i].step}), EL_OK);
        CHECK(slots.corruption.count == wanted, "step %u: %d slots, not %d", CASES[i].step,
              slots.corruption.count, wanted);
    }
    el_slots_close(&slots);
    close_fixture(&f);
}

/* A sequence of 512 tokens has rint(0.15 * 512) = 77 slots, for which the original's limit leaves room: it is that of 0.155. */
static void the_limit_of_slots_leaves_room_for_rounding(void **state)
{
    (void)state;
    enum { LONG = 512 };
    fixture f;
    el_objective_settings settings = settings_of(EL_MLM);
    open_fixture(&f, EL_MLM, &settings);
    settings.mask_prob = (el_course){0.15, 0.15};
    settings.max_seq_length = LONG;
    el_slots slots;
    el_batch batch = {0};
    add_sequence(&batch, f.vocab, LONG, 1);
    assert_int_equal(el_slots_open(&slots, f.objective, f.vocab, &settings, LONG, LONG), EL_OK);
    assert_int_equal(el_slots_begin(&slots, &batch, (el_random){5, 0, 0}), EL_OK);
    CHECK(slots.corruption.count == 77, "%d slots, not 77", slots.corruption.count);
    el_slots_close(&slots);
    el_batch_release(&batch);
    close_fixture(&f);
}

static void shares_are_read(void **state)
{
    (void)state;
    el_mask_shares s;
    assert_int_equal(el_mask_shares_read(&s, "0.8,0.1,0.1"), EL_OK);
    CHECK(s.mask == 0.8 && s.random == 0.1 && s.keep == 0.1, "%g %g %g", s.mask, s.random, s.keep);
    static const char *const BAD[] = {
        "", "1", "0.5,0.5", "0.8,0.1,0.2", "0.8,0.1,0.09", "-1,1,1", "0.8,0.1,0.1,0", "a,b,c", "nan,0,1"};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++)
        CHECK(el_mask_shares_read(&s, BAD[i]) == EL_EUSAGE, "\"%s\" is taken", BAD[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_loss_falls),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(figures_are_of_their_parts),
        cmocka_unit_test(a_masked_model_begins_at_log_v),
        cmocka_unit_test(detection_at_slots_is_of_slots_alone),
        cmocka_unit_test(detection_at_every_slot_is_detection),
        cmocka_unit_test(misfits_are_refused),
        cmocka_unit_test(words_need_a_vocabulary_that_tells_them),
        cmocka_unit_test(each_misfit_is_said),
        cmocka_unit_test(networks_tell_the_objective),
        cmocka_unit_test(each_network_has_the_positions),
        cmocka_unit_test(the_share_of_slots_falls),
        cmocka_unit_test(the_limit_of_slots_leaves_room_for_rounding),
        cmocka_unit_test(shares_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
