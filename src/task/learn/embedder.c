/* embedder - see the header */
#include "task/learn/embedder.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/grow.h"
#include "base/log.h"
#include "base/number.h"
#include "format/sentence.h"
#include "task/learn/features.h"
#include "task/learn/finetuned.h"
#include "train/pass.h"

static const double SHORTEST = 1e-12; /* as torch's normalize: the zero vector stays one */

struct el_embedder {
    el_embedder_settings settings;
    el_pass pass;
    const el_vocab *vocab;
    el_model own_model; /* these two where nobody lent them */
    el_vocab *own_vocab;
    el_evaluation_watch watch;
    float *rows; /* host: what is pooled of a sequence */
    el_features features;
    el_batch batch;
    float *vectors; /* of the last question */
    size_t room;
};

static const el_config *config(const el_embedder *e)
{
    return &e->pass.net->config;
}

int el_embedder_width(const el_embedder *e)
{
    return config(e)->hidden_size;
}

int el_embedder_longest(const el_embedder *e)
{
    return e->settings.max_seq_length;
}

/* ---- opening ---- */

static el_status load(el_embedder *e, el_queue *q, el_type activations, const char *folder)
{
    el_model_plan plan = {
        .activations = activations, .parameters = activations == EL_F64 ? EL_F64 : EL_F32, .packed = true};
    el_config config;
    const el_status st = el_model_read(folder, false, &config, NULL, NULL);
    if (st)
        return st;
    el_plan_add(&plan, EL_DISCRIMINATOR, config, (el_head_config){.kind = EL_HEAD_NONE});
    return el_weights_open(&e->own_model, q, &plan, &folder, &e->own_vocab);
}

static el_status settle_length(el_embedder *e, int said, const char *folder)
{
    if (said && said < 4)
        return el_fail(EL_EDATA, "%s: says that texts have at most %d tokens, fewer than 4", folder, said);
    const int places = config(e)->max_position_embeddings;
    int *const longest = &e->settings.max_seq_length;
    if (*longest > places)
        el_log(EL_LOG_WARNING,
               "sequences of %d tokens are longer than the model's %d positions, which are taken", *longest,
               places);
    if (!*longest)
        *longest = said ? said : places;
    if (*longest > places)
        *longest = places;
    return EL_OK;
}

static void settle_pooling(el_embedder *e, const char *folder, const el_sentence *said)
{
    if (e->settings.pooling != EL_POOL_AS_SAID)
        return;
    e->settings.pooling = said->cls ? EL_POOL_CLS : EL_POOL_MEAN;
    e->settings.normalize |= said->normalize;
    if (said->found)
        el_log(EL_LOG_NOTE, "%s/modules.json: %s, %s, at most %d tokens", folder,
               said->cls ? "the last layer at [CLS]" : "the mean of the last layer",
               e->settings.normalize ? "vectors of length 1" : "vectors as they are", el_embedder_longest(e));
    if (json_object_size(json_object_get(said->settings, "prompts")))
        el_log(EL_LOG_NOTE, "%s/config_sentence_transformers.json: its prompts are put before no text here",
               folder);
}

static el_status reserve(el_embedder *e)
{
    const int longest = el_embedder_longest(e), tokens = e->settings.batch_tokens;
    e->rows = malloc((size_t)longest * (size_t)el_embedder_width(e) * sizeof *e->rows);
    return e->rows ? el_pass_reserve(&e->pass, tokens > longest ? tokens : longest) : el_no_memory(NULL);
}

/* The rest of opening one whose model is there. */
static el_status begin(el_embedder *e, el_queue *q, const el_model *model, const el_network *net,
                       const el_vocab *vocab, const el_sentence *said, const char *folder)
{
    e->pass = (el_pass){.q = q, .model = model, .net = net};
    e->vocab = vocab;
    el_status st = el_sentence_check_casing(said, vocab->casing.lowercase, folder);
    if (!st)
        st = settle_length(e, said->max_seq_length || !said->found ? said->max_seq_length : vocab->max_length,
                           folder);
    if (!st)
        st = reserve(e);
    if (!st)
        settle_pooling(e, folder, said);
    return st;
}

el_status el_embedder_open(el_embedder **embedder, el_queue *q, el_type activations, const char *folder,
                           const el_embedder_settings *settings)
{
    el_embedder *const e = calloc(1, sizeof *e);
    if (!e)
        return el_no_memory(folder);
    e->settings = *settings;
    char *place = NULL;
    el_sentence said = {0};
    el_status st = el_sentence_read(&said, folder);
    if (!st)
        st = el_encoder_find(said.encoder, &place);
    if (!st)
        st = load(e, q, activations, place);
    if (!st)
        st = begin(e, q, &e->own_model, &e->own_model.networks[0], e->own_vocab, &said, folder);
    free(place);
    el_sentence_release(&said);
    if (!st)
        *embedder = e;
    else
        el_embedder_close(e);
    return st;
}

