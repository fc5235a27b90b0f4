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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_normal),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_beyond_python),
        cmocka_unit_test(test_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
