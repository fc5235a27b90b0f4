/* Figures equal scikit-learn's and scipy's to 1e-12 on random and degenerate predictions. */
#include "task/goldens.h"

#include "task/score/metrics.h"

static int *ints_of(const json_t *list)
{
    const size_t count = json_array_size(list);
    int *const values = malloc((count + 1) * sizeof *values);
    for (size_t i = 0; i < count; i++)
        values[i] = (int)json_integer_value(json_array_get(list, i));
    return values;
}

static double *reals_of(const json_t *list)
{
    const size_t count = json_array_size(list);
    double *const values = malloc((count + 1) * sizeof *values);
    for (size_t i = 0; i < count; i++)
        values[i] = real_of(json_array_get(list, i));
    return values;
}

static void check_rates(const char *name, const char *what, el_rates have, const json_t *want)
{
    char which[64];
    const double values[] = {have.precision, have.recall, have.f1};
    static const char *const names[] = {"precision", "recall", "F1"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(which, sizeof which, "%s %s", what, names[i]);
        check_real(name, which, values[i], json_array_get(want, i));
    }
}

static void check_classes(const char *name, const json_t *c)
{
    const size_t count = json_array_size(of(c, "gold"));
    const int labels = (int)json_integer_value(of(c, "labels"));
    int *const predicted = ints_of(of(c, "predicted")), *const gold = ints_of(of(c, "gold"));
    size_t *const confusion = malloc((size_t)(labels * labels) * sizeof *confusion);
    check_real(name, "accuracy", el_accuracy(predicted, gold, count), of(c, "accuracy"));
    check_real(name, "Matthews", el_matthews(predicted, gold, count, labels), of(c, "matthews"));
    check_rates(name, "macro", el_macro_rates(predicted, gold, count, labels), of(c, "macro"));
    el_confusion(predicted, gold, count, labels, confusion);
    for (int label = 0; label < labels; label++) {
        const json_t *const row = json_array_get(of(c, "confusion"), (size_t)label);
        check_rates(name, "label", el_label_rates(predicted, gold, count, label),
                    json_array_get(of(c, "rates"), (size_t)label));
        for (int other = 0; other < labels; other++)
            check_real(name, "confusion", (double)confusion[label * labels + other],
                       json_array_get(row, (size_t)other));
    }
    free(predicted);
    free(gold);
    free(confusion);
}

static void check_multilabel(const char *name, const json_t *c)
{
    const size_t all = json_array_size(of(c, "gold"));
    const int labels = (int)json_integer_value(of(c, "labels"));
    int *const predicted = ints_of(of(c, "predicted")), *const gold = ints_of(of(c, "gold"));
    check_rates(name, "macro", el_multilabel_macro_rates(predicted, gold, all / (size_t)labels, labels),
                of(c, "macro"));
    check_rates(name, "micro", el_label_rates(predicted, gold, all, 1), of(c, "micro"));
    free(predicted);
    free(gold);
}

static void check_numbers(const char *name, const json_t *c)
{
    const size_t count = json_array_size(of(c, "x"));
    double *const x = reals_of(of(c, "x")), *const y = reals_of(of(c, "y")), spearman;
    CHECK_OK(el_spearman(x, y, count, &spearman));
    check_real(name, "Pearson", el_pearson(x, y, count), of(c, "pearson"));
    check_real(name, "Spearman", spearman, of(c, "spearman"));
    check_real(name, "error", el_mean_squared_error(x, y, count), of(c, "error"));
    free(x);
    free(y);
}

static void check_case(const char *name, const json_t *c)
{
    const char *const is = json_string_value(of(c, "is"));
    if (strcmp(is, "classes") == 0)
        check_classes(name, c);
    else if (strcmp(is, "multilabel") == 0)
        check_multilabel(name, c);
    else
        check_numbers(name, c);
}

static void test_golden(void **state)
{
    (void)state;
    each_case("metrics.jsonl", 140, check_case);
}

/* Of nothing: counts make 0, means NaN. */
static void test_nothing(void **state)
{
    (void)state;
    double spearman;
    assert_true(isnan(el_accuracy(NULL, NULL, 0)));
    assert_true(isnan(el_macro_rates(NULL, NULL, 0, 3).f1));
    assert_true(isnan(el_mean_squared_error(NULL, NULL, 0)));
    assert_true(isnan(el_pearson(NULL, NULL, 0)));
    CHECK_OK(el_spearman(NULL, NULL, 0, &spearman));
    assert_true(isnan(spearman));
    assert_true(el_matthews(NULL, NULL, 0, 3) == 0);
}

/* Squares of large and small numbers do not leave the range. */
static void test_range(void **state)
{
    (void)state;
    const double x[] = {1, 2, 4}, y[] = {3, 3, 5}, large[] = {1e200, 2e200, 4e200},
                 small[] = {3e-200, 3e-200, 5e-200};
    CHECK(fabs(el_pearson(large, small, 3) - el_pearson(x, y, 3)) < 1e-12, "scaled %g, plain %g",
          el_pearson(large, small, 3), el_pearson(x, y, 3));
}

/* What is not a number, or beyond all numbers, correlates with nothing; ranks do not mind the latter. */
static void test_not_finite(void **state)
{
    (void)state;
    const double x[] = {1, 2, 3}, lost[] = {3, NAN, 1}, endless[] = {1, 2, INFINITY};
    double spearman;
    assert_true(isnan(el_pearson(x, lost, 3)));
    assert_true(isnan(el_pearson(x, endless, 3)));
    CHECK_OK(el_spearman(x, lost, 3, &spearman));
    assert_true(isnan(spearman));
    CHECK_OK(el_spearman(x, endless, 3, &spearman));
    CHECK(fabs(spearman - 1) < 1e-12, "ranks correlate by %g", spearman);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_range),
        cmocka_unit_test(test_not_finite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
