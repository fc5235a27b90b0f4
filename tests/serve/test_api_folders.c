/* Model folders as people have them, asked through electra.h alone: as transformers does with them
 * (tools/golden_folders.py), and the same bits alone and in a batch. */
#include "serve/check.h"

#include <math.h>

#include "base/json.h"
#include "electra.h"

static const double CLOSE = 1e-5;

typedef struct {
    json_t *lines[4];
    int count;
    const char *folder, *is;
} group; /* lines of one folder that ask the same */

static const char *text_of(const json_t *line, const char *key)
{
    return json_string_value(json_object_get(line, key));
}

static electra_text text(const json_t *line, const char *key)
{
    const char *const found = text_of(line, key);
    return (electra_text){found, found ? strlen(found) : 0};
}

static void check_numbers(const json_t *line, const char *what, const float *have, size_t count)
{
    const json_t *const numbers = json_object_get(line, "numbers");
    CHECK(json_array_size(numbers) == count, "%s: %zu numbers, not %zu", what, count,
          json_array_size(numbers));
    for (size_t i = 0; i < count; i++) {
        const double want = json_number_value(json_array_get(numbers, i));
        CHECK(fabs((double)have[i] - want) < CLOSE, "%s of \"%s\": number %zu is %.9g, not %.9g", what,
              text_of(line, "text"), i, (double)have[i], want);
    }
}

/* ---- a question each ---- */

typedef struct {
    electra_model *model;
    electra_session *session;
} asked;

static void ask_detect(const asked *a, const group *g, const electra_text *texts)
{
    const electra_piece *pieces;
    const size_t *starts;
    float all[64];
    API_OK(electra_detect_batch(a->session, texts, (size_t)g->count, &pieces, &starts));
    for (int i = 0; i < g->count; i++) {
        for (size_t p = starts[i]; p < starts[i + 1]; p++)
            all[p - starts[i]] = pieces[p].probability;
        check_numbers(g->lines[i], "detect", all, starts[i + 1] - starts[i]);
    }
}

static void ask_fill(const asked *a, const group *g, const electra_text *texts)
{
    const electra_guess *guesses;
    const size_t *starts;
    float all[5];
    API_OK(electra_fill_batch(a->session, texts, (size_t)g->count, 5, &guesses, &starts));
    for (int i = 0; i < g->count; i++) {
        assert_int_equal(starts[i + 1] - starts[i], 1);
        for (int k = 0; k < 5; k++) {
            const electra_guess *const guess = &guesses[starts[i] * 5 + (size_t)k];
            const json_t *const pieces = json_object_get(g->lines[i], "pieces");
            assert_string_equal(guess->piece, json_string_value(json_array_get(pieces, (size_t)k)));
            all[k] = guess->probability;
        }
        check_numbers(g->lines[i], "fill", all, 5);
    }
}

/* One by one, because not every line is a pair; then those of both kinds alike together. */
static void ask_embed(const asked *a, const group *g, const electra_text *texts)
{
    electra_embedding how = ELECTRA_EMBEDDING_INIT;
    const float *vectors;
    size_t width;
    how.pooling = strcmp(g->is, "sentence") == 0 ? ELECTRA_POOL_DEFAULT : ELECTRA_POOL_MEAN;
    for (int i = 0; i < g->count; i++) {
        const electra_text second = text(g->lines[i], "b");
        API_OK(electra_embed(a->session, &texts[i], second.text ? &second : NULL, 1, &how, &vectors, &width));
        check_numbers(g->lines[i], "embed", vectors, width);
    }
    float alone[2][64];
    for (int i = 0; i < 2; i++) {
        API_OK(electra_embed(a->session, &texts[i], NULL, 1, &how, &vectors, &width));
        memcpy(alone[i], vectors, width * sizeof *vectors);
    }
    API_OK(electra_embed(a->session, texts, NULL, 2, &how, &vectors, &width));
    for (size_t i = 0; i < 2; i++)
        CHECK(memcmp(vectors + i * width, alone[i], width * sizeof *vectors) == 0,
              "%s: text %zu has another vector in a batch", g->folder, i);
}

static void ask_classes(const asked *a, const group *g, const electra_text *texts)
{
    electra_info info = ELECTRA_INFO_INIT;
    API_OK(electra_model_info(a->model, &info));
    for (int i = 0; i < g->count; i++) {
        const electra_text second = text(g->lines[i], "b");
        const float *probabilities;
        const int32_t *labels;
        API_OK(electra_classify(a->session, &texts[i], second.text ? &second : NULL, 1, &probabilities,
                                &labels));
        check_numbers(g->lines[i], "classify", probabilities, (size_t)info.labels);
        for (int l = 0; l < info.labels; l++)
            assert_true(probabilities[l] <= probabilities[labels[0]]);
    }
}

static void ask_tags(const asked *a, const group *g, const electra_text *texts)
{
    const electra_word *words;
    const electra_entity *entities;
    const size_t *starts;
    float all[64];
    API_OK(electra_tag(a->session, texts, (size_t)g->count, &words, &starts));
    for (int i = 0; i < g->count; i++) {
        const json_t *const tags = json_object_get(g->lines[i], "tags");
        for (size_t w = starts[i]; w < starts[i + 1]; w++) {
            all[w - starts[i]] = words[w].probability;
            assert_string_equal(electra_model_label(a->model, words[w].label),
                                json_string_value(json_array_get(tags, w - starts[i])));
            assert_int_equal(texts[i].text[words[w].begin], 'w');
            assert_true(words[w].end == texts[i].bytes || texts[i].text[words[w].end] == ' ');
        }
        check_numbers(g->lines[i], "tag", all, starts[i + 1] - starts[i]);
    }
    /* "LABEL_2" is a tag of type "ABEL_2" to seqeval: every text is full of entities */
    API_OK(electra_entities(a->session, texts, (size_t)g->count, &entities, &starts));
    for (int i = 0; i < g->count; i++) {
        assert_true(starts[i + 1] > starts[i]);
        assert_int_equal(entities[starts[i]].begin, 0);
        assert_int_equal(entities[starts[i + 1] - 1].end, texts[i].bytes);
    }
}