el_status el_embedder_over(el_embedder **embedder, el_queue *q, const el_model *model, const el_network *net,
                           const el_vocab *vocab, const el_sentence *said,
                           const el_embedder_settings *settings)
{
    el_embedder *const e = calloc(1, sizeof *e);
    if (!e)
        return el_no_memory(NULL);
    e->settings = *settings;
    const el_status st = begin(e, q, model, net, vocab, said, said->encoder);
    if (!st)
        *embedder = e;
    else
        el_embedder_close(e);
    return st;
}

void el_embedder_watch(el_embedder *e, el_evaluation_watch watch)
{
    e->watch = watch;
}

void el_embedder_close(el_embedder *e)
{
    if (!e)
        return;
    el_pass_close(&e->pass);
    el_features_release(&e->features);
    el_batch_release(&e->batch);
    el_vocab_close(e->own_vocab);
    el_model_close(&e->own_model);
    free(e->rows);
    free(e->vectors);
    free(e);
}

/* ---- asking ---- */

static void mean(const float *rows, int count, int width, float *vector)
{
    for (int c = 0; c < width; c++) {
        double sum = 0;
        for (int r = 0; r < count; r++)
            sum += rows[(size_t)r * (size_t)width + (size_t)c];
        vector[c] = (float)(sum / count);
    }
}

void el_vector_normalize(float *vector, int width)
{
    double squares = 0;
    for (int c = 0; c < width; c++)
        squares += (double)vector[c] * (double)vector[c];
    const double length = fmax(sqrt(squares), SHORTEST);
    for (int c = 0; c < width; c++)
        vector[c] = (float)(vector[c] / length);
}

/* The vector of the rows of one sequence. */
static el_status pool(el_embedder *e, el_tensor rows, float *vector)
{
    const int count = e->settings.pooling == EL_POOL_CLS ? 1 : rows.rows, width = rows.cols;
    const int first =
        config(e)->causal ? rows.rows - count : 0; /* its [CLS] has seen nothing, its last row all */
    const el_status st = el_tensor_read(e->pass.q, el_tensor_rows(rows, first, count), e->rows);
    if (st)
        return st;
    mean(e->rows, count, width, vector);
    if (e->settings.normalize)
        el_vector_normalize(vector, width);
    return EL_OK;
}

static el_status pool_batch(el_embedder *e)
{
    const el_batch *const b = &e->batch;
    el_status st = EL_OK;
    el_pass_send(&e->pass, &e->batch);
    const el_tensor hidden = el_pass_hidden(&e->pass);
    for (int s = 0; !st && s < b->sequences; s++)
        st = pool(e, el_tensor_rows(hidden, b->starts[s], b->starts[s + 1] - b->starts[s]),
                  e->vectors + (size_t)b->numbers[s] * (size_t)hidden.cols);
    return st;
}

static el_status make_room(el_embedder *e, int count)
{
    const size_t need = (size_t)count * (size_t)el_embedder_width(e);
    return el_grow(&e->vectors, &e->room, need, sizeof *e->vectors)
               ? EL_OK
               : el_fail(EL_ENOMEM, "no memory for %d vectors", count);
}

el_status el_embedder_ask_each(el_embedder *e, const el_dataset *dataset, const float **vectors)
{
    assert(dataset->kind == EL_CLASSIFY && "so that a feature is an example");
    const el_feature_settings settings = {.max_seq_length = el_embedder_longest(e),
                                          .plain_special = e->settings.plain_special};
    el_split split;
    el_features_clear(&e->features);
    el_status st = el_features_add(&e->features, dataset, e->vocab, &settings, false, &split);
    if (!st)
        st = el_features_check(&e->features, config(e)->type_vocab_size);
    if (!st)
        st = make_room(e, dataset->count);
    for (int first = 0; !st && first < e->features.count;) {
        st = el_features_fill(&e->features, &first, e->settings.batch_tokens, &e->batch);
        if (!st)
            st = pool_batch(e);
        if (!st && e->watch.on_batch)
            st = e->watch.on_batch(e->watch.context, (double)first / e->features.count);
    }
    *vectors = e->vectors;
    return st;
}

const el_text_lost *el_embedder_lost(const el_embedder *e)
{
    return &e->features.lost;
}

el_status el_embedder_ask(el_embedder *e, const el_dataset *dataset, const float **vectors)
{
    const size_t width = (size_t)el_embedder_width(e);
    el_status st = el_embedder_ask_each(e, dataset, vectors);
    for (int i = 0; !st && i < dataset->count; i++)
        if (!el_numbers_finite(*vectors + (size_t)i * width, width))
            st = el_dataset_not_finite(dataset, i);
    return st;
}
