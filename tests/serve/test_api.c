/* api - the public header alone: a tokenizer, both questions, batches, files of tensors, and errors */
#include "check.h"

#include <math.h>

#include "electra.h"

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

static electra_text text(const char *string)
{
    return (electra_text){string, strlen(string)};
}

/* Offsets are bytes of each text; an empty one has no pieces, NULL or not. */
static void test_tokenizer_batch(void **state)
{
    (void)state;
    char path[128];
    electra_tokenizer *tokenizer = NULL;
    const electra_token *tokens;
    const size_t *starts;
    const electra_text texts[] = {text("ab \xc3\x84"
                                       "c"),
                                  {NULL, 0},
                                  text("c")};
    snprintf(path, sizeof path, "%s/generator", run);
    API_OK(electra_tokenizer_open(&tokenizer, path));
    API_OK(electra_tokenizer_encode_batch(tokenizer, texts, 3, &tokens, &starts));
    assert_int_equal(starts[1], 4);
    assert_int_equal(starts[2], 4);
    assert_int_equal(starts[3], 5);
    assert_int_equal(tokens[2].begin, 3); /* the letter with its accent, two bytes */
    assert_int_equal(tokens[2].end, 5);
    assert_int_equal(tokens[4].begin, 0);
    assert_int_equal(tokens[4].id, electra_tokenizer_find(tokenizer, "c"));
    assert_int_equal(electra_tokenizer_find(tokenizer, "nowhere"), -1);
    API_OK(electra_tokenizer_encode_batch(tokenizer, NULL, 0, &tokens, &starts));
    assert_int_equal(starts[0], 0);
    electra_tokenizer_close(tokenizer);
}

/* What is asked of many texts is what is asked of each, to the bit. */
static void test_batches(void **state)
{
    (void)state;
    const electra_text texts[] = {text("ab [MASK] c"), {NULL, 0}, text("[MASK][MASK]")};
    electra_model *model = NULL;
    electra_session *all = NULL, *one = NULL;
    const electra_piece *pieces, *alone;
    const electra_guess *guesses, *guess;
    const size_t *starts;
    size_t count, masks;
    API_OK(electra_model_open(&model, run, &(electra_options){.threads = 1}));
    API_OK(electra_session_open(&all, model));
    API_OK(electra_session_open(&one, model));
    API_OK(electra_detect_batch(all, texts, 3, &pieces, &starts));
    for (int i = 0; i < 3; i++) {
        API_OK(electra_detect(one, texts[i].text, texts[i].bytes, &alone, &count));
        assert_int_equal(count, starts[i + 1] - starts[i]);
        for (size_t p = 0; p < count; p++) {
            const electra_piece *const together = &pieces[starts[i] + p];
            assert_true(alone[p].logit == together->logit && alone[p].id == together->id);
            assert_true(alone[p].begin == together->begin && alone[p].end == together->end);
        }
    }
    API_OK(electra_fill_batch(all, texts, 3, 4, &guesses, &starts));
    assert_int_equal(starts[3], 3);
    for (int i = 0; i < 3; i++) {
        API_OK(electra_fill(one, texts[i].text, texts[i].bytes, 4, &guess, &masks));
        assert_int_equal(masks, starts[i + 1] - starts[i]);
        assert_memory_equal(guess, guesses + 4 * starts[i], 4 * masks * sizeof *guess);
    }
    electra_session_close(one);
    electra_session_close(all);
    electra_model_close(model);
}

/* A cancel ends one question, also one that comes after it, and the session goes on. */
static void test_cancelled(void **state)
{
    (void)state;
    const electra_text texts[] = {text("ab"), text("c")};
    electra_model *model = NULL;
    electra_session *session = NULL;
    const electra_piece *pieces = NULL;
    const float *vectors;
    const size_t *starts;
    size_t width;
    API_OK(electra_model_open(&model, run, NULL));
    API_OK(electra_session_open(&session, model));
    electra_session_cancel(session);
    assert_int_equal(electra_detect_batch(session, texts, 2, &pieces, &starts), ELECTRA_STOPPED);
    assert_null(pieces);
    API_OK(electra_detect_batch(session, texts, 2, &pieces, &starts));
    electra_session_cancel(session);
    assert_int_equal(electra_embed(session, texts, NULL, 2, NULL, &vectors, &width), ELECTRA_STOPPED);
    API_OK(electra_embed(session, texts, NULL, 2, NULL, &vectors, &width));
    electra_session_close(session);
    electra_model_close(model);
}