static void ask_answers(const asked *a, const group *g, const electra_text *contexts)
{
    electra_text questions[4];
    const electra_span *spans;
    const size_t *starts;
    const electra_reply *replies;
    for (int i = 0; i < g->count; i++)
        questions[i] = text(g->lines[i], "question");
    API_OK(electra_answer(a->session, questions, contexts, (size_t)g->count, 3, &spans, &starts, &replies));
    for (int i = 0; i < g->count; i++) {
        const electra_span best = spans[starts[i]];
        const electra_text want = text(g->lines[i], "answer");
        assert_true(starts[i + 1] - starts[i] <= 3 && replies[i].answered);
        CHECK(best.end - best.begin == want.bytes &&
                  memcmp(contexts[i].text + best.begin, want.text, want.bytes) == 0,
              "%s: \"%.*s\", not \"%s\"", g->folder, (int)(best.end - best.begin),
              contexts[i].text + best.begin, want.text);
    }
}

static const struct {
    const char *is;
    unsigned can;
    void (*ask)(const asked *a, const group *g, const electra_text *texts);
} QUESTIONS[] = {{"detect", ELECTRA_CAN_DETECT, ask_detect},      {"fill", ELECTRA_CAN_FILL, ask_fill},
                 {"embed", ELECTRA_CAN_EMBED, ask_embed},         {"sentence", ELECTRA_CAN_EMBED, ask_embed},
                 {"sequence", ELECTRA_CAN_CLASSIFY, ask_classes}, {"token", ELECTRA_CAN_TAG, ask_tags},
                 {"span", ELECTRA_CAN_ANSWER, ask_answers}};
enum { QUESTION_KINDS = sizeof QUESTIONS / sizeof *QUESTIONS };

/* What a model cannot, it refuses, however many texts there are. */
static void check_refusals(electra_session *s, unsigned can, size_t count)
{
    const electra_text one = {"w1", 2};
    const void *answer;
    const size_t *starts;
    const int32_t *labels;
    const electra_reply *replies;
    for (int bit = ELECTRA_CAN_DETECT; bit <= ELECTRA_CAN_ANSWER; bit *= 2) {
        if (bit == ELECTRA_CAN_EMBED || bit == ELECTRA_CAN_REGRESS || (can & (unsigned)bit))
            continue;
        const electra_status status =
            bit == ELECTRA_CAN_DETECT     ? electra_detect_batch(s, &one, count, (void *)&answer, &starts)
            : bit == ELECTRA_CAN_FILL     ? electra_fill_batch(s, &one, count, 1, (void *)&answer, &starts)
            : bit == ELECTRA_CAN_CLASSIFY ? electra_classify(s, &one, NULL, count, (void *)&answer, &labels)
            : bit == ELECTRA_CAN_TAG
                ? electra_tag(s, &one, count, (void *)&answer, &starts)
                : electra_answer(s, &one, &one, count, 1, (void *)&answer, &starts, &replies);
        CHECK(status == ELECTRA_USAGE, "question %d of %zu texts of a model that can %u: status %d", bit,
              count, can, status);
    }
}

static void ask(const group *g)
{
    char folder[512];
    electra_model *model = NULL;
    electra_session *session = NULL;
    electra_info info = ELECTRA_INFO_INIT;
    electra_text texts[4];
    electra_options options = ELECTRA_OPTIONS_INIT;
    options.threads = 1;
    options.batch_tokens = 64;
    snprintf(folder, sizeof folder, "%s/golden/folders/%s", TEST_DATA, g->folder);
    API_OK(electra_model_open(&model, folder, &options));
    API_OK(electra_session_open(&session, model));
    API_OK(electra_model_info(model, &info));
    for (int i = 0; i < g->count; i++)
        texts[i] = text(g->lines[i], "text");
    for (int k = 0; k < QUESTION_KINDS; k++)
        if (strcmp(g->is, QUESTIONS[k].is) == 0) {
            CHECK(info.can & QUESTIONS[k].can, "%s: it can only %u", g->folder, info.can);
            QUESTIONS[k].ask(&(asked){model, session}, g, texts);
        }
    check_refusals(session, info.can, 1);
    check_refusals(session, info.can, 0);
    electra_session_close(session);
    electra_model_close(model);
}

static void test_folders(void **state)
{
    (void)state;
    FILE *const file = fopen(TEST_DATA "/golden/folders.jsonl", "r");
    char line[4096];
    group g = {.count = 0};
    int lines = 0;
    assert_non_null(file);
    for (bool more = true; more;) {
        json_t *object = NULL;
        more = fgets(line, sizeof line, file) != NULL;
        if (more)
            CHECK_OK(el_json_parse(&object, line, strlen(line), "folders.jsonl"));
        if (g.count && (!more || strcmp(g.folder, text_of(object, "folder")) != 0 ||
                        strcmp(g.is, text_of(object, "is")) != 0)) {
            ask(&g);
            lines += g.count;
            while (g.count)
                json_decref(g.lines[--g.count]);
        }
        if (more) {
            g.folder = text_of(object, "folder");
            g.is = text_of(object, "is");
            g.lines[g.count++] = object;
        }
    }
    assert_int_equal(lines, 44);
    fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_folders)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
