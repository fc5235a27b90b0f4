/* Model folders and files through electra.h alone: what is imported and exported is the same model, to the bits or as near as
 * its type allows; what cannot be is refused. */
#define _GNU_SOURCE /* memmem */
#include "check.h"

#include <math.h>

#include "electra.h"

static char *in_run(const char *name)
{
    static char paths[4][128];
    static int next;
    char *const path = paths[next++ % 4];
    snprintf(path, sizeof *paths, "%s/%s", run, name);
    return path;
}

enum { WIDTH = 32 };

/* The vector of a text, of length 1. */
static void vector_of(const char *folder, float vector[WIDTH])
{
    static const electra_text text = {"ab c xyz", 8};
    electra_model *model = NULL;
    electra_session *session = NULL;
    electra_embedding how = ELECTRA_EMBEDDING_INIT;
    const float *vectors;
    size_t width;
    how.pooling = ELECTRA_POOL_MEAN;
    how.normalize = 1;
    API_OK(electra_model_open(&model, folder, &(electra_options){.threads = 1}));
    API_OK(electra_session_open(&session, model));
    API_OK(electra_embed(session, &text, NULL, 1, &how, &vectors, &width));
    assert_int_equal(width, WIDTH);
    memcpy(vector, vectors, sizeof(float[WIDTH]));
    electra_session_close(session);
    electra_model_close(model);
}

static double apart(const char *a, const char *b)
{
    float one[WIDTH], other[WIDTH];
    float most = 0;
    vector_of(a, one);
    vector_of(b, other);
    for (int i = 0; i < WIDTH; i++)
        most = fmaxf(most, fabsf(one[i] - other[i]));
    return most;
}

static void an_imported_folder_is_the_same_model(void **state)
{
    (void)state;
    const char *const from = in_run("discriminator"), *const to = in_run("imported");
    API_OK(electra_import(from, to));
    CHECK(apart(from, to) == 0, "an imported model has other vectors");
    CHECK(electra_import(from, to) == ELECTRA_USAGE, "a folder is written over: %s", electra_error());
    CHECK(electra_import(in_run("nowhere"), in_run("nothing")) == ELECTRA_DATA, "%s", electra_error());
    CHECK(electra_import(NULL, to) == ELECTRA_USAGE, "%s", electra_error());
}

/* fp16 keeps 11 bits of a number, bf16 keeps 8. */
static void exported_folders_are_as_near_as_their_types(void **state)
{
    (void)state;
    static const struct {
        const char *format, *name;
        double most;
    } FORMATS[] = {
        {"safetensors", "whole", 0}, {"safetensors-fp16", "fp16", 5e-4}, {"safetensors-bf16", "bf16", 5e-3}};
    for (size_t i = 0; i < sizeof FORMATS / sizeof *FORMATS; i++) {
        const char *const to = in_run(FORMATS[i].name);
        API_OK(electra_export(run, FORMATS[i].format, to));
        const double gap = apart(in_run("discriminator"), to);
        CHECK(gap <= FORMATS[i].most && (i == 0 || gap > 0), "%s: vectors are %g apart", FORMATS[i].format,
              gap);
        CHECK(electra_export(run, FORMATS[i].format, to) == ELECTRA_USAGE, "a folder is written over");
    }
}

static bool multiplies_whole_numbers(const char *path)
{
    static const char OP[] = "MatMulInteger";
    el_mapping file;
    CHECK_OK(el_mapping_open(&file, path));
    const bool found = memmem(file.data, file.size, OP, sizeof OP - 1) != NULL;
    el_mapping_close(&file);
    return found;
}

static void graphs_are_files(void **state)
{
    (void)state;
    API_OK(electra_export(run, "onnx", in_run("float.onnx")));
    API_OK(electra_export(run, "onnx-int8", in_run("whole.onnx")));
    CHECK(!multiplies_whole_numbers(in_run("float.onnx")) && multiplies_whole_numbers(in_run("whole.onnx")),
          "it is not onnx-int8 alone that multiplies whole numbers");
    /* its embeddings are narrower than its layers */
    CHECK(electra_export(run, "gguf", in_run("model.gguf")) == ELECTRA_USAGE, "%s", electra_error());
    CHECK(electra_export(run, "pickle", in_run("model.bin")) == ELECTRA_USAGE &&
              strstr(electra_error(), "pickle") && strstr(electra_error(), "gguf"),
          "%s", electra_error());
    CHECK(electra_export(run, NULL, in_run("model.bin")) == ELECTRA_USAGE, "%s", electra_error());
    CHECK(electra_export(in_run("nowhere"), "onnx", in_run("model.bin")) == ELECTRA_DATA, "%s",
          electra_error());
    CHECK(!el_file_exists(in_run("model.gguf")) && !el_file_exists(in_run("model.bin")), "something is left");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(an_imported_folder_is_the_same_model),
                                       cmocka_unit_test(exported_folders_are_as_near_as_their_types),
                                       cmocka_unit_test(graphs_are_files)};
    return cmocka_run_group_tests(tests, make_run, remove_run);
}
