/* bench step, bench infer - a whole training step, a whole encoder, on full sequences of random ids */
#include <stdio.h>
#include <stdlib.h>

#include "cli/bench.h"
#include "cli/pretrain.h"
#include "train/flops.h"

enum { VOCABULARY = 30522 };

typedef struct {
    const bench_place *place;
    pretrain_settings settings;
    el_model model;
    el_vocab *vocab;
    el_objective *objective;
    el_optimizer optimizer;
    el_batch batch;
    uint32_t step;
    /* infer */
    el_arena arena;
    el_encoder_saved saved;
    el_input input;
} work;

/* The special tokens and as many words as the paper's vocabulary has entries. */
static el_status make_vocab(el_vocab **vocab)
{
    char *text = malloc(VOCABULARY * 12), *end = text;
    if (!text)
        return el_fail(EL_ENOMEM, "no memory for a vocabulary");
    end += sprintf(end, "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n");
    for (int i = 5; i < VOCABULARY; i++)
        end += sprintf(end, "w%d\n", i);
    const el_status st = el_vocab_parse(vocab, text, (size_t)(end - text), (el_casing){0}, "vocabulary");
    free(text);
    return st;
}

static el_status make_batch(work *w, int64_t sequences, int64_t length)
{
    int *ids = malloc((size_t)length * sizeof *ids);
    el_status st = ids ? EL_OK : el_fail(EL_ENOMEM, "no memory for a batch");
    for (int64_t s = 0; !st && s < sequences; s++) {
        for (int64_t i = 0; i < length; i++)
            ids[i] = 5 + (int)el_random_below((el_random){1, 0, (uint32_t)s}, (uint64_t)i, VOCABULARY - 5);
        ids[0] = w->vocab->cls;
        ids[length - 1] = w->vocab->sep;
        st = el_batch_add(&w->batch, ids, (int)length, (int)length);
    }
    free(ids);
    return st;
}

static el_status open_work(work *w, const bench_place *place, bool training)
{
    const bench_settings *s = place->settings;
    el_model_plan plan;
    *w = (work){.place = place};
    pretrain_defaults(&w->settings, s->model_size);
    w->settings.machine = s->machine;
    if (s->max_seq_length > w->settings.max_position_embeddings)
        w->settings.max_position_embeddings = s->max_seq_length;
    el_status st = make_vocab(&w->vocab);
    if (!st)
        st = pretrain_plan(&w->settings, VOCABULARY, &plan);
    if (!st) {
        plan.activations = place->type;
        plan.training = training;
        plan.generator = training;
        st = el_model_open(&w->model, place->dev, &plan);
    }
    const el_initialisation how = pretrain_initialisation(&w->settings);
    if (!st)
        st = el_model_initialise(&w->model, &how);
    return st ? st : make_batch(w, s->batch_size, s->max_seq_length);
}

static void close_work(work *w)
{
    if (w->objective)
        w->objective->close(w->objective);
    el_encoder_saved_free(&w->saved);
    if (w->model.dev)
        el_device_release(w->model.dev, &w->arena);
    el_model_close(&w->model);
    el_batch_release(&w->batch);
    el_vocab_close(w->vocab);
}

/* Everything that a step of electra pretrain does but reading and writing files. */
static el_status train(void *context)
{
    work *w = context;
    el_figures figures;
    el_model_zero_gradients(&w->model);
    w->objective->reset(w->objective);
    const el_status st = el_objective_run(w->objective, &w->batch, (el_random){1, 0, w->step}, true);
    w->objective->finish(w->objective, &figures);
    if (!st)
        el_optimizer_update(&w->optimizer, &w->model, 1e-5, el_gradient_norm(&w->model), w->step);
    w->step++;
    return st;
}

static json_t *report(const work *w, double flops, double seconds)
{
    const double rate = w->batch.rows / seconds;
    return json_pack("{s:f, s:f, s:f, s:f, s:f}", "tokens_per_second", rate, "flops_per_token", flops,
                     "milliseconds", 1e3 * seconds, "peak_share", rate * flops / w->place->peak,
                     "peak_gflops", w->place->peak / 1e9);
}

el_status bench_step(const bench_place *place, json_t **result)
{
    const bench_settings *s = place->settings;
    work w;
    double seconds = 0;
    el_status st = open_work(&w, place, true);
    if (!st) {
        const el_electra_settings settings = pretrain_objective(&w.settings, (int)s->max_seq_length);
        w.optimizer = pretrain_optimizer(&w.settings);
        st = el_electra_open(&w.objective, &w.model, w.vocab, &settings, (int)s->micro_batch_tokens);
    }
    if (!st)
        st = bench_median(s->seconds, 3, train, &w, &seconds);
    if (!st)
        *result =
            report(&w, el_training_flops(&w.model, w.settings.mask_prob, (double)s->max_seq_length), seconds);
    close_work(&w);
    return st;
}

static el_status infer(void *context)
{
    work *w = context;
    const el_network *net = &w->model.discriminator;
    el_encoder_forward(w->place->dev, &net->config, &net->w, &w->saved, &w->input);
    return EL_OK;
}

/* Activations of one forward pass over the whole batch; ids are host memory, as on this device. */
static el_status open_inference(work *w)
{
    const el_model *m = &w->model;
    const el_config *c = &m->discriminator.config;
    el_status st =
        el_encoder_saved_layout(&w->saved, &w->arena, c, w->batch.rows, m->activations, m->parameters, false);
    if (!st)
        st = el_device_reserve(m->dev, &w->arena);
    if (!st)
        st = el_encoder_saved_layout(&w->saved, &w->arena, c, w->batch.rows, m->activations, m->parameters,
                                     false);
    w->input = (el_input){.rows = w->batch.rows,
                          .ids = w->batch.ids,
                          .segments = w->batch.segments,
                          .positions = w->batch.positions,
                          .layout = {w->batch.starts, w->batch.sequences, el_batch_longest(&w->batch)}};
    return st;
}

el_status bench_infer(const bench_place *place, json_t **result)
{
    const bench_settings *s = place->settings;
    work w;
    double seconds = 0;
    el_status st = open_work(&w, place, false);
    if (!st)
        st = open_inference(&w);
    if (!st)
        st = bench_median(s->seconds, 5, infer, &w, &seconds);
    if (!st)
        *result =
            report(&w, el_config_flops(&w.model.discriminator.config, (double)s->max_seq_length), seconds);
    close_work(&w);
    return st;
}
