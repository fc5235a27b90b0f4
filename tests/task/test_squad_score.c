/* Answers are normalised and scored as the scripts of SQuAD 1.1 and 2.0, KorQuAD and MRQA do. */
#include "task/goldens.h"

#include "task/score/squad_score.h"

static el_squad_rule rule_of(const json_t *c)
{
    static const char *const names[] = {"squad1", "squad2", "korquad", "mrqa"};
    for (int i = 0; i < 4; i++)
        if (strcmp(names[i], json_string_value(of(c, "rule"))) == 0)
            return (el_squad_rule)i;
    fail_msg("an unknown rule");
    return EL_SQUAD_1;
}

static void check_normal(const char *name, const json_t *c)
{
    char *normal;
    const char *const want = json_string_value(of(c, "normal"));
    CHECK_OK(el_squad_normalize(rule_of(c), json_string_value(of(c, "text")), &normal));
    CHECK(strcmp(normal, want) == 0, "%s: \"%s\", not \"%s\"", name, normal, want);
    free(normal);
}

static void test_normal(void **state)
{
    (void)state;
    each_case("normal.jsonl", 200, check_normal);
}

/* Adds a question and compares its own score. */
static void add_question(const char *name, el_squad_scores *scores, const json_t *question)
{
    enum { MOST = 8 };
    el_answer answers[MOST];
    const json_t *const texts = json_array_get(question, 1);
    const int count = (int)json_array_size(texts);
    CHECK(count <= MOST, "%s: %d answers", name, count);
    for (int i = 0; i < count; i++)
        answers[i] = (el_answer){.text = json_string_value(json_array_get(texts, (size_t)i))};
    const size_t before = scores->count;
    CHECK_OK(el_squad_scores_add(scores, json_string_value(json_array_get(question, 0)),
                                 real_of(json_array_get(question, 2)), answers, count));
    if (scores->count > before) {
        check_real(name, "exact", scores->items[before].exact, json_array_get(question, 3));
        check_real(name, "f1", scores->items[before].f1, json_array_get(question, 4));
    }
}

static void check_mean(const char *name, const char *what, el_squad_mean have, const json_t *want)
{
    check_real(name, what, (double)have.total, json_array_get(want, 0));
    check_real(name, what, have.exact, json_array_get(want, 1));
    check_real(name, what, have.f1, json_array_get(want, 2));
}

static void check_answers(const char *name, const json_t *c)
{
    el_squad_scores scores = {.rule = rule_of(c)};
    el_squad_best best;
    const json_t *const questions = of(c, "questions"), *const means = of(c, "means");
    const json_t *const threshold = of(c, "threshold"), *const bests = of(c, "best");
    for (size_t i = 0; i < json_array_size(questions); i++)
        add_question(name, &scores, json_array_get(questions, i));
    const el_squad_means have =
        el_squad_scores_means(&scores, json_is_null(threshold) ? INFINITY : real_of(threshold));
    check_mean(name, "all", have.all, json_array_get(means, 0));
    check_mean(name, "has answer", have.has_answer, json_array_get(means, 1));
    check_mean(name, "no answer", have.no_answer, json_array_get(means, 2));
    if (!json_is_null(bests)) {
        CHECK_OK(el_squad_scores_best(&scores, &best));
        check_real(name, "best exact", best.exact, json_array_get(bests, 0));
        check_real(name, "its threshold", best.exact_threshold, json_array_get(bests, 1));
        check_real(name, "best f1", best.f1, json_array_get(bests, 2));
        check_real(name, "its threshold", best.f1_threshold, json_array_get(bests, 3));
    }
    el_squad_scores_release(&scores);
}

static void test_answers(void **state)
{
    (void)state;
    each_case("answers.jsonl", 45, check_answers);
}

/* Broken bytes are characters like others. */
static void test_beyond_python(void **state)
{
    (void)state;
    static const char *const cases[][2] = {{"a \377b", "\357\277\275b"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *normal;
        CHECK_OK(el_squad_normalize(EL_SQUAD_1, cases[i][0], &normal));
        CHECK(strcmp(normal, cases[i][1]) == 0, "\"%s\", not \"%s\"", normal, cases[i][1]);
        free(normal);
    }
}

static void test_nothing(void **state)
{
    (void)state;
    el_squad_scores scores = {.rule = EL_SQUAD_2};
    el_squad_best best;
    CHECK_OK(el_squad_scores_best(&scores, &best));
    assert_true(best.exact == 0 && best.f1_threshold == 0);
    assert_true(el_squad_scores_means(&scores, 0).all.f1 == 0);
}

/* ---- many pairs: those of tools/golden_pairs.py, whose means these are ---- */

static const char *const CHARACTERS[] = {
    "Σ",  "σ",  "Σ",      "ς",      "Α",    "α",       "İ", "i",      "I", "ı", "ẞ", "ß", "A",  "a",
    "B",  "b",  "the ",   "The ",   " an ", " AN ",    " ", "\u00a0", ".", "-", "'", "‘", "《", "》",
    "가", "각", "\u1100", "\u1161", "é",    "e\u0301", "1", "０",     "²", "Ⅳ", "ⅳ", "_"};
enum { CHARACTER_COUNT = sizeof CHARACTERS / sizeof *CHARACTERS, PAIRS = 20000 };

static int below(uint64_t *state, int bound)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (int)((*state >> 33) % (uint64_t)bound);
}

static void make_pair(uint64_t *state, char predicted[64], char gold[64])
{
    int numbers[8];
    const int length = 1 + below(state, 8);
    *predicted = *gold = '\0';
    for (int i = 0; i < length; i++) {
        numbers[i] = below(state, CHARACTER_COUNT);
        strcat(predicted, CHARACTERS[numbers[i]]);
    }
    const int how = below(state, 3), others = how == 2 ? 1 + below(state, 5) : length;
    for (int i = 0; i < others; i++) {
        const int number = how == 0   ? numbers[i] ^ 1
                           : how == 1 ? numbers[i] ^ below(state, 2)
                                      : below(state, CHARACTER_COUNT);
        strcat(gold, CHARACTERS[number]);
    }
}

static void test_many_pairs(void **state)
{
    (void)state;
    static const struct {
        el_squad_rule rule;
        double exact, f1;
    } MEANS[] = {{EL_SQUAD_1, 0.1413, 0.14640059523809532}, {EL_KORQUAD, 0.1803, 0.4728168448170569}};
    for (int m = 0; m < 2; m++) {
        el_squad_scores scores = {.rule = MEANS[m].rule};
        uint64_t random = 38;
        for (int i = 0; i < PAIRS; i++) {
            char predicted[64], gold[64];
            make_pair(&random, predicted, gold);
            CHECK_OK(el_squad_scores_add(&scores, predicted, 0, &(el_answer){.text = gold}, 1));
        }
        const el_squad_mean have = el_squad_scores_means(&scores, INFINITY).all;
        CHECK(fabs(have.exact - MEANS[m].exact) < 1e-12 && fabs(have.f1 - MEANS[m].f1) < 1e-12,
              "rule %d: %.17g %.17g", (int)MEANS[m].rule, have.exact, have.f1);
        el_squad_scores_release(&scores);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_normal),        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_beyond_python), cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_many_pairs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
