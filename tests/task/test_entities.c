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

/* "lenient", "original" or a scheme; "-suffix" behind it: letters stand behind their types. */
static el_tagging how_of(const char *name)
{
    char scheme[32];
    const char *const dash = strchr(name, '-');
    snprintf(scheme, sizeof scheme, "%.*s", (int)(dash ? dash - name : (long)strlen(name)), name);
    const el_tag_scheme known = strcmp(scheme, "lenient") == 0    ? EL_TAGS_LENIENT
                                : strcmp(scheme, "original") == 0 ? EL_TAGS_ORIGINAL
                                                                  : el_tagging_named(scheme);
    CHECK(known != EL_TAGS_SCHEMES || strcmp(scheme, "lenient") == 0, "scheme %s", name);
    return (el_tagging){known, dash != NULL};
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
    el_entity_scores scores = {.how = how_of(json_string_value(of(c, "scheme")))};
    const json_t *const sentences = of(c, "sentences");
    for (size_t i = 0; i < json_array_size(sentences); i++)
        add_sentence(&scores, json_array_get(sentences, i));
    check_rates(name, "micro", el_entity_scores_micro(&scores), of(c, "micro"));
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
        CHECK_OK(el_entities_read(&entities, (el_tagging){cases[i].scheme, false}, tags, 7));
        for (size_t e = 0; e < entities.count; e++) {
            const el_entity *const x = &entities.items[e];
            snprintf(have + strlen(have), sizeof have - strlen(have), "%.*s %ld-%ld ", (int)x->bytes, x->type,
                     x->begin, x->end);
        }
        CHECK(strcmp(have, cases[i].spans) == 0, "scheme %d: %s not %s", cases[i].scheme, have,
              cases[i].spans);
    }
    CHECK_OK(
        el_entities_read(&entities, (el_tagging){EL_TAGS_ORIGINAL, false}, (const char *[]){"B-C-D"}, 1));
    assert_int_equal(entities.count, 1);
    assert_string_equal(entities.items[0].type, "D");
    el_entities_release(&entities);
}

/* The type is all behind the first hyphen: XX-YY and ZZ-YY are two (the figures are seqeval's). */
static void test_hyphens(void **state)
{
    (void)state;
    static const char *const gold[][4] = {{"B-XX-YY", "I-XX-YY", "O", "B-ZZ-YY"},
                                          {"B-org_gov", "I-org_gov", "B-org_com"}};
    static const char *const predicted[][4] = {{"B-XX-YY", "I-ZZ-YY", "O", "B-ZZ-YY"},
                                               {"B-org_gov", "I-org_gov", "B-org_gov"}};
    el_entity_scores lenient = {.how = {EL_TAGS_LENIENT, false}}, strict = {.how = {EL_TAGS_IOB2, false}};
    for (size_t i = 0; i < 2; i++) {
        CHECK_OK(el_entity_scores_add(&lenient, predicted[i], gold[i], 4 - i));
        CHECK_OK(el_entity_scores_add(&strict, predicted[i], gold[i], 4 - i));
    }
    const el_rates have = el_entity_scores_micro(&lenient);
    CHECK(fabs(have.precision - 0.4) < 1e-12 && fabs(have.recall - 0.5) < 1e-12 &&
              fabs(have.f1 - 4.0 / 9) < 1e-12,
          "%g %g %g", have.precision, have.recall, have.f1);
    CHECK(fabs(el_entity_scores_micro(&strict).f1 - 0.5) < 1e-12, "%g", el_entity_scores_micro(&strict).f1);
    el_entity_scores_release(&lenient);
    el_entity_scores_release(&strict);
}

/* Tags that are none of a scheme's are outside of every entity. */
static void test_strays(void **state)
{
    (void)state;
    el_entities entities = {0};
    static const char *const tags[] = {"B-A", "o", "B-A", "E-A", "PER", "", "B-A"};
    CHECK_OK(el_entities_read(&entities, (el_tagging){EL_TAGS_IOB2, false}, tags, 7));
    assert_int_equal(entities.count, 3);
    CHECK_OK(el_entities_read(&entities, (el_tagging){EL_TAGS_IOBES, false}, tags, 7));
    assert_int_equal(entities.count, 1);
    el_entities_release(&entities);
}

