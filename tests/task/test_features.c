/* Features are what Hugging Face's tokenizers make of the same examples (tools/golden_features.py), and what the original
 * makes where that differs. */
#include "base/log.h"
#include "task//goldens.h"

#include <time.h>

#include "task/learn/features.h"

static el_vocab *vocab;

static void open_vocab(const json_t *pieces)
{
    char text[4096] = "";
    for (size_t i = 0; i < json_array_size(pieces); i++)
        strcat(strcat(text, json_string_value(json_array_get(pieces, i))), "\n");
    CHECK_OK(el_vocab_parse(&vocab, text, strlen(text), (el_casing){true, true, true}, "golden"));
}

static int int_of(const json_t *object, const char *key)
{
    return (int)json_integer_value(of(object, key));
}

static int int_at(const json_t *array, size_t index)
{
    return (int)json_integer_value(json_array_get(array, index));
}

static void check_ids(const char *name, const el_features *f, int number, const json_t *want)
{
    el_batch batch = {0};
    CHECK_OK(el_features_read(f, number, &batch));
    CHECK(batch.numbers[0] == number, "%s: the sequence is number %d, not %d", name, batch.numbers[0],
          number);
    CHECK(batch.rows == (int)json_array_size(want), "%s: %d ids, not %zu", name, batch.rows,
          json_array_size(want));
    for (int i = 0; i < batch.rows; i++)
        CHECK(batch.ids[i] == int_at(want, (size_t)i), "%s: id %d is %d, not %d", name, i, batch.ids[i],
              int_at(want, (size_t)i));
    el_batch_release(&batch);
}

static el_labelled *add_texts(el_dataset *d, const char *a, const char *b)
{
    el_labelled *const e = el_dataset_add(d, 1);
    CHECK(e, "no memory");
    e->text[0] = a;
    e->text[1] = b;
    return e;
}

static void check_pair(const char *name, const json_t *c)
{
    el_dataset d;
    el_features f = {0};
    el_split split;
    const el_feature_settings settings = {.max_seq_length = int_of(c, "max")};
    CHECK_OK(el_dataset_open(&d, EL_CLASSIFY, name));
    add_texts(&d, json_string_value(of(c, "a")), json_string_value(of(c, "b")));
    CHECK_OK(el_features_add(&f, &d, vocab, &settings, false, &split));
    CHECK(f.count == 1, "%s: %d features", name, f.count);
    check_ids(name, &f, 0, of(c, "ids"));
    CHECK(f.items[0].second == int_of(c, "second"), "%s: segment 1 begins at %d, not %d", name,
          f.items[0].second, int_of(c, "second"));
    el_features_release(&f);
    el_dataset_release(&d);
}

static void check_words(const char *name, const json_t *c)
{
    el_dataset d;
    el_features f = {0};
    el_split split;
    const json_t *const words = of(c, "words"), *const rows = of(c, "rows");
    const el_feature_settings settings = {.max_seq_length = int_of(c, "max")};
    CHECK_OK(el_dataset_open(&d, EL_TAG, name));
    el_dataset_add(&d, 1);
    for (size_t i = 0; i < json_array_size(words); i++) {
        const char *const word = json_string_value(json_array_get(words, i));
        CHECK_OK(el_dataset_add_word(&d, word, strlen(word), -1));
    }
    CHECK_OK(el_features_add(&f, &d, vocab, &settings, false, &split));
    check_ids(name, &f, 0, of(c, "ids"));
    const el_feature *feature = &f.items[0];
    CHECK(feature->rows == (int)json_array_size(rows), "%s: %d words, not %zu", name, feature->rows,
          json_array_size(rows));
    for (int i = 0; i < feature->rows; i++)
        CHECK(f.word_rows[feature->row + i] == int_at(rows, (size_t)i), "%s: word %d begins at %d, not %d",
              name, i, f.word_rows[feature->row + i], int_at(rows, (size_t)i));
    el_features_release(&f);
    el_dataset_release(&d);
}