/* Structs of other versions: a shorter one has zeros behind it, a longer one may be longer by zeros. */
static void test_sizes(void **state)
{
    (void)state;
    struct {
        electra_options known;
        int unknown;
    } longer = {.known = {.size = sizeof longer, .threads = 1}};
    const electra_options shorter = {.size = offsetof(electra_options, precision), .precision = 77};
    electra_model *model = NULL;
    API_OK(electra_model_open(&model, run, &longer.known));
    electra_info info = {.size = offsetof(electra_info, labels), .labels = 7};
    API_OK(electra_model_info(model, &info));
    assert_int_equal(info.can, ELECTRA_CAN_DETECT | ELECTRA_CAN_FILL | ELECTRA_CAN_EMBED);
    assert_int_equal(info.labels, 7);
    electra_model_close(model);
    API_OK(electra_model_open(&model, run, &shorter));
    info = (electra_info)ELECTRA_INFO_INIT;
    API_OK(electra_model_info(model, &info));
    assert_int_equal(info.labels, 0);
    assert_int_equal(info.vocab_size, PIECES);
    assert_int_equal(info.longest, PLACES);
    assert_true(info.parameters > 0 && !info.bfloat16 && !info.task);
    electra_model_close(model);
    longer.unknown = 1;
    assert_int_equal(electra_model_open(&model, run, &longer.known), ELECTRA_USAGE);
}

enum { WIDTH = 32 }; /* of the golden networks */

static void embed_as(electra_precision precision, float *vector)
{
    const electra_text one = text("ab c");
    electra_model *model = NULL;
    electra_session *session = NULL;
    const float *found;
    size_t width;
    API_OK(electra_model_open(&model, run, &(electra_options){.threads = 1, .precision = precision}));
    API_OK(electra_session_open(&session, model));
    API_OK(electra_embed(session, &one, NULL, 1, NULL, &found, &width));
    assert_int_equal(width, WIDTH);
    memcpy(vector, found, sizeof(float[WIDTH]));
    electra_session_close(session);
    electra_model_close(model);
}

/* Every precision gives vectors near those of float, and int8 others; what is none is refused. */
static void test_precisions(void **state)
{
    (void)state;
    float exact[WIDTH], other[WIDTH];
    electra_model *model = NULL;
    embed_as(ELECTRA_FLOAT, exact);
    for (int precision = ELECTRA_BFLOAT16; precision <= ELECTRA_INT8; precision++) {
        float apart = 0;
        embed_as((electra_precision)precision, other);
        for (int i = 0; i < WIDTH; i++)
            apart = fmaxf(apart, fabsf(exact[i] - other[i]));
        CHECK(apart < 0.2f && (precision != ELECTRA_INT8 || apart > 0), "precision %d is %g apart", precision,
              (double)apart);
    }
    const electra_options none = {.precision = (electra_precision)(ELECTRA_INT8 + 1)};
    assert_int_equal(electra_model_open(&model, run, &none), ELECTRA_USAGE);
}

/* A file that is written is read as it was. */
static void test_tensors(void **state)
{
    (void)state;
    const float numbers[] = {1, 2, 3, 4, 5, 6};
    const electra_tensor written[] = {{.name = "b",
                                       .type = "F32",
                                       .dimensions = 2,
                                       .shape = {2, 3},
                                       .data = numbers,
                                       .bytes = sizeof numbers},
                                      {.name = "a", .type = "U8", .dimensions = 1, .shape = {0}}};
    const char *const metadata[] = {"made", "here", NULL};
    electra_tensors *file = NULL;
    electra_tensor tensor;
    char path[128];
    snprintf(path, sizeof path, "%s/numbers.safetensors", run);
    const char *const other[] = {"format", "tf", NULL};
    assert_int_equal(electra_tensors_save(path, written, 2, other), ELECTRA_USAGE);
    API_OK(electra_tensors_save(path, written, 2, metadata));
    API_OK(electra_tensors_open(&file, path));
    assert_int_equal(electra_tensors_count(file), 2);
    API_OK(electra_tensors_at(file, 0, &tensor));
    assert_string_equal(tensor.name, "a");
    API_OK(electra_tensors_find(file, "b", &tensor));
    assert_string_equal(tensor.type, "F32");
    assert_int_equal(tensor.dimensions, 2);
    assert_int_equal(tensor.shape[1], 3);
    assert_memory_equal(tensor.data, numbers, sizeof numbers);
    assert_string_equal(electra_tensors_metadata(file, "made"), "here");
    assert_null(electra_tensors_metadata(file, "nothing"));
    assert_int_equal(electra_tensors_find(file, "c", &tensor), ELECTRA_DATA);
    assert_int_equal(electra_tensors_at(file, 2, &tensor), ELECTRA_USAGE);
    electra_tensors_close(file);
    const electra_tensor twice[] = {written[1], written[1]}, wrong[] = {{.name = "c", .type = "F9"}};
    electra_tensor large = written[0];
    large.shape[0] = 3;
    assert_int_equal(electra_tensors_save(path, twice, 2, NULL), ELECTRA_USAGE);
    assert_int_equal(electra_tensors_save(path, wrong, 1, NULL), ELECTRA_USAGE);
    assert_int_equal(electra_tensors_save(path, &large, 1, NULL), ELECTRA_USAGE);
    const char *const odd[] = {"made", "here", "by", NULL}, *const latin[] = {"made", "caf\xe9", NULL};
    assert_int_equal(electra_tensors_save(path, written, 2, odd), ELECTRA_USAGE);
    assert_int_equal(electra_tensors_save(path, written, 2, latin), ELECTRA_USAGE);
}

