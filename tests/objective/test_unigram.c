/* Replacements as frequent as tokens are in the text. */
#define _GNU_SOURCE
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "objective/batches.h"
#include "objective/unigram.h"

enum { WORDS = 20, SPECIALS = 5 };

/* Special tokens are the most frequent ones; id 7 does not occur. */
static void open_fixture(el_unigram *unigram, el_vocab **vocab, int64_t counts[WORDS])
{
    *vocab = make_vocab(WORDS);
    for (int id = 0; id < WORDS; id++)
        counts[id] = id < SPECIALS ? 100000 : id == 7 ? 0 : 1000 / (id - 4);
    assert_int_equal(el_unigram_open(unigram, counts, *vocab, "made"), EL_OK);
}

/* Chi-squared of 1e6 samples against the counts: 13 degrees of freedom, 34.5 is exceeded once in a thousand times. */
static void samples_are_as_frequent_as_tokens(void **state)
{
    (void)state;
    enum { SAMPLES = 1000000 };
    for (int excluded = -1; excluded < 10; excluded += 10) { /* none, and 9 */
        el_vocab *vocab;
        el_unigram unigram;
        int64_t counts[WORDS], drawn[WORDS] = {0}, all = 0;
        open_fixture(&unigram, &vocab, counts);
        for (uint64_t i = 0; i < SAMPLES; i++)
            drawn[el_unigram_draw(&unigram, (el_random){3, 1, 2}, i, excluded)]++;
        for (int id = SPECIALS; id < WORDS; id++)
            all += id == excluded ? 0 : counts[id];
        double chi = 0;
        for (int id = 0; id < WORDS; id++) {
            const double wanted =
                id < SPECIALS || id == excluded ? 0 : SAMPLES * (double)counts[id] / (double)all;
            CHECK(wanted > 0 || drawn[id] == 0, "token %d was drawn %lld times", id, (long long)drawn[id]);
            chi += wanted > 0 ? pow((double)drawn[id] - wanted, 2) / wanted : 0;
        }
        CHECK(chi < 34.5, "chi-squared %g without %d", chi, excluded);
        el_unigram_close(&unigram);
        el_vocab_close(vocab);
    }
}

/* -log of a token's share; what the text has not counts as one. */
static void losses_are_of_the_counts(void **state)
{
    (void)state;
    el_vocab *vocab;
    el_unigram unigram;
    int64_t counts[WORDS], all = 0;
    open_fixture(&unigram, &vocab, counts);
    for (int id = SPECIALS; id < WORDS; id++)
        all += counts[id];
    for (int id = SPECIALS; id < WORDS; id++) {
        const double wanted = -log((double)(counts[id] ? counts[id] : 1) / (double)all);
        CHECK(fabs(el_unigram_loss(&unigram, id) - wanted) < 1e-12, "token %d: %g, not %g", id,
              el_unigram_loss(&unigram, id), wanted);
    }
    el_unigram_close(&unigram);
    el_vocab_close(vocab);
}

static void a_file_keeps_it(void **state)
{
    (void)state;
    el_vocab *vocab, *other = make_vocab(WORDS + 1);
    el_unigram unigram, read;
    int64_t counts[WORDS];
    char folder[] = "/tmp/unigram-XXXXXX";
    assert_non_null(mkdtemp(folder));
    open_fixture(&unigram, &vocab, counts);
    CHECK(el_unigram_save(&unigram, vocab, folder) == EL_OK, "%s", el_error());
    CHECK(el_unigram_load(&read, vocab, folder) == EL_OK, "%s", el_error());
    assert_memory_equal(read.sums, unigram.sums, (WORDS + 1) * sizeof *read.sums);
    el_unigram_close(&read);
    CHECK(el_unigram_load(&read, other, folder) == EL_EDATA && strstr(el_error(), "another vocabulary"),
          "another vocabulary: %s", el_error());
    memset(counts, 0, sizeof counts);
    CHECK(el_unigram_open(&read, counts, vocab, "made") == EL_EDATA, "frequencies of nothing");
    el_unigram_close(&read);
    assert_int_equal(el_folder_remove(folder), EL_OK);
    el_unigram_close(&unigram);
    el_vocab_close(other);
    el_vocab_close(vocab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_are_as_frequent_as_tokens),
        cmocka_unit_test(losses_are_of_the_counts),
        cmocka_unit_test(a_file_keeps_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
