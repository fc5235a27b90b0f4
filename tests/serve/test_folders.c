/* Model folders as people have them answer as transformers does with them (tools/golden_folders.py). */
#include "serve/check.h"

#include <math.h>

#include "base/json.h"
#include "serve/session.h"
#include "task/learn/embedder.h"
#include "task/learn/finetuned.h"

static const double CLOSE = 1e-5;

static const char *text_of(const json_t *line, const char *key)
{
    return json_string_value(json_object_get(line, key));
}

static void check_number(const json_t *line, size_t at, double have)
{
    const double want = json_number_value(json_array_get(json_object_get(line, "numbers"), at));
    CHECK(fabs(have - want) < CLOSE, "%s, %s of \"%s\": number %zu is %.9g, not %.9g",
          text_of(line, "folder"), text_of(line, "is"), text_of(line, "text"), at, have, want);
}

static void check_count(const json_t *line, int have)
{
    const size_t want = json_array_size(json_object_get(line, "numbers"));
    CHECK((size_t)have == want, "%s, %s: %d numbers, not %zu", text_of(line, "folder"), text_of(line, "is"),
          have, want);
}

/* ---- one of pre-training's questions ---- */

static void check_session(const json_t *line, const char *folder)
{
    const char *const text = text_of(line, "text");
    const bool fill = strcmp(text_of(line, "is"), "fill") == 0;
    const el_load_settings settings = {
        .generator = fill, .discriminator = !fill, .precision = EL_PRECISION_FP32, .threads = 1};
    el_loaded *loaded;
    el_session *session;
    el_detection detection;
    el_filling filling;
    CHECK(el_loaded_open(&loaded, folder, &settings) == EL_OK, "%s: %s", folder, el_error());
    CHECK_OK(el_session_open(&session, loaded));
    if (fill) {
        CHECK_OK(el_session_fill(session, text, strlen(text), 5, &filling));
        assert_int_equal(filling.slots, 1);
        check_count(line, filling.top_k);
        for (int i = 0; i < filling.top_k; i++) {
            const char *const want =
                json_string_value(json_array_get(json_object_get(line, "pieces"), (size_t)i));
            assert_string_equal(loaded->vocab->pieces[filling.guess[i].id], want);
            check_number(line, (size_t)i, filling.guess[i].probability);
        }
    } else {
        CHECK_OK(el_session_detect(session, text, strlen(text), &detection));
        check_count(line, detection.count);
        for (int i = 0; i < detection.count; i++)
            check_number(line, (size_t)i, 1 / (1 + exp(-(double)detection.logits[i])));
    }
    el_session_close(session);
    el_loaded_close(loaded);
}

/* ---- a vector, or a task's question ---- */

static void add_example(el_dataset *d, const json_t *line)
{
    const char *const text = text_of(line, "text");
    el_labelled *const e = el_dataset_add(d, 1);
    assert_non_null(e);
    e->text[0] = text_of(line, "question") ? text_of(line, "question") : text;
    e->text[1] = text_of(line, "question") ? text : text_of(line, "b");
    for (const char *word = text; d->kind == EL_TAG && *word;) {
        const size_t length = strcspn(word, " ");
        CHECK_OK(el_dataset_add_word(d, word, length, -1));
        word += length + (word[length] == ' ');
    }
}

static void check_vector(const json_t *line, const char *folder, el_queue *q)
{
    el_embedder *embedder;
    el_dataset d;
    const float *vectors;
    const bool as_said = strcmp(text_of(line, "is"), "sentence") == 0;
    const el_embedder_settings settings = {.pooling = as_said ? EL_POOL_AS_SAID : EL_POOL_MEAN,
                                           .batch_tokens = 64};
    CHECK(el_embedder_open(&embedder, q, EL_F32, folder, &settings) == EL_OK, "%s: %s", folder, el_error());
    CHECK_OK(el_dataset_open(&d, EL_CLASSIFY, folder));
    add_example(&d, line);
    CHECK_OK(el_embedder_ask(embedder, &d, &vectors));
    check_count(line, el_embedder_width(embedder));
    for (int i = 0; i < el_embedder_width(embedder); i++)
        check_number(line, (size_t)i, (double)vectors[i]);
    el_dataset_release(&d);
    el_embedder_close(embedder);
}