static void check_window(const char *name, const el_features *f, int number, const json_t *want)
{
    const el_feature *w = &f->items[number];
    const json_t *const spans = of(want, "spans"), *const own = of(want, "own");
    check_ids(name, f, number, of(want, "ids"));
    CHECK(w->second == int_of(want, "second") && w->context == w->second,
          "%s: the context begins at %d and %d, not %d", name, w->second, w->context, int_of(want, "second"));
    CHECK(w->rows == (int)json_array_size(spans), "%s: %d pieces, not %zu", name, w->rows,
          json_array_size(spans));
    for (int i = 0; i < w->rows; i++) {
        const json_t *const span = json_array_get(spans, (size_t)i);
        const el_span have = f->pieces.data[w->row + i];
        CHECK((int)have.begin == int_at(span, 0) && (int)have.end == int_at(span, 1),
              "%s: piece %d is %u to %u, not %d to %d", name, i, have.begin, have.end, int_at(span, 0),
              int_at(span, 1));
    }
    CHECK(w->own == int_at(own, 0) && w->own_end == int_at(own, 1),
          "%s, window %d: its own are %d to %d, not %d to %d", name, number, w->own, w->own_end,
          int_at(own, 0), int_at(own, 1));
    CHECK(w->start == int_of(want, "start") && w->end == int_of(want, "end"),
          "%s, window %d: the answer is %d to %d, not %d to %d", name, number, w->start, w->end,
          int_of(want, "start"), int_of(want, "end"));
}

static void check_span(const char *name, const json_t *c)
{
    el_dataset d;
    el_features f = {0};
    el_split split;
    const json_t *const windows = of(c, "windows");
    const char *const answer = json_string_value(of(c, "answer"));
    const el_feature_settings settings = {.max_seq_length = int_of(c, "max"),
                                          .max_query_length = int_of(c, "query"),
                                          .doc_stride = int_of(c, "stride")};
    CHECK_OK(el_dataset_open(&d, EL_SPAN, name));
    add_texts(&d, json_string_value(of(c, "question")), json_string_value(of(c, "context")))->label = !answer;
    if (answer)
        CHECK_OK(el_dataset_add_answer(&d, answer, strlen(answer), int_of(c, "begin")));
    CHECK_OK(el_features_add(&f, &d, vocab, &settings, true, &split));
    CHECK(f.count == (int)json_array_size(windows), "%s: %d windows, not %zu", name, f.count,
          json_array_size(windows));
    for (int i = 0; i < f.count; i++)
        check_window(name, &f, i, json_array_get(windows, (size_t)i));
    el_features_release(&f);
    el_dataset_release(&d);
}

static void check_case(const char *name, const json_t *c)
{
    static const struct {
        const char *is;
        void (*check)(const char *, const json_t *);
    } KINDS[] = {{"pair", check_pair}, {"words", check_words}, {"span", check_span}};
    const char *const is = json_string_value(of(c, "is"));
    if (strcmp(is, "vocab") == 0)
        open_vocab(of(c, "pieces"));
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++)
        if (strcmp(is, KINDS[i].is) == 0)
            KINDS[i].check(name, c);
}

static void as_the_library(void **state)
{
    (void)state;
    el_vocab_close(vocab);
    each_case("features.jsonl", 30, check_case);
}

/* A hand-made feature: its pieces, with spaces between. */
static void check_pieces(const el_features *f, int number, const char *want)
{
    char have[512] = "";
    const el_feature *feature = &f->items[number];
    for (int i = 0; i < feature->count; i++)
        snprintf(have + strlen(have), sizeof have - strlen(have), i ? " %s" : "%s",
                 vocab->pieces[f->ids.data[feature->first + i]]);
    CHECK(strcmp(have, want) == 0, "feature %d is \"%s\", not \"%s\"", number, have, want);
}

static void open_small(void)
{
    static const char PIECES[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\nc\n##a\n##b\n##c\n.\n";
    el_vocab_close(vocab);
    CHECK_OK(el_vocab_parse(&vocab, PIECES, strlen(PIECES), (el_casing){true, true, true}, "small"));
}

static void ties_pop_from_the_second(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b, *pieces;
        int most;
    } CASES[] = {{"a a a a", "b b b b", "[CLS] a a a [SEP] b b [SEP]", 8},
                 {"a a a", "b b b b b", "[CLS] a a a [SEP] b b b [SEP]", 9},
                 {"a a a a a a", "b", "[CLS] a a a a [SEP] b [SEP]", 8},
                 {"a a a", "", "[CLS] a a a [SEP] [SEP]", 8},
                 {"", NULL, "[CLS] [SEP]", 8}};
    open_small();
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        el_dataset d;
        el_features f = {0};
        el_split split;
        CHECK_OK(el_dataset_open(&d, EL_REGRESS, "made"));
        add_texts(&d, CASES[i].a, CASES[i].b);
        CHECK_OK(el_features_add(&f, &d, vocab, &(el_feature_settings){.max_seq_length = CASES[i].most},
                                 false, &split));
        check_pieces(&f, 0, CASES[i].pieces);
        el_features_release(&f);
        el_dataset_release(&d);
    }
}

