/* initialise - see the header */
#include "model/initialise.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/pool.h"

/* A step that no training reaches: its numbers are used nowhere else. */
enum { INITIALISATION_STEP = 0x7fffffff };

static double deviation(const el_initialisation *how, const el_config *config, const el_param *param)
{
    return how->fan_in ? 1.0 / sqrt(param->value.cols) : config->initializer_range;
}

/* Numbers of one parameter.  Each is a function of its index: which thread draws it does not matter. */
typedef struct {
    float *values;
    const el_param *param;
    double sigma, limit;
    el_random random;
} drawing;

enum { DRAWN = 1 << 16 }; /* numbers that a thread draws at a time */

static float drawn(const drawing *d, int64_t i)
{
    switch (d->param->init) {
    case EL_INIT_NORMAL:
        return (float)(d->sigma * el_random_truncated_normal(d->random, (uint64_t)i));
    case EL_INIT_GLOROT:
        return (float)(d->limit * (2 * el_random_uniform(d->random, (uint64_t)i) - 1));
    case EL_INIT_ZERO:
        return 0;
    case EL_INIT_ONE:
        return 1;
    }
    assert(!"a way to begin");
    return 0;
}

static void draw_some(void *context, int index, int thread)
{
    (void)thread;
    const drawing *d = context;
    const int64_t first = (int64_t)index * DRAWN, count = el_param_elements(d->param);
    for (int64_t i = first; i < count && i < first + DRAWN; i++)
        d->values[i] = drawn(d, i);
}

static void draw(el_pool *pool, float *values, const el_param *param, double sigma, el_random random)
{
    const double limit = sqrt(6.0 / (param->value.rows + param->value.cols));
    drawing d = {values, param, sigma, limit, random};
    el_pool_run(pool, (int)((el_param_elements(param) + DRAWN - 1) / DRAWN), draw_some, &d);
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
    el_status st = map ? EL_OK : el_no_memory(NULL);
    if (!st && el_config_projects(c)) {
        through = malloc((size_t)h * (size_t)h * sizeof *through);
        projection = malloc((size_t)h * (size_t)e * sizeof *projection);
        st = through && projection ? el_tensor_read(q, net->w.project_w, projection) : el_no_memory(NULL);
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
    el_pool *pool;
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
        draw(p->pool, values, param, sigma, random);
    p->status = el_tensor_write(p->model->q, param->value, values);
    free(values);
}

static void initialise_head(void *context, const el_network *net, el_param *param)
{
    if (param->depth == net->config.num_hidden_layers + 2)
        initialise_param(context, net, param);
}

static el_status initialise(el_model *model, const el_initialisation *how, el_param_visit *visit)
{
    pass p = {.model = model, .how = how};
    p.status = el_pool_open(&p.pool, el_processors());
    if (!p.status)
        el_model_each(model, visit, &p);
    el_pool_close(p.pool);
    return p.status;
}

el_status el_model_initialise(el_model *model, const el_initialisation *how)
{
    el_status st = initialise(model, how, initialise_param);
    for (int i = 0; how->neighbour_heads && !st && i < model->count; i++)
        st = neighbour_heads(model->q, &model->networks[i], how->neighbour_sharpness);
    if (!st)
        el_model_prepare(model);
    return st;
}

el_status el_model_initialise_heads(el_model *model, const el_initialisation *how)
{
    const el_status st = initialise(model, how, initialise_head);
    if (!st)
        el_model_prepare(model);
    return st;
}
