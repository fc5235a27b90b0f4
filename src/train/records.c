/* records - see the header */
#include "train/records.h"

#include <inttypes.h>
#include <math.h>

#include "base/file.h"
#include "base/log.h"
#include "train/figures.h"

/* ---- speed ---- */

void el_records_begin(el_records *r)
{
    r->tokens = 0;
    r->seconds = 0;
    r->waited = r->t->dist ? r->t->dist->waited : 0;
    r->exchanged = r->t->dist ? r->t->dist->exchanged : 0;
}

void el_records_clear(el_records *r)
{
    el_progress_clear(r->p);
    el_records_begin(r);
}

void el_records_add(el_records *r, int tokens, double seconds)
{
    r->p->tokens += tokens;
    r->p->seconds += seconds;
    r->tokens += tokens;
    r->seconds += seconds;
}

el_speed el_records_speed(const el_records *r)
{
    el_speed speed = {0};
    if (r->seconds <= 0)
        return speed;
    speed.tokens_per_second = (double)r->tokens / r->seconds;
    if (r->t->dist) {
        speed.waiting = (r->t->dist->waited - r->waited) / r->seconds;
        speed.network = (r->t->dist->exchanged - r->exchanged) / r->seconds;
    }
    return speed;
}

/* ---- lines ---- */

static void put_real(json_t *line, const char *key, double value)
{
    if (isfinite(value)) /* JSON has no others */
        json_object_set_new(line, key, json_real(value));
}

static json_t *line_of(const el_records *r, const char *kind)
{
    return json_pack("{s:s, s:I, s:I}", "kind", kind, "step", (json_int_t)r->p->step, "tokens",
                     (json_int_t)r->p->tokens);
}

/* What was spent so far. */
static void put_flops(const el_records *r, json_t *line)
{
    if (r->t->flops_per_token > 0) {
        double paper;
        put_real(line, "flops", el_trainer_flops(r->t, r->p, &paper));
        put_real(line, "flops_paper", paper);
    }
}

static el_status put_line(el_records *r, json_t *line)
{
    if (!line)
        return el_no_memory(NULL);
    const el_status st = r->metrics.path ? el_metrics_put(&r->metrics, line) : EL_OK;
    json_decref(line);
    r->p->lines++;
    return st;
}

el_status el_records_training(el_records *r, const el_figures *means, double learning_rate)
{
    const el_trainer *t = r->t;
    const el_speed speed = el_records_speed(r);
    const int ranks = el_dist_size(t->dist);
    json_t *line = line_of(r, EL_METRICS_TRAINING);
    if (t->schedule.restart > 0)
        json_object_set_new(line, "stage", json_integer(r->p->step > t->schedule.restart ? 2 : 1));
    for (int i = 0; i < means->count; i++) {
        const el_figure_kind *const kind = el_figure_kind_of(means->names[i]);
        if (!kind || !kind->of_many)
            put_real(line, means->names[i], means->values[i]);
    }
    put_real(line, "learning_rate", learning_rate);
    put_real(line, "gradient_norm", el_progress_norm(r->p));
    json_object_set_new(line, "skipped", json_integer(r->p->window_skipped));
    put_flops(r, line);
    put_real(line, "seconds", r->p->seconds);
    put_real(line, "tokens_per_second", speed.tokens_per_second);
    if (t->peak_flops > 0)
        put_real(line, "peak_share", speed.tokens_per_second * t->flops_per_token / t->peak_flops / ranks);
    if (ranks > 1) {
        json_object_set_new(line, "ranks", json_integer(ranks));
        put_real(line, "waiting_share", speed.waiting);
        put_real(line, "network_share", speed.network);
    }
    return put_line(r, line);
}

el_status el_records_evaluation(el_records *r, const el_figures *figures, double seconds)
{
    json_t *line = line_of(r, EL_METRICS_EVALUATION);
    for (int i = 0; i < figures->count; i++)
        put_real(line, figures->names[i], figures->values[i]);
    if (figures->alike)
        json_object_set_new(line, "all_alike", json_true());
    put_flops(r, line);
    put_real(line, "seconds", seconds);
    return put_line(r, line);
}

/* ---- opening ---- */

el_status el_records_open(el_records *r, const el_trainer *t, el_progress *p)
{
    *r = (el_records){.t = t, .p = p};
    if (!t->folder || !el_dist_leads(t->dist))
        return EL_OK;
    const el_path path = el_path_in(t->folder, EL_METRICS_FILE);
    const int64_t lines = p->lines;
    el_status st = el_metrics_open(&r->metrics, path.text, p->step, &p->lines);
    if (!st && p->lines < lines)
        el_log(EL_LOG_WARNING, "%s: has %" PRId64 " of the %" PRId64 " lines that the checkpoint knows of",
               path.text, p->lines, lines);
    if (!st && t->tensorboard)
        st = el_metrics_mirror(&r->metrics, t->folder);
    return st;
}

void el_records_close(el_records *r)
{
    el_metrics_close(&r->metrics);
}
