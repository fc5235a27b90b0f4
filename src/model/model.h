/* model - a list of named networks, and what they share
 *
 * Each network is an encoder with a list of heads and its own complete list of parameters under Hugging Face's
 * names.  What it has of another network, its owner, stands in both lists and is owned by that one:
 *
 *   separate   nothing
 *   shared     word, position and type tables and their LayerNorm are the owner's
 *   gdes       to the owner's tables it adds, without sending a gradient there, a delta of its own, and has its own
 *              LayerNorm (DeBERTaV3, gradient-disentangled sharing)
 *   all        the owner's encoder with other heads
 *   ends       tables as with shared, and the owner's heads: the layers between are its own
 *
 * Values, gradients and moments of all networks are four contiguous regions (params.h).
 */
#ifndef EL_MODEL_MODEL_H
#define EL_MODEL_MODEL_H

#include "model/heads.h"
#include "model/task_head.h"

enum { EL_MOST_NETWORKS = 4, EL_MOST_HEADS = 2 };

/* Names that the networks of ELECTRA have: they are in checkpoints and in the folders of a run. */
#define EL_GENERATOR "generator"
#define EL_DISCRIMINATOR "discriminator"
#define EL_BACKWARD "backward" /* beside a generator that reads forwards */

typedef enum { EL_TIE_SEPARATE, EL_TIE_SHARED, EL_TIE_GDES, EL_TIE_ALL, EL_TIE_ENDS } el_tying;

/* ---- what to build ---- */

typedef struct {
    const char *name; /* outlives the model */
    el_config config;
    el_head_config heads[EL_MOST_HEADS];
    int head_count;
    el_tying tying;
    int owner;   /* number, in the plan, of the network whose it is; without meaning where separate */
    bool frozen; /* is never trained: it owns all that it has, and has neither gradients nor moments */
} el_network_plan;

typedef struct {
    el_network_plan networks[EL_MOST_NETWORKS];
    int count;
    el_type
        activations; /* EL_F32, EL_BF16; EL_F64 on the reference device; EL_I8: EL_F32, and encoders multiply whole numbers */
    el_type parameters; /* EL_F32; EL_F64 for finite differences */
    bool training;      /* gradients and moments too */
    bool
        packed; /* where the device packs: encoders' matrices are kept as products read them, and in no other form */
} el_model_plan;

/* Adds a network that shares nothing, with one head (EL_HEAD_NONE: without, but for a pooler). */
el_network_plan *el_plan_add(el_model_plan *plan, const char *name, el_config config, el_head_config head);
/* Puts EL_HEAD_SENTENCES beside a network's MLM head. */
void el_plan_add_sentences(el_network_plan *net);

/* ---- what is built ---- */

typedef struct {
    el_head_config config;
    union { /* weights and gradients of the head that it is */
        struct {
            el_mlm_weights w, g;
        } mlm;
        struct {
            el_rtd_weights w, g;
        } rtd;
        struct {
            el_head_weights w, g;
        } task;
    };
} el_head;

typedef struct {
    const char *name;
    el_config config;
    el_encoder_weights w, g; /* weights and gradients */
    el_head heads[EL_MOST_HEADS];
    int head_count;
    el_tying tying;
    int owner;
    el_params params;
} el_network;

/* What training goes over, in the order of el_model_each: the values that a model owns, and those of them that are not
 * frozen. */
typedef struct {
    el_tensor *values, *gradients;
    el_trained *params;
    el_matrix *matrices;
    int value_count, count, matrix_count;
    double *squares; /* on the device: a sum over one of the lists */
} el_trained_list;

typedef struct {
    el_device *dev; /* borrowed: where its memory is */
    el_queue *q;    /* borrowed: loads, trains and prepares it; whoever only runs it has one of their own */
    el_param_memory memory;
    el_type activations, parameters;
    bool int8;             /* products of encoders are of whole numbers */
    bool training, packed; /* as planned */
    el_network networks[EL_MOST_NETWORKS];
    int count;
    el_trained_list trained; /* while training */
    el_backward_watch watch; /* of its networks' backwards */
} el_model;

/* Memory for all parameters, zero; EL_EUSAGE where configurations do not fit the tying. */
el_status el_model_open(el_model *model, el_queue *q, const el_model_plan *plan);
void el_model_close(el_model *model); /* accepts a zeroed one */

/* Scratch of the model's queue, for whoever gives a copy of the model a queue of their own. */
el_status el_model_reserve(const el_model *model);

/* Fills the lists of all networks anew, with what memory there is: for el_model_open (lines.c). */
void el_model_list(el_model *model);

/* The network of this name, or NULL; a network's head of this kind, or NULL. */
const el_network *el_model_network(const el_model *model, const char *name);
const el_head *el_network_head(const el_network *net, el_head_kind kind);

/* Whether nothing of the network is trained. */
bool el_network_frozen(const el_network *net);

/* All of a region (EL_VALUES ...) as one matrix; no meaning in its rows. */
el_tensor el_model_region(const el_model *model, int region);

/* To be called after any other change of values than an update: makes the products' copies again. */
void el_model_prepare(el_model *model);

/* Zeroes every gradient, where no update does. */
void el_model_zero_gradients(el_model *model);

/* Whether a network is trained from here on.  A frozen one is run forward only: nothing adds to its gradients. */
void el_model_freeze(el_model *model, const char *name, bool frozen);

/* Calls visit for every owned parameter, a network after the other. */
typedef void el_param_visit(void *context, const el_network *net, el_param *param);
void el_model_each(el_model *model, el_param_visit *visit, void *context);

/* Trainable numbers, shared ones counted once. */
int64_t el_model_parameters(el_model *model);

#endif
