/* bench_model - electra bench step, infer: a whole training step, a whole encoder, on full sequences of random ids */
#include <stdio.h>
#include <stdlib.h>

#include "cli/bench.h"
#include "cli/cli.h"
#include "train/pass.h"

enum { SEED = 1 };

static el_status open_objective(bench_model *m)
{
    const bench_settings *s = m->place->settings;
    const el_objective_settings settings = el_pretrain_objective(&m->settings, (int)s->max_seq_length);
    m->optimizer = el_pretrain_optimizer(&m->settings);
    const bool whole =
        el_machine_on_gpu(m->place->q) && !el_options_given(m->place->options, "micro_batch_tokens");
    return el_objective_open(&m->objective, EL_ELECTRA, &m->model, el_loader_vocab(m->data), &settings,
                             (int)(whole ? s->batch_size * s->max_seq_length : s->micro_batch_tokens));
}

el_status bench_model_open(bench_model *m, const bench_place *place, bool training)
{
    const bench_settings *s = place->settings;
    el_model_plan plan;
    *m = (bench_model){.place = place};
    el_pretrain_defaults(&m->settings, s->model_size);
    m->settings.machine = s->machine;
    if (!training)
        m->settings.choice.told.sampler = EL_SAMPLER_UNIFORM; /* the discriminator alone */
    if (s->max_seq_length > m->settings.max_position_embeddings)
        m->settings.max_position_embeddings = s->max_seq_length;
    el_status st = bench_data_open(&m->data, s);
    if (!st)
        st = el_pretrain_plan(&m->settings, el_loader_vocab(m->data)->size, &plan);
    plan.training = training;
    if (!st)
        st = el_model_open(&m->model, place->q, &plan);
    const el_initialisation how = el_pretrain_initialisation(&m->settings);
    if (!st)
        st = el_model_initialise(&m->model, &how);
    if (!st)
        st = el_loader_batch(m->data, SEED, 0, (int)s->batch_size, &m->batch);
    if (!st && training)
        st = open_objective(m);
    return st;
}

void bench_model_close(bench_model *m)
{
    if (m->objective)
        m->objective->close(m->objective);
    el_model_close(&m->model);
    el_batch_release(&m->batch);
    el_loader_close(m->data);
}

el_status bench_model_train(bench_model *m)
{
    const int64_t count = m->place->settings->batch_size;
    const el_random random = {SEED, 0, (uint32_t)m->steps};
    el_figures figures;
    el_status st = el_loader_batch(m->data, SEED, m->steps * count, (int)count, &m->batch);
    if (st)
        return st;
    m->objective->reset(m->objective);
    st = el_objective_run(m->objective, &m->batch, random, true);
    m->objective->finish(m->objective, &figures);
    if (!st)
        el_optimizer_update(&m->optimizer, &m->model, 1e-5, el_gradient_norm(&m->model), m->steps);
    m->steps++;
    return st;
}

json_t *bench_model_report(const bench_model *m, double flops, double seconds)
{
    const double rate = m->batch.rows / seconds;
    return json_pack("{s:f, s:f, s:f, s:f, s:f}", "tokens_per_second", rate, "flops_per_token", flops,
                     "milliseconds", 1e3 * seconds, "peak_share", bench_share(rate * flops, m->place->peak),
                     "peak_gflops", m->place->peak / 1e9);
}

static el_status train(void *context)
{
    return bench_model_train(context);
}

el_status bench_step(const bench_place *place, json_t **result)
{
    const bench_settings *s = place->settings;
    bench_model m;
    double seconds = 0;
    el_status st = bench_model_open(&m, place, true);
    if (!st)
        st = bench_median(s->seconds, 3, train, &m, &seconds);
    if (!st) {
        const double flops = el_objective_flops(EL_ELECTRA, &m.model, m.settings.choice.told.mask_prob.last,
                                                (double)s->max_seq_length);
        *result = bench_model_report(&m, flops, seconds);
        json_object_set_new(*result, "resident_mb", json_real(cli_resident_mb()));
    }
    bench_model_close(&m);
    return st;
}

/* ---- electra bench infer ---- */

typedef struct {
    bench_model model;
    el_pass pass;
} inference;

static el_status infer(void *context)
{
    inference *w = context;
    el_pass_hidden(&w->pass);
    return w->pass.q->wait(w->pass.q);
}

/* Room for one forward pass over the whole batch, and the batch. */
static el_status open_inference(inference *w)
{
    const el_model *const m = &w->model.model;
    w->pass = (el_pass){.q = w->model.place->q, .model = m, .net = &m->networks[0]};
    const el_status st = el_pass_reserve(&w->pass, w->model.batch.rows);
    if (st)
        return st;
    el_pass_send(&w->pass, &w->model.batch);
    return w->pass.q->wait(w->pass.q);
}

el_status bench_infer(const bench_place *place, json_t **result)
{
    const bench_settings *s = place->settings;
    inference w = {0};
    double seconds = 0;
    el_status st = bench_model_open(&w.model, place, false);
    if (!st)
        st = open_inference(&w);
    if (!st)
        st = bench_median(s->seconds, 5, infer, &w, &seconds);
    if (!st)
        *result = bench_model_report(
            &w.model, el_config_flops(&w.model.model.networks[0].config, (double)s->max_seq_length), seconds);
    el_pass_close(&w.pass);
    bench_model_close(&w.model);
    return st;
}