static void training_leaves_out_and_doubles(void **state)
{
    (void)state;
    el_dataset d;
    el_features f = {0};
    el_split train, dev;
    const el_feature_settings settings = {.max_seq_length = 6, .double_unordered = true};
    open_small();
    CHECK_OK(el_dataset_open(&d, EL_CLASSIFY, "made"));
    add_texts(&d, "a", "b b b")->label = 1;
    add_texts(&d, "b", NULL); /* without a label */
    add_texts(&d, "c", NULL)->label = 0;
    CHECK_OK(el_features_add(&f, &d, vocab, &settings, true, &train));
    CHECK_OK(el_features_add(&f, &d, vocab, &settings, false, &dev));
    assert_int_equal(train.begin, 0);
    assert_int_equal(train.end, 3);
    assert_int_equal(dev.begin, 3);
    assert_int_equal(dev.end, 6);
    assert_int_equal(f.lost.cut, 2); /* once a split */
    static const char *const WANT[] = {"[CLS] a [SEP] b b [SEP]", "[CLS] b b [SEP] a [SEP]", "[CLS] c [SEP]",
                                       "[CLS] a [SEP] b b [SEP]", "[CLS] b [SEP]",           "[CLS] c [SEP]"};
    static const int EXAMPLES[] = {0, 0, 2, 0, 1, 2};
    for (int i = 0; i < f.count; i++) {
        check_pieces(&f, i, WANT[i]);
        assert_int_equal(f.items[i].example, EXAMPLES[i]);
    }
    el_features_clear(&f);
    CHECK_OK(el_features_add(&f, &d, vocab, &settings, false, &dev));
    assert_int_equal(f.count, 3);
    check_pieces(&f, 2, "[CLS] c [SEP]");
    el_features_release(&f);
    el_dataset_release(&d);
}

static int said;

static void count_unknown(el_log_level level, const char *sentence)
{
    said += level == EL_LOG_WARNING && strstr(sentence, "50 % of the pieces are [UNK]") != NULL;
}

/* A vocabulary of another language is no reason to refuse a text, and one to warn. */
static void unknown_pieces_are_counted(void **state)
{
    (void)state;
    static const el_feature_settings SETTINGS = {.max_seq_length = 16};
    el_dataset d;
    el_features f = {0};
    el_split split;
    open_small();
    CHECK_OK(el_dataset_open(&d, EL_CLASSIFY, "made"));
    add_texts(&d, "a x", "y ba");
    CHECK_OK(el_features_add(&f, &d, vocab, &SETTINGS, false, &split));
    assert_int_equal(f.lost.unknown, 2);
    assert_int_equal(f.lost.pieces, 5);
    el_log_to(count_unknown);
    el_text_lost_say(&(el_text_lost){.pieces = 100, .unknown = 10}, NULL, "texts", 16, false);
    el_text_lost_say(&(el_text_lost){.pieces = 10, .unknown = 5}, NULL, "texts", 16,
                     false); /* a short text */
    el_text_lost_say(&(el_text_lost){.pieces = 0}, NULL, "texts", 16, false);
    assert_int_equal(said, 0);
    el_text_lost_say(&(el_text_lost){.pieces = 100, .unknown = 50}, NULL, "texts", 16, false);
    assert_int_equal(said, 1);
    el_log_to(NULL);
    el_features_clear(&f);
    assert_int_equal(f.lost.pieces, 0);
    el_features_release(&f);
    el_dataset_release(&d);
}

