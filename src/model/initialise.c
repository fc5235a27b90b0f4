/* initialise - see the header */
#include "model/initialise.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

/* A step that no training reaches: its numbers are used nowhere else. */
enum { INITIALISATION_STEP = 0x7fffffff };

static double deviation(const el_initialisation *how, const el_config *config, const el_param *param)
{
    return how->fan_in ? 1.0 / sqrt(param->value.cols) : config->initializer_range;
}

static void draw(float *values, const el_param *param, double sigma, el_random random)
{
    const int64_t count = el_param_elements(param);
    const double limit = sqrt(6.0 / (param->value.rows + param->value.cols));
    for (int64_t i = 0; i < count; i++)
        switch (param->init) {
        case EL_INIT_NORMAL:
            values[i] = (float)(sigma * el_random_truncated_normal(random, (uint64_t)i));
            break;
        case EL_INIT_GLOROT:
            values[i] = (float)(limit * (2 * el_random_uniform(random, (uint64_t)i) - 1));
            break;
        case EL_INIT_ZERO:
            values[i] = 0;
            break;
        case EL_INIT_ONE:
            values[i] = 1;
            break;
        }
}

/* Angle of pair k of `width / 2` at a position, as Vaswani et al. (2017) have it. */
static double angle(double position, int k, int width)
{
    return position * pow(10000.0, -2.0 * k / width);
}

/* Row p: sin and cos of each pair's angle, as large as numbers of deviation sigma. */
static void sine_table(float *values, int rows, int width, double sigma)
{
    for (int p = 0; p < rows; p++)
        for (int j = 0; j < width; j++) {
            const double a = angle(p, j / 2, width);
            values[(size_t)p * (size_t)width + (size_t)j] =
                (float)(sqrt(2) * sigma * (j % 2 ? cos(a) : sin(a)));
        }
}

/* Head h looks this many places on. */
static int neighbour_offset(int head)
{
    static const int OFFSETS[] = {-1, 1, -2, 2};
    return OFFSETS[head % 4];
}

/* The first layer's queries and keys as maps of the embedding (rows of hidden, columns of embedding): row
 * pair k of a head reads the embedding's pair k, the queries' turned by the head's offset:
 *
 *   sin(a + d) = cos d sin a + sin d cos a        cos(a + d) = cos d cos a - sin d sin a */
static void neighbour_map(float *map, const el_config *c, bool queries, double scale)
{
    const int e = c->embedding_size, size = c->hidden_size / c->num_attention_heads;
    memset(map, 0, (size_t)c->hidden_size * (size_t)e * sizeof *map);
    for (int row = 0; row < c->hidden_size; row++) {
        const int k = row % size / 2, head = row / size;
        if (2 * k + 1 >= e || 2 * (k + 1) > size)
            continue;
        const double d = queries ? angle(neighbour_offset(head), k, e) : 0;
        float *at = map + (size_t)row * (size_t)e + 2 * k; /* [0] reads the sine, [1] the cosine */
        at[0] = (float)(scale * (row % 2 ? -sin(d) : cos(d)));
        at[1] = (float)(scale * (row % 2 ? cos(d) : sin(d)));
    }
}

/* to (hidden, hidden) = map (hidden, e) P^T c: what reads the embedding through its projection P (hidden, e),
 * whose columns are nearly orthogonal with squared length 2 hidden / (hidden + e). */
static void through_projection(float *to, const float *map, const float *projection, int hidden, int e)
{
    const double c = (hidden + e) / (2.0 * hidden);
    for (int i = 0; i < hidden; i++)
        for (int j = 0; j < hidden; j++) {
            double sum = 0;
            for (int k = 0; k < e; k++)
                sum += (double)map[(size_t)i * (size_t)e + (size_t)k] *
                       projection[(size_t)j * (size_t)e + (size_t)k];
            to[(size_t)i * (size_t)hidden + (size_t)j] = (float)(c * sum);
        }
}

static el_status neighbour_heads(el_queue *q, const el_network *net, double sharpness)
{
    const el_config *c = &net->config;
    const int h = c->hidden_size, e = c->embedding_size;
    const el_tensor qkv = net->w.layers[0].attention.qkv_w;
    float *map = malloc((size_t)h * (size_t)e * sizeof *map), *through = NULL, *projection = NULL;
    el_status st = map ? EL_OK : el_fail(EL_ENOMEM, "no memory to initialise a layer");
    if (!st && e != h) {
        through = malloc((size_t)h * (size_t)h * sizeof *through);
        projection = malloc((size_t)h * (size_t)e * sizeof *projection);
        st = through && projection ? el_tensor_read(q, net->w.project_w, projection)
                                   : el_fail(EL_ENOMEM, "no memory to initialise a layer");
    }
    for (int part = 0; !st && part < 2; part++) {
        neighbour_map(map, c, part == 0, sqrt(sharpness));
        if (through)
            through_projection(through, map, projection, h, e);
        st = el_tensor_write(q, el_tensor_rows(qkv, part * h, h), through ? through : map);
    }
    free(map);
    free(through);
    free(projection);
    return st;
}

typedef struct {
    el_model *model;
    const el_initialisation *how;
    el_status status;
} pass;

static void initialise_param(void *context, const el_network *net, el_param *param)
{
    pass *p = context;
    if (p->status)
        return;
    char name[160];
    snprintf(name, sizeof name, "%s.%s", net->name, param->name);
    const el_random random = {p->how->seed, (uint32_t)el_hash(name, strlen(name)), INITIALISATION_STEP};
    const double sigma = deviation(p->how, &net->config, param);
    float *values = malloc((size_t)el_param_elements(param) * sizeof *values);
    if (!values) {
        p->status = el_fail(EL_ENOMEM, "no memory to initialise %s", name);
        return;
    }
    if (p->how->sine_positions && param->init == EL_INIT_NORMAL && strstr(param->name, "position_embeddings"))
        sine_table(values, param->value.rows, param->value.cols, sigma);
    else
        draw(values, param, sigma, random);
    p->status = el_tensor_write(p->model->q, param->value, values);
    free(values);
}

el_status el_model_initialise(el_model *model, const el_initialisation *how)
{
    pass p = {model, how, EL_OK};
    el_model_each(model, initialise_param, &p);
    for (int i = 0; how->neighbour_heads && !p.status && i < model->count; i++)
        p.status = neighbour_heads(model->q, &model->networks[i], how->neighbour_sharpness);
    if (!p.status)
        el_model_prepare(model);
    return p.status;
}

el_status el_model_initialise_heads(el_model *model, const el_initialisation *how)
{
    pass p = {model, how, EL_OK};
    for (int n = 0; n < model->count; n++) {
        const el_network *net = &model->networks[n];
        for (int i = 0; i < net->params.count; i++)
            if (net->params.items[i].depth == net->config.num_hidden_layers + 2)
                initialise_param(&p, net, &net->params.items[i]);
    }
    if (!p.status)
        el_model_prepare(model);
    return p.status;
}