/* Nothing is asked of nothing. */
static void test_nulls(void **state)
{
    (void)state;
    electra_model *model = NULL;
    electra_session *session = NULL;
    const electra_piece *pieces;
    const size_t *starts;
    size_t count;
    assert_int_equal(electra_model_open(&model, NULL, NULL), ELECTRA_USAGE);
    assert_int_equal(electra_model_open(NULL, run, NULL), ELECTRA_USAGE);
    assert_int_equal(electra_session_open(&session, NULL), ELECTRA_USAGE);
    assert_int_equal(electra_detect(NULL, "a", 1, &pieces, &count), ELECTRA_USAGE);
    API_OK(electra_model_open(&model, run, NULL));
    API_OK(electra_session_open(&session, model));
    assert_int_equal(electra_detect(session, NULL, 1, &pieces, &count), ELECTRA_USAGE);
    assert_int_equal(electra_detect_batch(session, NULL, 1, &pieces, &starts), ELECTRA_USAGE);
    assert_int_equal(electra_detect_batch(session, NULL, 0, &pieces, &starts), ELECTRA_OK);
    electra_session_close(session);
    electra_model_close(model);
    assert_int_equal(electra_tokenizer_size(NULL), 0);
    electra_session_cancel(NULL);
    electra_job_cancel(NULL);
    electra_tensors_close(NULL);
    electra_job_close(NULL);
}

/* The kernels are those that are named, and the best where none are. */
static void test_instruction_sets(void **state)
{
    (void)state;
    static const char *const NAMES[] = {NULL, "", "reference"};
    char best[64] = "";
    for (int i = 0; i < 3; i++) {
        electra_model *model = NULL;
        electra_info info = ELECTRA_INFO_INIT;
        API_OK(electra_model_open(&model, run, &(electra_options){.instruction_set = NAMES[i]}));
        API_OK(electra_model_info(model, &info));
        if (i == 0)
            snprintf(best, sizeof best, "%s", info.instruction_set);
        assert_string_equal(info.instruction_set, i < 2 ? best : "plain");
        electra_model_close(model);
    }
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
    assert_int_equal(electra_model_open(&model, run, &(electra_options){.instruction_set = "cuda:1"}),
                     ELECTRA_USAGE);
    CHECK(strstr(electra_error(), "\"cuda:1\" is a GPU"), "a GPU is refused by: %s", electra_error());
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
    int major, minor, patch;
    assert_int_equal(sscanf(electra_version(), "%d.%d.%d", &major, &minor, &patch), 3);
    assert_int_equal(electra_version_number(), 10000 * major + 100 * minor + patch);
    assert_string_equal(electra_status_name(ELECTRA_STOPPED), "stopped");
    assert_string_equal(electra_status_name((electra_status)99), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokenizer),
        cmocka_unit_test(test_tokenizer_batch),
        cmocka_unit_test(test_questions),
        cmocka_unit_test(test_batches),
        cmocka_unit_test(test_cancelled),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_precisions),
        cmocka_unit_test(test_tensors),
        cmocka_unit_test(test_nulls),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_instruction_sets),
    };
    return cmocka_run_group_tests(tests, make_run, remove_run);
}
