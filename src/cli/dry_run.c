/* dry_run - see the header */
#include "cli/dry_run.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/clock.h"
#include "cli/bench.h"
#include "cli/cli.h"
#include "ops/cuda.h"
#include "train/reduce.h"

/* How long and how often a part of a step is tried. */
static const double TRIAL_SECONDS = 1;
enum { TRIAL_MOST = 100, EXCHANGES = 3 };

/* What a step costs: so much for each example, and so much once. */
typedef struct {
    double example, update;
} cost;

static double update_once(el_pretraining *run)
{
    const double start = el_now();
    el_optimizer_update(&run->trainer.optimizer, &run->model, 0, el_gradient_norm(&run->model), 0);
    return el_now() - start;
}

static el_status try_steps(const el_trainer *trial, el_progress *progress, int64_t steps, double *seconds)
{
    el_trainer some = *trial;
    const double before = progress->seconds;
    some.steps = progress->step + steps;
    const el_status st = el_trainer_run(&some, progress);
    *seconds = (progress->seconds - before) / (double)steps;
    return st;
}

/* Steps of as many examples as are worked on at a time, one that nothing is counted of and then some: a whole
 * step is more of the same and one update. */
static el_status measure_cost(el_pretraining *run, cost *c)
{
    const int64_t fitting = (int64_t)((double)run->settings->micro_batch_tokens / run->mean_length);
    el_trainer trial = run->trainer;
    trial.dist = NULL; /* each rank tries by itself, beside the others */
    trial.leaves = 1;
    trial.folder = NULL;
    trial.watch.on_event = NULL;
    trial.most_seconds = 0;
    trial.heldout = (el_example_source){0};
    trial.batch = (int)(fitting < 1 ? 1 : fitting < trial.batch ? fitting : trial.batch);
    double seconds;
    el_status st = try_steps(&trial, &run->progress, 1, &seconds);
    if (st)
        return st;
    const double wanted = seconds > 0 ? TRIAL_SECONDS / seconds : TRIAL_MOST;
    st = try_steps(&trial, &run->progress, (int64_t)fmax(1, fmin(wanted, TRIAL_MOST)), &seconds);
    if (st)
        return st;
    c->update = update_once(run);
    c->example = (seconds > c->update ? seconds - c->update : 0) / trial.batch;
    return EL_OK;
}

/* The slowest rank's cost is everyone's; and seconds that an exchange of all gradients takes. */
static el_status measure_ranks(const el_pretraining *run, cost *c, double *exchange)
{
    el_dist *const dist = run->trainer.dist;
    *exchange = 0;
    if (el_dist_size(dist) == 1)
        return EL_OK;
    cost all[dist->size];
    dist->gather(dist, c, sizeof *c, all);
    for (int i = 0; i < dist->size; i++) {
        c->example = fmax(c->example, all[i].example);
        c->update = fmax(c->update, all[i].update);
    }
    el_reduce reduce;
    el_status st = el_dist_agree(dist, el_reduce_open(&reduce, dist, run->objective));
    if (!st)
        el_reduce_connect(&reduce);
    double seconds[EXCHANGES + 1];
    for (int i = 0; !st && i <= EXCHANGES; i++) {
        const double start = el_now();
        st = el_dist_agree(dist, el_reduce_finish(&reduce));
        seconds[i] = el_now() - start;
    }
    if (!st)
        *exchange = bench_middle(seconds + 1, EXCHANGES);
    el_reduce_close(&reduce);
    return st;
}

/* Memory of a whole batch, which the trial steps did not need. */
static el_status take_batch(el_pretraining *run)
{
    const el_example_source *const source = &run->trainer.training;
    el_batch batch = {0};
    el_status st = source->read(source->context, 0, (int)run->settings->train_batch_size, &batch);
    if (!st)
        st = run->objective->begin(run->objective, &batch, (el_random){0});
    el_batch_release(&batch);
    return st;
}

/* What the run takes; shards are apart, whose pages are the system's to take back.  All of them are resident, as they were
 * verified, unless it has done so. */
static void print_memory(const el_pretraining *run)
{
    const el_tensor m = el_model_region(&run->model, EL_FIRST_MOMENTS);
    const double moments = 2e-6 * (double)el_tensor_bytes(m.rows, m.cols, m.type);
    const double copied = run->q->dev->host ? 0 : moments; /* to be written */
    const double mapped =
        1e-6 * (double)(el_loader_bytes(run->data) + (run->heldout ? el_loader_bytes(run->heldout) : 0));
    const double own = fmax(cli_resident_mb() - mapped, cli_anonymous_mb());
    printf("memory                %.0f MB, %.0f MB while a checkpoint is written\n", own, own + copied);
    printf("mapped shards         %.0f MB beside it, given back where memory is short\n", mapped);
}

static void print_gpu_memory(const el_queue *q)
{
    el_cuda_about about;
    if (el_machine_on_gpu(q) && !el_cuda_describe(el_cuda_number(q->dev), &about))
        printf("memory of the GPU     %.0f MB of %.0f\n", 1e-6 * (double)(about.total - about.free),
               1e-6 * (double)about.total);
}

/* What the run would take, from a short trial that writes nothing. */
el_status cli_dry_run(el_pretraining *run)
{
    const el_pretrain_settings *s = run->settings;
    el_dist *const dist = run->trainer.dist;
    const int ranks = el_dist_size(dist);
    const int64_t done = run->progress.step; /* before the trial's */
    cost c;
    double exchange = 0;
    el_status st = measure_cost(run, &c);
    if (!st)
        st = take_batch(run);
    st = el_dist_agree(dist, st);
    if (!st)
        st = measure_ranks(run, &c, &exchange);
    if (st || !el_dist_leads(dist))
        return st;
    const double steps = (double)s->num_train_steps, batch = (double)s->train_batch_size;
    const double alone = batch * c.example + c.update, step = batch / ranks * c.example + c.update + exchange;
    const double tokens = steps * batch * run->mean_length;
    const double rate = batch * run->mean_length / step;
    char time[32];
    cli_duration(time, sizeof time, fmax(0, steps - (double)done) * step);
    printf("parameters            %" PRId64 "\n", el_model_parameters(&run->model));
    printf("precision             %s\n", el_machine_precision(&s->machine));
    printf("operations per token  %.4g\n", run->trainer.flops_per_token);
    printf("operations in all     %.4g\n", run->trainer.flops_per_token * tokens);
    printf("tokens in all         %.4g, %.2f times those of the shards\n", tokens,
           tokens / (double)el_loader_tokens(run->data));
    if (run->resuming)
        printf("steps done            %" PRId64 " of %" PRId64 "; the expected time is that of the others\n",
               done, s->num_train_steps);
    print_memory(run);
    print_gpu_memory(run->q);
    printf("tokens per second     %.0f", rate);
    if (run->trainer.peak_flops > 0)
        printf(", %.0f %% of this machine's peak",
               100 * rate * run->trainer.flops_per_token / run->trainer.peak_flops / ranks);
    if (ranks > 1)
        printf("\nranks                 %d; %.0f ms of a step of %.0f ms are the exchange of gradients"
               "\nexpected efficiency   %.0f %% of %d times one rank",
               ranks, 1e3 * exchange, 1e3 * step, 100 * alone / step / ranks, ranks);
    printf("\nexpected time         %s, evaluations and checkpoints apart\n", time);
    return EL_OK;
}
