/* params - see the header */
#include "model/params.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"

/* While memory is measured, places are not known and nothing is kept. */
static bool binding(const el_params *params)
{
    return params->memory->regions[EL_VALUES].base != NULL;
}

/* Makes room for one more; false, and the list is lacking from then on, when out of memory. */
static bool one_more(el_params *params, void *items, int count, size_t *room, size_t bytes)
{
    const bool fine = el_grow(items, room, (size_t)count + 1, bytes);
    params->lacking |= !fine;
    return fine;
}

static el_param *append(el_params *params)
{
    const bool kept = one_more(params, &params->items, params->count, &params->room, sizeof *params->items);
    el_param *param = kept ? &params->items[params->count++] : &params->dropped;
    *param = (el_param){0};
    return param;
}

el_status el_params_check(const el_params *params)
{
    return params->lacking ? el_no_memory(NULL) : EL_OK;
}

static el_tensor add_matrix(el_params *params, el_tensor matrix, int line)
{
    const el_device *dev = params->dev;
    matrix.int8_steps = params->int8 && matrix.cols <= EL_INT8_DEPTH ? dev->int8_steps : 0;
    const el_type type = matrix.int8_steps ? EL_I8 : params->activations;
    matrix.prepared = el_arena_push(
        &params->memory->copies, dev->prepared_bytes(dev, matrix.rows, matrix.cols, type, params->training));
    if (binding(params) && one_more(params, &params->matrices, params->matrix_count, &params->matrix_room,
                                    sizeof *params->matrices))
        params->matrices[params->matrix_count++] = (el_matrix){matrix, type, line};
    return matrix;
}

el_tensor el_param_product(el_params *params, el_tensor matrix)
{
    return add_matrix(params, matrix, params->count - 1);
}

/* The tensors of the parameters of the next `lines` lines. */
static el_param allocate(el_params *params, int lines, int rows, int cols, bool product)
{
    el_arena *const regions = params->memory->regions;
    el_param p = {.value = product && params->packed
                               ? el_tensor_make(NULL, params->parameters, rows, cols)
                               : el_arena_tensor(&regions[EL_VALUES], params->parameters, rows, cols)};
    if (params->training) {
        p.gradient = el_arena_tensor(&regions[EL_GRADIENTS], params->parameters, rows, cols);
        p.m = el_arena_tensor(&regions[EL_FIRST_MOMENTS], params->parameters, rows, cols);
        p.v = el_arena_tensor(&regions[EL_SECOND_MOMENTS], params->parameters, rows, cols);
    }
    if (product || (rows == 1 && params->dev->biases))
        p.value = add_matrix(params, p.value, params->count + lines - 1);
    return p;
}

static void describe(el_param *line, const el_param_form *form)
{
    line->init = form->init;
    line->depth = form->depth;
    line->decay = !strstr(line->name, "LayerNorm") && !strstr(line->name, "bias");
    line->vector = !line->decay; /* LayerNorm and biases are the vectors of files */
}

void el_param_add(el_params *params, el_tensor *value, el_tensor *gradient, el_param_form form,
                  const char *format, ...)
{
    const el_param made = allocate(params, 1, form.rows, form.cols, form.product);
    *value = made.value;
    *gradient = made.gradient;
    if (!binding(params))
        return;
    el_param *line = append(params);
    *line = made;
    va_list args;
    va_start(args, format);
    vsnprintf(line->name, sizeof line->name, format, args);
    va_end(args);
    describe(line, &form);
}

void el_param_add_behind(el_params *params, el_tensor *value, el_tensor *gradient, el_param_form form,
                         const char *name, const char *behind)
{
    const int rows = form.rows;
    const el_param made = allocate(params, 2, rows + 1, form.cols, false);
    const char *const names[] = {name, behind};
    *value = made.value;
    *gradient = made.gradient;
    if (form.product) {
        el_tensor first = made.value;
        first.rows = rows;
        value->prepared = add_matrix(params, first, params->count).prepared;
    }
    for (int i = 0; binding(params) && i < 2; i++) {
        el_param *line = append(params);
        const el_tensor whole[] = {made.value, made.gradient, made.m, made.v};
        el_tensor *part[] = {&line->value, &line->gradient, &line->m, &line->v};
        for (int k = 0; k < 4; k++)
            if (whole[k].data)
                *part[k] = el_tensor_rows(whole[k], i * rows, i ? 1 : rows);
        snprintf(line->name, sizeof line->name, "%s", names[i]);
        describe(line, &form);
    }
}

void el_param_in_heads(el_params *params, int lines, bool turned, int heads)
{
    for (int i = 0; binding(params) && i < lines && i < params->count; i++) {
        el_param *const line = &params->items[params->count - 1 - i];
        line->turned = turned;
        line->heads = heads;
    }
}

void el_param_add_affine(el_params *params, el_tensor *w, el_tensor *dw, el_tensor *b, el_tensor *db,
                         el_param_form form, const char *name)
{
    el_param_add(params, w, dw, form, "%s.weight", name);
    el_param_add(params, b, db, (el_param_form){1, form.rows, EL_INIT_ZERO, form.depth, false}, "%s.bias",
                 name);
}

void el_param_add_stack(el_params *params, el_tensor *value, el_tensor *gradient, int parts,
                        el_param_form form, const char *prefix, const char *const *names, const char *suffix)
{
    const int rows = form.rows, cols = form.cols;
    /* A stack of vectors is one row of them in a product's eyes: (1, parts * cols). */
    const bool vectors = !form.product && rows == 1; /* a matrix may have one row, too */
    const el_param made = vectors ? allocate(params, parts, 1, parts * cols, form.product)
                                  : allocate(params, parts, parts * rows, cols, form.product);
    *value = made.value;
    *gradient = made.gradient;
    for (int i = 0; binding(params) && i < parts; i++) {
        el_param *line = append(params);
        const el_tensor whole[] = {made.value, made.gradient, made.m, made.v};
        el_tensor *part[] = {&line->value, &line->gradient, &line->m, &line->v};
        for (int k = 0; k < 4; k++)
            if (whole[k].rows) {
                *part[k] = vectors ? el_tensor_cols(whole[k], i * cols, cols)
                                   : el_tensor_rows(whole[k], i * rows, rows);
                part[k]->prepared = NULL; /* the copy is the stack's */
            }
        snprintf(line->name, sizeof line->name, "%s%s%s", prefix, names[i], suffix);
        describe(line, &form);
    }
}

void el_param_share(el_params *params, const el_param *owner)
{
    if (!binding(params))
        return;
    el_param *line = append(params);
    *line = *owner;
    line->shared = true;
}

const el_param *el_param_find(const el_params *params, const char *name)
{
    for (int i = 0; i < params->count; i++)
        if (strcmp(params->items[i].name, name) == 0)
            return &params->items[i];
    return NULL;
}

int64_t el_param_elements(const el_param *param)
{
    return (int64_t)param->value.rows * param->value.cols;
}

void el_params_release(el_params *params)
{
    free(params->items);
    free(params->matrices);
    *params = (el_params){0};
}
