/* Language models that transformers saved (tools/golden_lm.py): opened here they say what they say there, and what is saved here
 * is named as there. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/safetensors.h"
#include "format/weights.h"
#include "objective/asked.h"

static const void *find(const el_safetensors *answers, const char *name, el_st_type type, int *count)
{
    const el_st_entry *const entry = el_safetensors_find(answers, name);
    CHECK(entry && entry->type == type, "the goldens hold no %s of that type", name);
    *count = (int)entry->shape[0];
    return entry->data;
}

static void read_batch(const el_safetensors *answers, el_batch *batch)
{
    int rows, starts;
    const int *const ids = find(answers, "ids", EL_ST_I32, &rows);
    const int *const segments = find(answers, "segments", EL_ST_I32, &rows);
    const int *const positions = find(answers, "positions", EL_ST_I32, &rows);
    const int *const start = find(answers, "starts", EL_ST_I32, &starts);
    for (int s = 0; s + 1 < starts; s++) {
        const int n = start[s + 1] - start[s];
        assert_int_equal(el_batch_add(batch, ids + start[s], n, n), EL_OK);
    }
    memcpy(batch->segments, segments, (size_t)rows * sizeof *segments);
    memcpy(batch->positions, positions, (size_t)rows * sizeof *positions);
    if (el_safetensors_find(answers, "limits")) {
        const int *const limits = find(answers, "limits", EL_ST_I32, &rows);
        memcpy(batch->limits, limits, (size_t)rows * sizeof *limits);
        batch->limited = true;
    }
}

/* Written again, a folder has transformers' tensors, by name, shape and number, and no others. */
static void compare_written(el_model *model, const char *folder)
{
    char place[] = "/tmp/electra-golden-XXXXXX", path[300], there[64];
    el_vocab *const vocab = make_vocab(model->networks[0].config.vocab_size);
    CHECK(mkdtemp(place), "no temporary folder");
    snprintf(there, sizeof there, "%s/model", place);
    CHECK(el_weights_save(model, &model->networks[0], vocab, "", NULL, EL_ST_F32, there) == EL_OK, "%s",
          el_error());
    el_safetensors theirs, ours;
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    CHECK(el_safetensors_open(&theirs, path) == EL_OK, "%s", el_error());
    snprintf(path, sizeof path, "%s/model.safetensors", there);
    CHECK(el_safetensors_open(&ours, path) == EL_OK, "%s", el_error());
    CHECK(ours.count == theirs.count, "%d tensors are written, there were %d", ours.count, theirs.count);
    for (int i = 0; i < theirs.count; i++) {
        const el_st_entry *const a = &theirs.entries[i], *const b = el_safetensors_find(&ours, a->name);
        CHECK(b && a->bytes == b->bytes && a->dims == b->dims &&
                  memcmp(a->shape, b->shape, sizeof a->shape) == 0 && memcmp(a->data, b->data, a->bytes) == 0,
              "%s: %s is not written as it was", folder, a->name);
    }
    el_safetensors_close(&theirs);
    el_safetensors_close(&ours);
    el_vocab_close(vocab);
    char command[400];
    snprintf(command, sizeof command, "rm -r %s", place);
    CHECK(system(command) == 0, "%s stays", place);
}

static void compare_sentences(el_model *model, const el_network *net, const el_batch *batch,
                              const el_safetensors *answers, double tolerance, const char *name)
{
    int sequences;
    const double *const wanted = find(answers, "sentences", EL_ST_F64, &sequences);
    double *const got = ask_sentences(model, net, batch);
    CHECK(sequences == batch->sequences, "%d answers", sequences);
    for (int i = 0; i < 2 * sequences; i++)
        CHECK(fabs(got[i] - wanted[i]) <= tolerance * (1 + fabs(wanted[i])),
              "%s: logit %d of sentences is %.9g, transformers says %.9g", name, i, got[i], wanted[i]);
    free(got);
}

static void compare(const char *name, bool reference)
{
    char folder[256], path[300];
    snprintf(folder, sizeof folder, TEST_DATA "/golden/%s", name);
    snprintf(path, sizeof path, "%s/answers.safetensors", folder);
    el_safetensors answers;
    el_queue *q;
    el_model model;
    el_batch batch = {0};
    const el_type type = reference ? EL_F64 : EL_F32;
    const double tolerance = reference ? 1e-9 : 1e-4;
    el_model_plan plan = {.activations = type, .parameters = type};
    const char *const folders[] = {folder};
    CHECK(el_safetensors_open(&answers, path) == EL_OK, "%s", el_error());
    CHECK(el_queue_open(&q, 1, reference ? "reference" : NULL) == EL_OK, "%s", el_error());
    CHECK(el_weights_plan(&plan, EL_GENERATOR, folder) == EL_OK, "%s", el_error());
    CHECK(el_weights_open(&model, q, &plan, folders, NULL) == EL_OK, "%s", el_error());
    const el_network *const net = &model.networks[0];
    CHECK(!strstr(name, "pairs") == !el_network_head(net, EL_HEAD_SENTENCES), "%s: a head of pairs", name);
    CHECK(el_network_head(net, EL_HEAD_MLM), "%s: has no head that predicts tokens", name);
    read_batch(&answers, &batch);
    if (net->config.causal)
        el_batch_limit(&batch);
    int rows;
    const double *const wanted = find(&answers, "logits", EL_ST_F64, &rows);
    double *const got = ask(&model, net, &batch, true);
    CHECK(rows == batch.rows, "%d rows of answers", rows);
    for (int i = 0; i < rows * net->config.vocab_size; i++)
        CHECK(fabs(got[i] - wanted[i]) <= tolerance * (1 + fabs(wanted[i])),
              "%s: logit %d is %.9g, transformers says %.9g", name, i, got[i], wanted[i]);
    if (el_network_head(net, EL_HEAD_SENTENCES))
        compare_sentences(&model, net, &batch, &answers, tolerance, name);
    json_t *const written = el_weights_json(net, NULL), *read = NULL;
    snprintf(path, sizeof path, "%s/config.json", folder);
    CHECK(el_json_load(&read, path) == EL_OK, "%s", el_error());
    CHECK(json_equal(json_object_get(written, "architectures"), json_object_get(read, "architectures")),
          "%s is written as another class", name);
    json_decref(written);
    json_decref(read);
    if (!reference) /* in double its numbers are no floats of the file's own */
        compare_written(&model, folder);
    free(got);
    el_batch_release(&batch);
    el_model_close(&model);
    el_queue_close(q);
    el_safetensors_close(&answers);
}

static void transformers_says_the_same(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"causal",       "causal-bert", "albert", "albert-wide",
                                        "albert-pairs", "bert-pairs",  "xlnet"};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        for (int reference = 0; reference < 2; reference++)
            compare(NAMES[i], reference);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(transformers_says_the_same)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
