/* Entities and their F1 equal seqeval's to 1e-12, by default and strictly, and the original's chunks. */
#include "task/goldens.h"

#include "task/score/entities.h"

static const char **tags_of(const json_t *list)
{
    const size_t count = json_array_size(list);
    const char **const tags = malloc((count + 1) * sizeof *tags);
    for (size_t i = 0; i < count; i++)
        tags[i] = json_string_value(json_array_get(list, i));
    return tags;
}

static el_tag_scheme scheme_of(const char *name)
{
    static const char *const names[] = {"lenient", "iob2", "iobes", "original"};
    for (int i = 0; i < 4; i++)
        if (strcmp(names[i], name) == 0)
            return (el_tag_scheme)i;
    fail_msg("scheme %s", name);
    return EL_TAGS_LENIENT;
}

static void add_sentence(el_entity_scores *scores, const json_t *pair)
{
    const json_t *const first = json_array_get(pair, 0);
    const char **const predicted = tags_of(first), **const gold = tags_of(json_array_get(pair, 1));
    CHECK_OK(el_entity_scores_add(scores, predicted, gold, json_array_size(first)));
    free(predicted);
    free(gold);
}

static void check_rates(const char *name, const char *what, el_rates have, const json_t *want)
{
    check_real(name, what, have.precision, json_array_get(want, 0));
    check_real(name, what, have.recall, json_array_get(want, 1));
    check_real(name, what, have.f1, json_array_get(want, 2));
}

static void check_types(const char *name, const el_entity_scores *scores, const json_t *types)
{
    CHECK(scores->type_count == json_object_size(types), "%s: %zu types, not %zu", name, scores->type_count,
          json_object_size(types));
    for (size_t i = 0; i < scores->type_count; i++) {
        const el_entity_type *const type = &scores->types[i];
        const json_t *const want = json_object_get(types, type->name);
        CHECK(want, "%s: there is no type %s", name, type->name);
        CHECK(i == 0 || strcmp(type[-1].name, type->name) < 0, "%s: %s is out of order", name, type->name);
        check_rates(name, type->name, el_rates_of(type->tally), want);
        check_real(name, type->name, (double)type->tally.gold, json_array_get(want, 3));
    }
}

static void check_case(const char *name, const json_t *c)
{
    el_entity_scores scores = {.scheme = scheme_of(json_string_value(of(c, "scheme")))};
    const json_t *const sentences = of(c, "sentences");
    for (size_t i = 0; i < json_array_size(sentences); i++)
        add_sentence(&scores, json_array_get(sentences, i));
    check_rates(name, "micro", el_entity_scores_micro(&scores), of(c, "micro"));
    check_rates(name, "macro", el_entity_scores_macro(&scores), of(c, "macro"));
    check_types(name, &scores, of(c, "types"));
    el_entity_scores_release(&scores);
}

static void test_golden(void **state)
{
    (void)state;
    each_case("entities.jsonl", 160, check_case);
}

static void test_spans(void **state)
{
    (void)state;
    static const char *const tags[] = {"I-A", "I-B", "B-B", "E-B", "I-A", "O", "S-C"};
    static const struct {
        el_tag_scheme scheme;
        const char *spans;
    } cases[] = {{EL_TAGS_LENIENT, "A 0-1 B 1-2 B 2-4 A 4-5 C 6-7 "},
                 {EL_TAGS_IOBES, "B 2-4 C 6-7 "},
                 {EL_TAGS_ORIGINAL, "B 0-2 A 2-5 C 6-7 "}};
    el_entities entities = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char have[128] = "";
        CHECK_OK(el_entities_read(&entities, cases[i].scheme, tags, 7));
        for (size_t e = 0; e < entities.count; e++) {
            const el_entity *const x = &entities.items[e];
            snprintf(have + strlen(have), sizeof have - strlen(have), "%.*s %zu-%zu ", (int)x->bytes, x->type,
                     x->begin, x->end);
        }
        CHECK(strcmp(have, cases[i].spans) == 0, "scheme %d: %s not %s", cases[i].scheme, have,
              cases[i].spans);
    }
    CHECK_OK(el_entities_read(&entities, EL_TAGS_ORIGINAL, (const char *[]){"B-C-D"}, 1));
    assert_int_equal(entities.count, 1);
    assert_string_equal(entities.items[0].type, "D");
    el_entities_release(&entities);
}

/* Where a scheme is strict, tags of another are refused. */
static void test_foreign_tags(void **state)
{
    (void)state;
    el_entities entities = {0};
    CHECK_FAILS(el_entities_read(&entities, EL_TAGS_IOB2, (const char *[]){"E-A"}, 1), EL_EDATA, "E-A");
    CHECK_FAILS(el_entities_read(&entities, EL_TAGS_IOBES, (const char *[]){"PER"}, 1), EL_EDATA, "PER");
    CHECK_FAILS(el_entities_read(&entities, EL_TAGS_IOBES, (const char *[]){""}, 1), EL_EDATA,
                "none of BIOES");
    CHECK_OK(el_entities_read(&entities, EL_TAGS_LENIENT, (const char *[]){"", "N", "V"}, 3));
    assert_int_equal(entities.count, 0);
    el_entities_release(&entities);
}

static void test_schemes(void **state)
{
    (void)state;
    assert_int_equal(el_tag_scheme_of((const char *[]){"O", "B-A", "I-A"}, 3), EL_TAGS_IOB2);
    assert_int_equal(el_tag_scheme_of((const char *[]){"B-A", "E-A", "I-A", "S-A"}, 4), EL_TAGS_IOBES);
    assert_int_equal(el_tag_scheme_of((const char *[]){"O", "I-A", "I-B"}, 3), EL_TAGS_LENIENT);
    assert_int_equal(el_tag_scheme_of((const char *[]){"O", "B-A", "BAD"}, 3), EL_TAGS_LENIENT);
    assert_int_equal(el_tag_scheme_of((const char *[]){"O"}, 1), EL_TAGS_LENIENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_spans),
        cmocka_unit_test(test_foreign_tags),
        cmocka_unit_test(test_schemes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
