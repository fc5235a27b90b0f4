/* api - the public header alone: a tokenizer, both questions, and errors */
#include "check.h"

#include <math.h>

#include "electra.h"

#define API_OK(call) CHECK((call) == ELECTRA_OK, "%s", electra_error())

/* ids as the vocabulary has them; special names are plain characters here. */
static void test_tokenizer(void **state)
{
    (void)state;
    char path[128];
    electra_tokenizer *tokenizer = NULL;
    const int32_t *ids;
    size_t count;
    snprintf(path, sizeof path, "%s/generator", run);
    API_OK(electra_tokenizer_open(&tokenizer, path));
    assert_int_equal(electra_tokenizer_size(tokenizer), PIECES);
    API_OK(electra_tokenizer_encode(tokenizer, "Ab  c", 5, &ids, &count));
    assert_int_equal(count, 3);
    assert_string_equal(electra_tokenizer_piece(tokenizer, ids[0]), "a");
    assert_string_equal(electra_tokenizer_piece(tokenizer, ids[1]), "##b");
    API_OK(electra_tokenizer_encode(tokenizer, "[MASK]", 6, &ids, &count));
    assert_true(count != 1);
    assert_null(electra_tokenizer_piece(tokenizer, -1));
    assert_null(electra_tokenizer_piece(tokenizer, PIECES));
    electra_tokenizer_close(tokenizer);
}

/* Every piece has its place in the text, and probability and logit agree; guesses come best first. */
static void test_questions(void **state)
{
    (void)state;
    static const char text[] = "ab [MASK] c";
    electra_model *model = NULL;
    electra_session *session = NULL;
    const electra_piece *pieces;
    const electra_guess *guesses;
    size_t count, masks;
    API_OK(electra_model_open(&model, run, &(electra_options){.threads = 1}));
    API_OK(electra_session_open(&session, model));
    API_OK(electra_detect(session, text, strlen(text), &pieces, &count));
    assert_int_equal(count, 4);
    assert_string_equal(pieces[2].piece, "[MASK]");
    assert_int_equal(pieces[2].begin, 3);
    assert_int_equal(pieces[2].end, 9);
    for (size_t i = 0; i < count; i++)
        CHECK(fabsf(pieces[i].probability - 1 / (1 + expf(-pieces[i].logit))) < 1e-6F, "piece %zu: %g and %g",
              i, (double)pieces[i].probability, (double)pieces[i].logit);
    API_OK(electra_fill(session, text, strlen(text), 4, &guesses, &masks));
    assert_int_equal(masks, 1);
    for (int k = 1; k < 4; k++)
        assert_true(guesses[k].probability <= guesses[k - 1].probability);
    electra_session_close(session);
    electra_model_close(model);
}

/* Each failure has its status and a sentence, and leaves outputs alone. */
static void test_errors(void **state)
{
    (void)state;
    electra_model *model = NULL;
    electra_session *session = NULL;
    electra_tokenizer *tokenizer = NULL;
    const electra_guess *guesses = NULL;
    size_t masks = 7;
    assert_int_equal(electra_model_open(&model, "/nowhere", NULL), ELECTRA_DATA);
    assert_non_null(strstr(electra_error(), "/nowhere"));
    assert_null(model);
    assert_int_equal(electra_tokenizer_open(&tokenizer, "/nowhere/vocab.txt"), ELECTRA_DATA);
    assert_null(tokenizer);
    assert_int_equal(electra_model_open(&model, run, &(electra_options){.instruction_set = "z80"}),
                     ELECTRA_USAGE);
    assert_int_equal(electra_model_open(&model, run, &(electra_options){.threads = -1}), ELECTRA_USAGE);
    API_OK(electra_model_open(&model, run, NULL));
    API_OK(electra_session_open(&session, model));
    assert_int_equal(electra_fill(session, "[MASK]", 6, 0, &guesses, &masks), ELECTRA_USAGE);
    assert_int_equal(electra_fill(session, "[MASK]", 6, PIECES + 1, &guesses, &masks), ELECTRA_USAGE);
    assert_int_equal(masks, 7);
    electra_session_close(session);
    electra_model_close(model);
    electra_session_close(NULL);
    electra_model_close(NULL);
    electra_tokenizer_close(NULL);
    assert_true(electra_version()[0] >= '0' && strchr(electra_version(), '.'));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokenizer),
        cmocka_unit_test(test_questions),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, make_run, remove_run);
}