/* A word without pieces has a place; a word whose first piece fits is there, the rest is cut. */
static void every_word_has_a_row(void **state)
{
    (void)state;
    static const char *const WORDS[] = {"AB", " ", "c", "\xe2\x80\x8b", "abc", "a"};
    el_dataset d;
    el_features f = {0};
    el_split split;
    open_small();
    CHECK_OK(el_dataset_open(&d, EL_TAG, "made"));
    for (int e = 0; e < 2; e++) {
        el_dataset_add(&d, 1);
        for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS - (size_t)e; i++)
            CHECK_OK(el_dataset_add_word(&d, WORDS[i], strlen(WORDS[i]), e ? -1 : (int)i));
    }
    CHECK_OK(el_features_add(&f, &d, vocab, &(el_feature_settings){.max_seq_length = 9, .segment_one = true},
                             false, &split));
    check_pieces(&f, 0, "[CLS] a ##b [UNK] c [UNK] a ##b [SEP]");
    static const int ROWS[] = {1, 3, 4, 5, 6};
    assert_int_equal(f.items[0].rows, 5);
    assert_memory_equal(f.word_rows, ROWS, sizeof ROWS);
    assert_int_equal(f.items[0].second, 0);
    CHECK(f.lost.unknown == 0 && f.lost.pieces == 13, "%d of %d pieces are unknown", (int)f.lost.unknown,
          (int)f.lost.pieces);
    assert_true(f.items[0].cut && f.items[1].cut);
    assert_int_equal(f.items[1].row, 5);
    el_features_clear(&f);
    CHECK_OK(el_features_add(&f, &d, vocab, &(el_feature_settings){.max_seq_length = 13}, true, &split));
    assert_int_equal(f.count, 1); /* the second has no tags */
    check_pieces(&f, 0, "[CLS] a ##b [UNK] c [UNK] a ##b ##c a [SEP]");
    assert_false(f.items[0].cut);
    assert_int_equal(f.items[0].second, f.items[0].count);
    el_features_clear(&f);
    const el_feature_settings windows = {.max_seq_length = 4, .doc_stride = 2, .windows = true};
    CHECK_OK(el_features_add(&f, &d, vocab, &windows, false, &split));
    assert_int_equal(f.lost.cut, 2); /* "abc", in the last window and in one before it */
    el_features_release(&f);
    el_dataset_release(&d);
}

/* Answers that are not there are lost in training and not known elsewhere; contexts are shared; a context without
 * pieces is a window all the same. */
static void questions_without_a_place(void **state)
{
    (void)state;
    static const char CONTEXT[] = "a  b c", EMPTY[] = " ";
    const el_feature_settings settings = {.max_seq_length = 16, .max_query_length = 2, .doc_stride = 4};
    el_dataset d;
    el_features f = {0};
    el_split split;
    open_small();
    CHECK_OK(el_dataset_open(&d, EL_SPAN, "made"));
    add_texts(&d, "c c c", CONTEXT)->label = 0;
    CHECK_OK(el_dataset_add_answer(&d, "x", 1, -1));
    CHECK_OK(el_dataset_add_answer(&d, " b", 2, 2)); /* the first that stands somewhere */
    add_texts(&d, "c", CONTEXT)->label = 0;
    CHECK_OK(el_dataset_add_answer(&d, " ", 1, 1)); /* covers no piece */
    add_texts(&d, "c", CONTEXT);                    /* not labelled */
    add_texts(&d, "c c", EMPTY)->label = 1;         /* just fits */
    CHECK_OK(el_features_add(&f, &d, vocab, &settings, true, &split));
    assert_int_equal(f.count, 2);
    assert_int_equal(f.answers_lost, 1);
    assert_ptr_equal(f.first_lost, &d.examples[1]);
    assert_int_equal(f.lost.cut, 1);
    check_pieces(&f, 0, "[CLS] c c [SEP] a b c [SEP]");
    assert_int_equal(f.items[0].start, 5);
    assert_int_equal(f.items[0].end, 5);
    check_pieces(&f, 1, "[CLS] c c [SEP] [SEP]");
    assert_int_equal(f.items[1].start, 0);
    el_features_clear(&f);
    CHECK_OK(el_features_add(&f, &d, vocab, &settings, false, &split));
    assert_int_equal(f.count, 4);
    assert_int_equal(f.answers_lost, 0);
    assert_null(f.first_lost);
    assert_int_equal(f.items[1].start, -1);
    assert_int_equal(f.items[2].start, -1);
    assert_int_equal(f.items[2].row, f.items[0].row);
    CHECK(f.pieces.count == 3, "%zu pieces, not 3", f.pieces.count);
    CHECK_FAILS(el_features_add(&f, &d, vocab,
                                &(el_feature_settings){.max_seq_length = 5, .max_query_length = 2}, false,
                                &split),
                EL_EUSAGE, "max_seq_length is 5");
    el_features_release(&f);
    el_dataset_release(&d);
}

