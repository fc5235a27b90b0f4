/* model - the two networks of pre-training, or either alone
 *
 * Each network is an encoder with its head and its own complete list of parameters under Hugging Face's
 * names. What is shared stands in both lists and is owned by one:
 *
 *   shared     word, position and type tables and their LayerNorm belong to the discriminator; the generator
 *              views them
 *   separate   each its own (the generator's as wide as its hidden size, no projection)
 *   gdes       the generator owns its tables; the discriminator adds to them, without sending a gradient, a
 *              delta of its own, and has its own LayerNorm (DeBERTaV3, gradient-disentangled sharing)
 *   all        one encoder for both, different heads
 *
 * A model without a generator (to detect, to fine-tune) or without a discriminator (plain masked language
 * model) is the same struct with one network absent.
 */
#ifndef EL_MODEL_MODEL_H
#define EL_MODEL_MODEL_H

#include "model/heads.h"
#include "model/task_head.h"

typedef enum { EL_TIE_SHARED, EL_TIE_SEPARATE, EL_TIE_GDES, EL_TIE_ALL } el_tying;

typedef struct {
    bool present;
    el_config config;
    el_encoder_weights w, g;     /* weights and gradients */
    el_mlm_weights mlm_w, mlm_g; /* the generator's head */
    el_rtd_weights rtd_w, rtd_g; /* the discriminator's in pre-training ... */
    el_head_config head;
    el_head_weights head_w, head_g; /* ... and with a task */
    el_params params;
} el_network;

typedef struct {
    el_device *dev; /* borrowed: where its memory is */
    el_queue *q;    /* borrowed: loads, trains and prepares it; whoever only runs it has one of their own */
    el_arena arena;
    el_tying tying;
    el_type activations, parameters;
    bool training;
    el_network generator, discriminator;
} el_model;

/* What to build. */
typedef struct {
    bool generator, discriminator;
    el_config generator_config, discriminator_config;
    el_head_config head; /* the discriminator's; zeroed: that of pre-training */
    el_tying tying;
    el_type activations; /* EL_F32, EL_BF16; EL_F64 on the reference device */
    el_type parameters;  /* EL_F32; EL_F64 for finite differences */
    bool training;       /* gradients and moments too */
} el_model_plan;

/* Memory for all parameters, zero; EL_EUSAGE where the two configurations do not fit the tying. */
el_status el_model_open(el_model *model, el_queue *q, const el_model_plan *plan);
void el_model_close(el_model *model); /* accepts a zeroed one */

/* To be called after any other change of values than el_model_change: makes the products' copies again. */
void el_model_prepare(el_model *model);

/* Zeroes every gradient, where no update does. */
void el_model_zero_gradients(el_model *model);

/* Calls visit for every owned parameter, generator first, with its network's name ("generator",
 * "discriminator"). */
typedef void el_param_visit(void *context, const char *network, el_param *param);
void el_model_each(el_model *model, el_param_visit *visit, void *context);

/* The same where the visit changes values: a matrix is prepared as soon as all of it is changed, while it is still in
 * the caches. */
void el_model_change(el_model *model, el_param_visit *visit, void *context);

/* Trainable numbers, shared ones counted once. */
int64_t el_model_parameters(el_model *model);

#endif
