/* params - the one list of a network's parameters
 *
 * A line is a name (Hugging Face's), a place, and what is done with it.  Initialising, saving, loading,
 * decaying, clipping and updating are loops over the lines.  A network that shares a tensor with another
 * lists it all the same, marked `shared`, so that its list is complete; loops that must meet a tensor once
 * leave shared lines out.
 */
#ifndef EL_MODEL_PARAMS_H
#define EL_MODEL_PARAMS_H

#include "model/memory.h"

typedef enum {
    EL_INIT_NORMAL, /* truncated normal, or by fan-in; see initialise.h */
    EL_INIT_GLOROT, /* uniform in +-sqrt(6 / (rows + cols)) */
    EL_INIT_ZERO,
    EL_INIT_ONE
} el_init;

typedef struct {
    char name[112]; /* "electra.encoder.layer.0.attention.self.query.weight" */
    el_tensor value;
    el_tensor gradient, m, v; /* absent unless its network is trained; m and v are AdamW's moments */
    el_tensor base;           /* exported as base + value, where there is one (GDES) */
    el_init init;
    bool decay;  /* weight decay applies: all but LayerNorm and biases */
    bool shared; /* another network's list owns it */
    bool frozen; /* no update, and no part in the norm of gradients */
    bool vector; /* one-dimensional in files */
    bool turned; /* files have columns for rows */
    int heads;   /* files have the last dimension as (heads, size); 0: as one */
    int depth;   /* 0 embeddings, i + 1 layer i, layers + 2 head, as the original counts */
} el_param;

/* Where a model's numbers lie: values, gradients and both of AdamW's moments are a region each, contiguous, in the order
 * of the lists; what is never trained is in the first alone; copies for products lie apart.  What stands between two
 * parameters, because each begins on EL_ALIGNMENT, is zero in every region. */
enum { EL_VALUES, EL_GRADIENTS, EL_FIRST_MOMENTS, EL_SECOND_MOMENTS, EL_REGIONS };
typedef struct {
    el_arena whole; /* what is taken of the device: all regions, then the copies */
    el_arena regions[EL_REGIONS], copies;
} el_param_memory;

typedef struct {
    el_device *dev;
    el_param_memory *memory;
    el_type parameters, activations; /* activations: what products of the lines to come are computed in */
    bool training;                   /* its parameters have gradients and moments */
    bool int8;   /* products of the lines to come are of whole numbers, where their inputs are not too many */
    bool packed; /* matrices of the lines to come have no values, only the copy that products read */
    el_param *items;
    int count;
    size_t room;
    el_matrix *matrices; /* owned ones only, with numbers of lines of this list */
    int matrix_count;
    size_t matrix_room;
    bool lacking;     /* there was no memory for a line or a matrix; see el_params_check */
    el_param dropped; /* takes such a line */
} el_params;

/* EL_ENOMEM where something could not be listed: asked once, when all has been added. */
el_status el_params_check(const el_params *params);

/* What a parameter is, but for its name. */
typedef struct {
    int rows, cols;
    el_init init;
    int depth;
    bool product; /* products read it: their copy is reserved too */
} el_param_form;

/* Adds a line and gives it memory.  *value gets the tensor, *gradient its gradient (training).  While memory is measured,
 * lines are not kept. */
void el_param_add(el_params *params, el_tensor *value, el_tensor *gradient, el_param_form form,
                  const char *format, ...) __attribute__((format(printf, 5, 6)));

/* One tensor whose rows are several parameters of this form: query, key and value as one product. */
void el_param_add_stack(el_params *params, el_tensor *value, el_tensor *gradient, int parts,
                        el_param_form form, const char *prefix, const char *const *names, const char *suffix);

/* One tensor of two parameters: the rows of the first, of this form, which products read alone, and one row behind them. */
void el_param_add_behind(el_params *params, el_tensor *value, el_tensor *gradient, el_param_form form,
                         const char *name, const char *behind);

/* How files have the last `lines` lines (see el_param). */
void el_param_in_heads(el_params *params, int lines, bool turned, int heads);

/* An affine map: "<name>.weight" (out, in), of this form, and "<name>.bias" (1, out), which begins at 0. */
void el_param_add_affine(el_params *params, el_tensor *w, el_tensor *dw, el_tensor *b, el_tensor *db,
                         el_param_form form, const char *name);

/* The matrix with a copy for products reserved.  el_param_add does it for whole ones; this is for columns of the last. */
el_tensor el_param_product(el_params *params, el_tensor matrix);

/* Adds a line for a tensor that another list owns. */
void el_param_share(el_params *params, const el_param *owner);

const el_param *el_param_find(const el_params *params, const char *name);
int64_t el_param_elements(const el_param *param);
void el_params_release(el_params *params);

#endif
