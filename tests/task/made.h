/* made - small models and examples for the tests of learners: a vocabulary of words w0, w1, ... and texts of them */
#ifndef TESTS_TASK_MADE_H
#define TESTS_TASK_MADE_H

#include "folder.h"

#include <math.h>

#include "model/initialise.h"
#include "task/learn/finetuned.h"
#include "train/optimizer.h"

enum { MADE_SPECIALS = 5, MADE_WORDS = 40, MADE_PLACES = 32 };

static inline el_vocab *made_vocab(int words)
{
    char text[4096], *at = text;
    at += sprintf(at, "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n");
    for (int i = 0; i < words; i++)
        at += sprintf(at, "w%d\n", i);
    el_vocab *vocab;
    CHECK_OK(el_vocab_parse(&vocab, text, (size_t)(at - text), (el_casing){0}, "made"));
    return vocab;
}

/* Some words that depend on the number alone; the string is the dataset's. */
static inline const char *made_text(el_dataset *d, int number, int words)
{
    char text[512] = "";
    for (int i = 0; i < words; i++)
        sprintf(text + strlen(text), i ? " w%d" : "w%d", (number * 13 + i * (7 + number % 5)) % MADE_WORDS);
    return el_dataset_string(d, text, strlen(text));
}

static inline el_config made_config(void)
{
    el_config c = el_config_default();
    c.vocab_size = MADE_SPECIALS + MADE_WORDS;
    c.embedding_size = c.hidden_size = 16;
    c.num_hidden_layers = 2;
    c.num_attention_heads = 2;
    c.intermediate_size = 32;
    c.max_position_embeddings = MADE_PLACES;
    return c;
}

static inline void made_model(el_model *model, el_queue *q, el_type type, el_head_config head, bool training)
{
    el_model_plan plan = {
        .activations = type, .parameters = type == EL_F64 ? EL_F64 : EL_F32, .training = training};
    el_config config = made_config();
    config.causal = head.joined;
    el_plan_add(&plan, EL_DISCRIMINATOR, config, head);
    if (head.joined)
        el_plan_add_backward(&plan, config);
    const el_initialisation how = {.fan_in = true, .seed = 3};
    CHECK_OK(el_model_open(model, q, &plan));
    CHECK_OK(el_model_initialise(model, &how));
}

/* The features of a split in one batch. */
static inline void made_batch(const el_features *f, const el_split *split, el_batch *batch)
{
    el_batch_clear(batch);
    for (int i = split->begin; i < split->end; i++)
        CHECK_OK(el_features_read(f, i, batch));
}

static inline el_figures ask(el_objective *objective, const el_batch *batch)
{
    el_figures figures;
    objective->reset(objective);
    CHECK_OK(el_objective_run(objective, batch, (el_random){0}, false));
    objective->finish(objective, &figures);
    return figures;
}

/* Steps of training on one batch; the last one's figures. */
static inline el_figures teach(el_objective *objective, const el_batch *batch, int steps, double rate)
{
    const el_optimizer how = {.beta1 = 0.9,
                              .beta2 = 0.999,
                              .epsilon = 1e-6,
                              .max_norm = 1,
                              .bias_correction = true,
                              .depth_decay = 1};
    el_figures figures;
    for (int i = 0; i < steps; i++) {
        el_model_zero_gradients(objective->model);
        objective->reset(objective);
        CHECK_OK(el_objective_run(objective, batch, (el_random){.seed = 5, .step = (uint32_t)i}, true));
        objective->finish(objective, &figures);
        el_optimizer_update(&how, objective->model, rate, el_gradient_norm(objective->model), i);
    }
    return figures;
}

static inline double figure(const el_figures *figures, const char *name)
{
    for (int i = 0; i < figures->count; i++)
        if (strcmp(figures->names[i], name) == 0)
            return figures->values[i];
    fail_msg("no figure %s", name);
    return 0;
}

#endif