/* A data set of one sentence for each line of tags. */
static void make(el_dataset *d, el_labels *labels, const char *text)
{
    char copy[2048];
    CHECK_OK(el_dataset_open(d, EL_TAG, "made"));
    snprintf(copy, sizeof copy, "%s", text);
    char *rest = copy;
    for (char *line; (line = strsep(&rest, "/"));) {
        el_dataset_add(d, 1);
        for (char *word = strtok(line, " "); word; word = strtok(NULL, " "))
            CHECK_OK(el_dataset_add_word(d, word, strlen(word), el_labels_add(labels, word)));
    }
}

static void test_schemes(void **state)
{
    (void)state;
    static const struct {
        const char *tags;
        el_tag_scheme scheme;
        bool suffix;
    } CASES[] = {{"O B-A I-A O B-B/B-A B-A", EL_TAGS_IOB2, false},
                 {"O I-A I-A O I-B/I-A B-A I-A", EL_TAGS_IOB1, false},
                 {"O I-A I-A", EL_TAGS_IOB1, false},
                 {"O B-A O I-A", EL_TAGS_IOB2, false}, /* as many for it as against it */
                 {"O I-A E-A O E-B/E-A E-A", EL_TAGS_IOE2, false},
                 {"O I-A I-A O I-B/I-A E-A I-A O I-A", EL_TAGS_IOE1, false},
                 {"O B-A I-A E-A S-B", EL_TAGS_IOBES, false},
                 {"O B-A M-A E-A S-B", EL_TAGS_BMES, false},
                 {"O B-A I-A L-A U-B", EL_TAGS_BILOU, false},
                 {"O A-B A-I O B-B", EL_TAGS_IOB2, true},
                 {"O PER-B PER-M PER-E LOC-S", EL_TAGS_BMES, true},
                 {"O B I I O B", EL_TAGS_IOB2, false},
                 {"B M E S S", EL_TAGS_BMES, false},
                 {"O B-A-B I-A-B O B-A-B I-A-B", EL_TAGS_IOB2, false},
                 {"DET NOUN VERB NOUN", EL_TAGS_PLAIN, false},
                 {"DT NN VB-X -LRB-", EL_TAGS_PLAIN, false},
                 {"DT NN VB NN IN B-X", EL_TAGS_PLAIN, false},
                 {"O O", EL_TAGS_PLAIN, false},
                 {"O B-A I-A O B-B I-B/B-A I-A B-A I-A/o", EL_TAGS_IOB2, false}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        el_labels labels = {0};
        el_dataset d;
        const el_dataset *const all[] = {&d};
        el_tagging found;
        make(&d, &labels, CASES[i].tags);
        CHECK_OK(el_tagging_find(&found, &labels, all, 1, EL_TAGS_SCHEMES));
        CHECK(found.scheme == CASES[i].scheme && found.suffix == CASES[i].suffix, "%s: %s, %d", CASES[i].tags,
              el_tagging_name(found.scheme), found.suffix);
        CHECK_OK(el_tagging_find(&found, &labels, all, 1, EL_TAGS_IOE1));
        assert_int_equal(found.scheme, EL_TAGS_IOE1);
        el_dataset_release(&d);
        el_labels_release(&labels);
    }
    el_labels labels = {0};
    el_dataset d;
    const el_dataset *const all[] = {&d};
    el_tagging found;
    make(&d, &labels, "B-A NOUN B-A VERB");
    CHECK_FAILS(el_tagging_find(&found, &labels, all, 1, EL_TAGS_SCHEMES), EL_EDATA, "--tag-scheme");
    el_dataset_release(&d);
    el_labels_release(&labels);
}

/* A letter that comes once is the scheme's own among 200 tags, and a typing error among more. */
static void test_rare_letters(void **state)
{
    (void)state;
    for (int count = 200; count <= 201; count++) {
        char text[1024] = "E-A";
        el_labels labels = {0};
        el_dataset d;
        const el_dataset *const all[] = {&d};
        const el_tag_scheme scheme = count == 200 ? EL_TAGS_IOBES : EL_TAGS_IOB2;
        el_tagging found;
        for (int i = 1; i < count; i++)
            memcpy(text + 4 * i - 1, " B-A", 5);
        make(&d, &labels, text);
        CHECK_OK(el_tagging_find(&found, &labels, all, 1, EL_TAGS_SCHEMES));
        CHECK(found.scheme == scheme, "one E of %d tags: %s, not %s", count, el_tagging_name(found.scheme),
              el_tagging_name(scheme));
        el_dataset_release(&d);
        el_labels_release(&labels);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden), cmocka_unit_test(test_spans),   cmocka_unit_test(test_hyphens),
        cmocka_unit_test(test_strays), cmocka_unit_test(test_schemes), cmocka_unit_test(test_rare_letters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