/* A longer window's 0.01 length counts where lengths differ by a hundred; a stride longer than a window leaves nothing out. */
static void windows_of_different_length(void **state)
{
    (void)state;
    char context[2 * 205 + 1] = "";
    el_dataset d;
    el_features f = {0};
    el_split split;
    open_small();
    for (int i = 0; i < 205; i++)
        strcat(context, "a ");
    CHECK_OK(el_dataset_open(&d, EL_SPAN, "made"));
    add_texts(&d, "b", context);
    const el_feature_settings settings = {.max_seq_length = 204, .max_query_length = 2, .doc_stride = 120};
    CHECK_OK(el_features_add(&f, &d, vocab, &settings, false, &split));
    assert_int_equal(f.count, 2);
    assert_int_equal(f.items[0].rows, 200);
    assert_int_equal(f.items[1].rows, 85);
    assert_int_equal(f.items[0].own_end, 161); /* piece 160: 39 + 2 against 40 + 0.85 */
    assert_int_equal(f.items[1].own, 41);
    assert_int_equal(f.items[1].own_end, 85);
    el_features_clear(&f);
    const el_feature_settings wide = {.max_seq_length = 104, .max_query_length = 2, .doc_stride = 120};
    CHECK_OK(el_features_add(&f, &d, vocab, &wide, false, &split));
    assert_int_equal(f.count, 3);
    assert_int_equal(f.items[1].row, f.items[0].row + 100);
    assert_int_equal(f.items[2].rows, 5);
    assert_int_equal(f.items[2].own_end, 5);
    el_features_release(&f);
    el_dataset_release(&d);
}

/* Windows of a text overlap by half where the stride is longer than that; the shorter text of a pair stands in each. */
static void windows_of_texts(void **state)
{
    (void)state;
    static const char *const ALONE[] = {"[CLS] a b c a [SEP]", "[CLS] c a b c [SEP]"},
                             *const PAIR[] = {"[CLS] c [SEP] a b [SEP]", "[CLS] c [SEP] b c [SEP]",
                                              "[CLS] c [SEP] c a [SEP]"};
    el_dataset d;
    el_features f = {0};
    el_split split;
    open_small();
    CHECK_OK(el_dataset_open(&d, EL_CLASSIFY, "made"));
    add_texts(&d, "a b c a b c", NULL);
    add_texts(&d, "c", "a b c a");
    const el_feature_settings settings = {.max_seq_length = 6, .doc_stride = 128, .windows = true};
    CHECK_OK(el_features_add(&f, &d, vocab, &settings, false, &split));
    assert_int_equal(f.lost.cut, 0);
    assert_int_equal(f.count, 5);
    for (int i = 0; i < 2; i++)
        check_pieces(&f, i, ALONE[i]);
    for (int i = 0; i < 3; i++)
        check_pieces(&f, 2 + i, PAIR[i]);
    el_features_release(&f);
    el_dataset_release(&d);
}

/* Time grows with the text, not with its square: with it, these took a minute. */
static void windows_of_a_long_text(void **state)
{
    (void)state;
    enum { PIECES = 1000000 };
    char *const context = malloc(2 * PIECES + 1);
    el_dataset d;
    el_features f = {0};
    el_split split;
    open_small();
    assert_non_null(context);
    for (int i = 0; i < PIECES; i++)
        memcpy(context + 2 * (size_t)i, "a ", 3);
    CHECK_OK(el_dataset_open(&d, EL_SPAN, "made"));
    add_texts(&d, "b", context);
    const el_feature_settings settings = {.max_seq_length = 384, .max_query_length = 2, .doc_stride = 128};
    const clock_t begin = clock();
    CHECK_OK(el_features_add(&f, &d, vocab, &settings, false, &split));
    const double seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;
    CHECK(seconds < 10, "%.1f s for %d pieces", seconds, PIECES);
    int next = 0;
    for (int i = 0; i < f.count; i++) {
        CHECK(f.items[i].from + f.items[i].own == next, "window %d has pieces from %d, not %d", i,
              f.items[i].from + f.items[i].own, next);
        next = f.items[i].from + f.items[i].own_end;
    }
    assert_int_equal(next, PIECES);
    el_features_release(&f);
    el_dataset_release(&d);
    free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_the_library),
        cmocka_unit_test(ties_pop_from_the_second),
        cmocka_unit_test(training_leaves_out_and_doubles),
        cmocka_unit_test(unknown_pieces_are_counted),
        cmocka_unit_test(every_word_has_a_row),
        cmocka_unit_test(questions_without_a_place),
        cmocka_unit_test(windows_of_different_length),
        cmocka_unit_test(windows_of_texts),
        cmocka_unit_test(windows_of_a_long_text),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    el_vocab_close(vocab);
    return failed;
}