static void check_prediction(const json_t *line, const el_prediction *p, const el_labels *labels)
{
    const json_t *const tags = json_object_get(line, "tags");
    const char *const answer = text_of(line, "answer");
    for (size_t i = 0; i < json_array_size(json_object_get(line, "numbers")); i++)
        check_number(line, i, (double)p->probabilities[i]);
    for (size_t i = 0; i < json_array_size(tags); i++)
        assert_string_equal(labels->names[p->tags[i]], json_string_value(json_array_get(tags, i)));
    if (answer) {
        assert_true(p->answer_count > 0);
        CHECK(strlen(answer) == (size_t)(p->answers[0].end - p->answers[0].begin) &&
                  strncmp(answer, p->answers[0].text, strlen(answer)) == 0,
              "%s: \"%.*s\", not \"%s\"", text_of(line, "folder"),
              (int)(p->answers[0].end - p->answers[0].begin), p->answers[0].text, answer);
    }
}

static void check_task(const json_t *line, const char *folder, el_queue *q)
{
    el_finetuned f;
    el_dataset d;
    const el_prediction *p;
    int count;
    CHECK(el_finetuned_open(&f, q, EL_F32, 64, folder) == EL_OK, "%s: %s", folder, el_error());
    CHECK_OK(el_dataset_open(&d, f.card.kind, folder));
    add_example(&d, line);
    CHECK_OK(el_finetuned_ask(&f, &d, &p, &count));
    assert_int_equal(count, 1);
    check_prediction(line, p, &f.card.labels);
    el_dataset_release(&d);
    el_finetuned_close(&f);
}

static void check_line(const json_t *line)
{
    const char *const is = text_of(line, "is");
    char folder[512];
    snprintf(folder, sizeof folder, "%s/golden/folders/%s", TEST_DATA, text_of(line, "folder"));
    if (strcmp(is, "fill") == 0 || strcmp(is, "detect") == 0) {
        check_session(line, folder);
        return;
    }
    el_queue *q;
    CHECK_OK(el_queue_open(&q, 1, NULL));
    if (strcmp(is, "embed") == 0 || strcmp(is, "sentence") == 0)
        check_vector(line, folder, q);
    else
        check_task(line, folder, q);
    el_queue_close(q);
}

static void test_folders_answer_as_transformers_does(void **state)
{
    (void)state;
    FILE *const lines = fopen(TEST_DATA "/golden/folders.jsonl", "r");
    char text[4096];
    int count = 0;
    assert_non_null(lines);
    for (; fgets(text, sizeof text, lines); count++) {
        json_t *line;
        CHECK_OK(el_json_parse(&line, text, strlen(text), "folders.jsonl"));
        check_line(line);
        json_decref(line);
    }
    assert_int_equal(count, 44);
    fclose(lines);
}

static void test_a_model_of_one_segment_reads_no_pairs(void **state)
{
    (void)state;
    el_feature pair = {.count = 5, .second = 3};
    const el_features features = {.items = &pair, .count = 1};
    assert_int_equal(el_features_check(&features, 2), EL_OK);
    assert_int_equal(el_features_check(&features, 1), EL_EDATA);
    CHECK(strstr(el_error(), "type_vocab_size 1"), "%s", el_error());
    pair.second = pair.count; /* a single text */
    assert_int_equal(el_features_check(&features, 1), EL_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_folders_answer_as_transformers_does),
        cmocka_unit_test(test_a_model_of_one_segment_reads_no_pairs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
