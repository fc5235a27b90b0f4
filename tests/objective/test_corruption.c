/* Which tokens are predicted, and what stands in their places. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "objective/batches.h"
#include "objective/corruption.h"

/* k = max(1, min(N, round half to even(n p))), spec 1.4. */
static void slots_are_counted_as_in_the_paper(void **state)
{
    (void)state;
    const el_corruption_rule rule = {.mask_prob = 0.15, .max_predictions = 19};
    const int cases[][2] = {{128, 19}, {2, 1}, {3, 1}, {10, 2}, {30, 4}, {50, 8}, {512, 19}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK(el_corruption_slots_of(&rule, cases[i][0]) == cases[i][1], "%d tokens: %d slots, not %d",
              cases[i][0], el_corruption_slots_of(&rule, cases[i][0]), cases[i][1]);
}

static void slots_avoid_special_tokens_and_each_other(void **state)
{
    (void)state;
    el_vocab *vocab = make_vocab(100);
    el_batch batch = {0};
    el_corruption slots = {0};
    const el_corruption_rule rule = {.mask_prob = 0.3, .max_predictions = 100, .shares = {0.8, 0.1, 0.1}};
    const int only_specials[] = {vocab->cls, vocab->mask, vocab->sep};
    for (int s = 0; s < 40; s++)
        add_sequence(&batch, vocab, 3 + s, s);
    assert_int_equal(el_batch_add(&batch, only_specials, 3, 3), EL_OK);

    for (uint32_t step = 0; step < 50; step++) {
        assert_int_equal(el_corruption_make(&slots, &batch, vocab, &rule, (el_random){1, 0, step}), EL_OK);
        char *seen = calloc((size_t)batch.rows, 1);
        for (int s = 0; s < batch.sequences; s++) {
            const int n = batch.starts[s + 1] - batch.starts[s], k = slots.starts[s + 1] - slots.starts[s];
            const int wanted = s == 40                                    ? 0
                               : el_corruption_slots_of(&rule, n) < n - 2 ? el_corruption_slots_of(&rule, n)
                                                                          : n - 2;
            CHECK(k == wanted, "sequence of %d tokens has %d slots, not %d", n, k, wanted);
            for (int i = slots.starts[s]; i < slots.starts[s + 1]; i++) {
                const int row = slots.rows[i];
                CHECK(row >= batch.starts[s] && row < batch.starts[s + 1],
                      "slot %d lies outside its sequence", row);
                CHECK(batch.ids[row] >= 5, "slot at a special token (id %d)", batch.ids[row]);
                CHECK(!seen[row]++, "row %d chosen twice", row);
                CHECK(slots.targets[i] == batch.ids[row], "slot %d is to be %d, not %d", i, slots.targets[i],
                      batch.ids[row]);
            }
        }
        free(seen);
    }
    el_corruption_release(&slots);
    el_batch_release(&batch);
    el_vocab_close(vocab);
}

static void every_token_is_chosen_equally_often(void **state)
{
    (void)state;
    enum { LENGTH = 22, STEPS = 4000 };
    el_vocab *vocab = make_vocab(100);
    el_batch batch = {0};
    el_corruption slots = {0};
    const el_corruption_rule rule = {.mask_prob = 0.2, .max_predictions = 100};
    int counts[LENGTH] = {0};
    add_sequence(&batch, vocab, LENGTH, 1);
    for (uint32_t step = 0; step < STEPS; step++) {
        assert_int_equal(el_corruption_make(&slots, &batch, vocab, &rule, (el_random){9, 0, step}), EL_OK);
        for (int i = 0; i < slots.count; i++)
            counts[slots.rows[i]]++;
    }
    const double expected = STEPS * 4.0 / (LENGTH - 2);
    for (int i = 1; i + 1 < LENGTH; i++)
        CHECK(fabs(counts[i] - expected) < 5 * sqrt(expected), "position %d chosen %d times, expected %g", i,
              counts[i], expected);
    el_corruption_release(&slots);
    el_batch_release(&batch);
    el_vocab_close(vocab);
}

/* 1e5 slots: each share within 0.004, a random token as often itself as any other, never a special one. */
static void slots_show_what_their_shares_say(void **state)
{
    (void)state;
    enum { WORDS = 50, STEPS = 1000 };
    static const el_mask_shares SHARES[] = {{0.8, 0.1, 0.1}, {0.85, 0, 0.15}, {1, 0, 0}, {0, 1, 0}};
    el_vocab *vocab = make_vocab(WORDS);
    el_batch batch = {0};
    el_corruption slots = {0};
    for (int s = 0; s < 20; s++)
        add_sequence(&batch, vocab, 22, s);
    for (size_t k = 0; k < sizeof SHARES / sizeof *SHARES; k++) {
        const el_corruption_rule rule = {.mask_prob = 0.25, .max_predictions = 100, .shares = SHARES[k]};
        int masked = 0, kept = 0, total = 0, shown[WORDS] = {0};
        for (uint32_t step = 0; step < STEPS; step++) {
            assert_int_equal(el_corruption_make(&slots, &batch, vocab, &rule, (el_random){1, 0, step}),
                             EL_OK);
            for (int i = 0; i < slots.count; i++) {
                masked += slots.shown[i] == vocab->mask;
                kept += slots.shown[i] == slots.targets[i];
                shown[slots.shown[i]]++;
                CHECK(slots.shown[i] == vocab->mask || slots.shown[i] >= 5, "special token %d is shown",
                      slots.shown[i]);
            }
            total += slots.count;
        }
        const double lucky = SHARES[k].random / (WORDS - 5); /* a random token that is the original */
        CHECK(fabs((double)masked / total - SHARES[k].mask) < 0.004, "%d of %d slots are masked", masked,
              total);
        CHECK(fabs((double)kept / total - SHARES[k].keep - lucky) < 0.004, "%d of %d slots are kept", kept,
              total);
        for (int id = 5; SHARES[k].random == 1 && id < WORDS; id++)
            CHECK(fabs(shown[id] - total / (WORDS - 5.0)) < 5 * sqrt(total / (WORDS - 5.0)),
                  "token %d stands at %d of %d slots", id, shown[id], total);
    }
    el_corruption_release(&slots);
    el_batch_release(&batch);
    el_vocab_close(vocab);
}

/* Special tokens that are one piece are left out once: the others are all as likely. */
static void special_tokens_of_one_piece_count_once(void **state)
{
    (void)state;
    enum { WORDS = 15, STEPS = 1000 };
    el_vocab *plain = make_vocab(WORDS), *vocab = NULL;
    el_vocab_options options = el_vocab_options_bert((el_casing){0});
    options.special[EL_PAD] = options.special[EL_UNK];
    options.special[EL_CLS] = options.special[EL_SEP];
    assert_int_equal(el_vocab_open(&vocab, plain->text, plain->text_bytes, &options, "made"), EL_OK);
    const el_corruption_rule rule = {.mask_prob = 0.25, .max_predictions = 100, .shares = {.random = 1}};
    el_batch batch = {0};
    el_corruption slots = {0};
    int shown[WORDS] = {0}, total = 0;
    for (int s = 0; s < 20; s++)
        add_sequence(&batch, vocab, 22, s);
    for (uint32_t step = 0; step < STEPS; step++) {
        assert_int_equal(el_corruption_make(&slots, &batch, vocab, &rule, (el_random){1, 0, step}), EL_OK);
        for (int i = 0; i < slots.count; i++)
            shown[slots.shown[i]]++;
        total += slots.count;
    }
    const double expected = total / (WORDS - 3.0);
    for (int id = 0; id < WORDS; id++)
        if (el_vocab_is_special(vocab, id))
            CHECK(shown[id] == 0, "special token %d stands at %d slots", id, shown[id]);
        else
            CHECK(fabs(shown[id] - expected) < 5 * sqrt(expected), "token %d stands at %d of %d slots", id,
                  shown[id], total);
    el_corruption_release(&slots);
    el_batch_release(&batch);
    el_vocab_close(vocab);
    el_vocab_close(plain);
}

/* Where a position is drawn twice and shows a mask once, it shows the mask. */
static void what_is_shown_goes_to_its_rows(void **state)
{
    (void)state;
    int rows[] = {3, 5, 3}, shown[] = {4, 9, 12}, targets[] = {12, 7, 12};
    const el_corruption slots = {.count = 3, .rows = rows, .shown = shown, .targets = targets};
    int ids[] = {11, 12, 13, 7};
    el_corruption_show(&slots, ids, 2, 0, 3);
    const int wanted[] = {11, 4, 13, 9};
    assert_memory_equal(ids, wanted, sizeof ids);
}

/* A vocabulary of words and what continues them, and a text of words of one to three pieces. */
static el_vocab *vocab_of_words(void)
{
    char text[1024] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n";
    for (int i = 0; i < 20; i++)
        sprintf(text + strlen(text), "w%d\n##x%d\n", i, i);
    el_vocab *vocab = NULL;
    assert_int_equal(el_vocab_parse(&vocab, text, strlen(text), (el_casing){0}, "words"), EL_OK);
    return vocab;
}

enum { WORD_TEXT = 500 };

static void add_words(el_batch *batch, const el_vocab *vocab)
{
    int ids[WORD_TEXT], count = 0;
    ids[count++] = vocab->cls;
    for (int word = 0; count < WORD_TEXT - 1; word++)
        for (int piece = 0; piece <= word % 3 && count < WORD_TEXT - 1; piece++)
            ids[count++] = 5 + (piece ? 1 : 0) + 2 * ((word + piece) % 20);
    ids[count - 200] = vocab->sep; /* which no n-gram crosses */
    ids[count++] = vocab->sep;
    assert_int_equal(el_batch_add(batch, ids, count, count), EL_OK);
}

/* Units are whole, lie apart, are no more than there may be; and n-grams are as long as their shares say. */
static void words_are_hidden_whole(void **state)
{
    (void)state;
    el_vocab *vocab = vocab_of_words();
    el_batch batch = {0};
    el_corruption slots = {0};
    add_words(&batch, vocab);
    for (el_mask_unit unit = EL_MASK_WORD; unit <= EL_MASK_NGRAM; unit++) {
        const el_corruption_rule rule = {
            .mask_prob = 0.15, .max_predictions = 75, .unit = unit, .shares = {0.8, 0.1, 0.1}};
        for (uint32_t step = 0; step < 200; step++) {
            assert_int_equal(el_corruption_make(&slots, &batch, vocab, &rule, (el_random){4, 0, step}),
                             EL_OK);
            CHECK(slots.count <= 75 && slots.count > 72, "%d slots of at most 75", slots.count);
            char hidden[WORD_TEXT] = {0};
            for (int i = 0; i < slots.count; i++) {
                CHECK(batch.ids[slots.rows[i]] >= 5, "a special token is hidden");
                CHECK(!hidden[slots.rows[i]]++, "row %d is hidden twice", slots.rows[i]);
            }
            for (int row = 1; row + 1 < WORD_TEXT; row++)
                if (el_vocab_continues(vocab, batch.ids[row]) && batch.ids[row - 1] >= 5)
                    CHECK(hidden[row] == hidden[row - 1], "half of a word is hidden at row %d", row);
        }
    }
    el_corruption_release(&slots);
    el_batch_release(&batch);
    el_vocab_close(vocab);
}

/* Words of one piece: 6/11, 3/11 and 2/11 of the n-grams have one, two and three of them.  The first n-gram of a sequence is
 * measured, which has room for every length: slots stand in the order they were taken, so it ends where rows do not go on.  The
 * sequence is long: few second n-grams begin right behind the first. */
static void ngrams_have_their_shares(void **state)
{
    (void)state;
    enum { STEPS = 40000, LENGTH = 400, LONGEST = 3 };
    el_vocab *vocab = make_vocab(100);
    el_batch batch = {0};
    el_corruption slots = {0};
    int lengths[LONGEST + 1] = {0};
    const el_corruption_rule rule = {
        .mask_prob = 0.3, .max_predictions = LONGEST, .unit = EL_MASK_NGRAM, .shares = {1, 0, 0}};
    add_sequence(&batch, vocab, LENGTH, 1);
    for (uint32_t step = 0; step < STEPS; step++) {
        int n = 1;
        assert_int_equal(el_corruption_make(&slots, &batch, vocab, &rule, (el_random){6, 0, step}), EL_OK);
        CHECK(slots.count == LONGEST, "%d slots of %d", slots.count, LONGEST);
        while (n < slots.count && slots.rows[n] == slots.rows[n - 1] + 1)
            n++;
        lengths[n]++;
    }
    static const double SHARES[] = {0, 6 / 11.0, 3 / 11.0, 2 / 11.0};
    for (int n = 1; n <= LONGEST; n++)
        CHECK(fabs((double)lengths[n] / STEPS - SHARES[n]) < 0.01, "%d of %d n-grams have %d words",
              lengths[n], STEPS, n);
    el_corruption_release(&slots);
    el_batch_release(&batch);
    el_vocab_close(vocab);
}

/* Words that do not stand side by side are no n-gram: where a special token is between any two, all are drawn alone. */
static void ngrams_cross_no_gap(void **state)
{
    (void)state;
    enum { WORDS = 20, LENGTH = 2 * WORDS + 1 };
    el_vocab *vocab = make_vocab(100);
    el_batch batch = {0};
    el_corruption ngrams = {0}, words = {0};
    int ids[LENGTH];
    for (int i = 0; i < LENGTH; i++)
        ids[i] = i == 0 ? vocab->cls : i % 2 ? 5 + i : vocab->sep;
    assert_int_equal(el_batch_add(&batch, ids, LENGTH, LENGTH), EL_OK);
    for (uint32_t step = 0; step < 20; step++) {
        el_corruption_rule rule = {.mask_prob = 0.2, .max_predictions = WORDS, .unit = EL_MASK_NGRAM};
        const el_random random = {8, 0, step};
        assert_int_equal(el_corruption_make(&ngrams, &batch, vocab, &rule, random), EL_OK);
        rule.unit = EL_MASK_WORD;
        assert_int_equal(el_corruption_make(&words, &batch, vocab, &rule, random), EL_OK);
        CHECK(ngrams.count == words.count, "%d slots, not %d", ngrams.count, words.count);
        for (int i = 0; i < words.count; i++)
            CHECK(ngrams.rows[i] == words.rows[i], "slot %d is at row %d, not %d", i, ngrams.rows[i],
                  words.rows[i]);
    }
    el_corruption_release(&ngrams);
    el_corruption_release(&words);
    el_batch_release(&batch);
    el_vocab_close(vocab);
}

/* As many pieces as wanted, in random order; the first span, which has room, lies where it was drawn to. */
static void spans_have_their_shares(void **state)
{
    (void)state;
    enum { STEPS = 10000, LENGTH = 200 };
    el_vocab *vocab = make_vocab(100);
    el_batch batch = {0};
    el_corruption slots = {0};
    int lengths[6] = {0}, ascending = 0, wanted;
    const el_corruption_rule rule = {
        .mask_prob = 1 / 6.0, .max_predictions = LENGTH, .unit = EL_MASK_SPAN, .shares = {1, 0, 0}};
    add_sequence(&batch, vocab, LENGTH, 1);
    wanted = el_corruption_slots_of(&rule, LENGTH);
    for (uint32_t step = 0; step < STEPS; step++) {
        char taken[LENGTH + 1] = {0};
        assert_int_equal(el_corruption_make(&slots, &batch, vocab, &rule, (el_random){6, 0, step}), EL_OK);
        CHECK(slots.count == wanted, "%d slots of %d", slots.count, wanted);
        for (int i = 0; i < slots.count; i++) {
            CHECK(!taken[slots.rows[i]]++ && slots.rows[i] > 0 && slots.rows[i] < LENGTH - 1, "row %d",
                  slots.rows[i]);
            ascending += i > 0 && slots.rows[i] > slots.rows[i - 1];
        }
        const uint64_t u = el_random_below((el_random){6, EL_STREAM_NGRAM, step}, 0, 137);
        const int n = u < 60 ? 1 : u < 90 ? 2 : u < 110 ? 3 : u < 125 ? 4 : 5;
        const int left = (int)el_random_below((el_random){6, EL_STREAM_SLOT, step}, 0, 6 * (uint64_t)n);
        for (int i = 0; i < n; i++)
            CHECK(taken[1 + left + i], "a span of %d at %d does not have row %d", n, 1 + left, 1 + left + i);
        lengths[n]++;
    }
    CHECK(fabs((double)ascending / STEPS / (wanted - 1) - 0.5) < 0.01, "%d slots follow the one before",
          ascending);
    const double all = 1 + 1 / 2.0 + 1 / 3.0 + 1 / 4.0 + 1 / 5.0;
    for (int n = 1; n <= 5; n++)
        CHECK(fabs((double)lengths[n] / STEPS - 1 / all / n) < 0.01, "%d of %d spans have %d pieces",
              lengths[n], STEPS, n);
    el_corruption_release(&slots);
    el_batch_release(&batch);
    el_vocab_close(vocab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_are_counted_as_in_the_paper),
        cmocka_unit_test(slots_avoid_special_tokens_and_each_other),
        cmocka_unit_test(every_token_is_chosen_equally_often),
        cmocka_unit_test(slots_show_what_their_shares_say),
        cmocka_unit_test(special_tokens_of_one_piece_count_once),
        cmocka_unit_test(what_is_shown_goes_to_its_rows),
        cmocka_unit_test(words_are_hidden_whole),
        cmocka_unit_test(ngrams_have_their_shares),
        cmocka_unit_test(ngrams_cross_no_gap),
        cmocka_unit_test(spans_have_their_shares),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
