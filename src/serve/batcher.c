/* batcher - see the header */
#include "serve/batcher.h"

#include <assert.h>
#include <stdlib.h>

#include "base/thread.h"

static const double NEWS = 0.2; /* of the rate's estimate, how much is of the last batch */

struct el_batcher {
    el_batcher_settings settings;
    el_part *batch; /* the thread's own: a part has one token at least */
    el_thread *thread;
    el_lock *lock;
    /* under the lock */
    el_job *first, *last;
    bool shut, dropping, closing; /* nobody gets in; who waits is dropped; the thread ends */
    el_batcher_figures figures;
    double seen; /* when the thread last came by */
};

/* ---- the line ---- */

static void append(el_batcher *b, el_job *job)
{
    job->after = NULL;
    *(b->first ? &b->last->after : &b->first) = job;
    b->last = job;
}

/* Takes the job behind `before`, or the first, out of the line. */
static el_job *take_out(el_batcher *b, el_job *before)
{
    el_job *const job = before ? before->after : b->first;
    *(before ? &before->after : &b->first) = job->after;
    if (b->last == job)
        b->last = before;
    return job;
}

static int tokens_of(const el_job *job)
{
    return job->tokens[job->next];
}

static int64_t tokens_left(const el_job *job)
{
    int64_t tokens = 0;
    for (int i = job->next; i < job->parts; i++)
        tokens += job->tokens[i];
    return tokens;
}

/* Its next part goes into the batch; then it stands last in `again`, unless that was its last part. */
static void take_part(el_batcher *b, el_job *job, int *count)
{
    b->batch[(*count)++] = (el_part){job, job->next};
    b->figures.tokens -= tokens_of(job);
    job->taken = job->next == 0 ? el_now() : job->taken;
    job->next++;
}

/* Goes round the line, a part from each job that has one which fits, until no job has.  Jobs that gave a part stand behind
 * those that did not, in their order. */
static int take_batch(el_batcher *b, int *tokens)
{
    const void *const lane = b->first ? b->first->lane : NULL;
    int count = 0;
    bool more = b->first != NULL;
    *tokens = 0;
    while (more) {
        el_job *const end = b->last;
        more = false;
        for (el_job *before = NULL, *job = b->first, *after; job; job = after) {
            const bool last = job == end;
            after = last ? NULL : job->after;
            if (job->lane != lane || (count && *tokens + tokens_of(job) > b->settings.batch_tokens)) {
                before = job;
                continue;
            }
            *tokens += tokens_of(job);
            take_part(b, take_out(b, before), &count);
            if (job->next < job->parts)
                append(b, job), more = true;
        }
    }
    return count;
}

/* ---- the thread ---- */

static void finish(el_batcher *b, el_job *job)
{
    b->figures.jobs--;
    job->computed = el_now();
    el_lock_give(b->lock);
    b->settings.done(b->settings.context, job);
    el_lock_take(b->lock);
}

/* Of those that wait: parts in a batch keep theirs. */
static void drop(el_batcher *b, el_job *before)
{
    el_job *const job = take_out(b, before);
    b->figures.tokens -= tokens_left(job);
    job->dropped = true;
    job->left -= job->parts - job->next;
    assert(job->left == 0 && "between two batches nothing of a job is being computed");
    finish(b, job);
}

static void drop_unwanted(el_batcher *b)
{
    for (el_job *before = NULL, *job = b->first; job; job = before ? before->after : b->first)
        if (b->dropping || (b->settings.wanted && !b->settings.wanted(b->settings.context, job)))
            drop(b, before);
        else
            before = job;
}

static void note_batch(el_batcher *b, int count, int tokens, double seconds)
{
    el_batcher_figures *const f = &b->figures;
    f->batches++;
    f->parts += count;
    f->computed_tokens += tokens;
    f->batch_parts = count;
    f->batch_tokens = tokens;
    if (seconds > 0)
        f->rate = f->rate > 0 ? (1 - NEWS) * f->rate + NEWS * tokens / seconds : tokens / seconds;
}

static void compute_batch(el_batcher *b)
{
    int tokens;
    const int count = take_batch(b, &tokens);
    if (count == 0)
        return;
    el_lock_give(b->lock);
    const double began = el_now();
    b->settings.compute(b->settings.context, b->batch, count);
    const double seconds = el_now() - began;
    el_lock_take(b->lock);
    note_batch(b, count, tokens, seconds);
    for (int i = 0; i < count; i++)
        if (--b->batch[i].job->left == 0)
            finish(b, b->batch[i].job);
}

static void work(void *context)
{
    el_batcher *const b = context;
    el_lock_take(b->lock);
    while (!b->closing || b->first) {
        b->seen = el_now();
        if (!b->first)
            el_lock_wait(b->lock, 60);
        drop_unwanted(b);
        compute_batch(b);
        if (!b->first)
            el_lock_wake(b->lock); /* who drains */
    }
    el_lock_give(b->lock);
}

/* ---- for others ---- */

el_status el_batcher_open(el_batcher **out, const el_batcher_settings *settings)
{
    el_batcher *const b = calloc(1, sizeof *b);
    if (!b)
        return el_fail(EL_ENOMEM, "no memory for a queue");
    b->settings = *settings;
    b->batch = malloc((size_t)(settings->batch_tokens + 1) * sizeof *b->batch);
    el_status st = b->batch ? EL_OK : el_fail(EL_ENOMEM, "no memory for a queue");
    if (!st)
        st = el_lock_open(&b->lock);
    if (!st)
        st = el_thread_start(&b->thread, work, b);
    if (!st)
        *out = b;
    else
        el_batcher_close(b);
    return st;
}

void el_batcher_close(el_batcher *b)
{
    if (!b)
        return;
    if (b->thread) {
        el_lock_take(b->lock);
        b->shut = b->dropping = b->closing = true;
        el_lock_wake(b->lock);
        el_lock_give(b->lock);
        el_thread_join(b->thread);
    }
    el_lock_close(b->lock);
    free(b->batch);
    free(b);
}

static bool is_full(const el_batcher *b, int64_t tokens)
{
    const el_batcher_figures *const f = &b->figures;
    return f->jobs >= b->settings.most_jobs || (f->tokens && f->tokens + tokens > b->settings.most_tokens);
}

el_put el_batcher_put(el_batcher *b, el_job *job)
{
    assert(job->parts >= 1);
    job->next = 0;
    job->left = job->parts;
    job->dropped = false;
    job->put = job->taken = el_now();
    const int64_t tokens = tokens_left(job);
    el_lock_take(b->lock);
    const el_put put = b->shut ? EL_PUT_CLOSED : is_full(b, tokens) ? EL_PUT_FULL : EL_PUT;
    if (put == EL_PUT) {
        append(b, job);
        b->seen = b->figures.jobs++ ? b->seen : job->put;
        b->figures.tokens += tokens;
        el_lock_wake(b->lock);
    }
    el_lock_give(b->lock);
    return put;
}

void el_batcher_drain(el_batcher *b, double seconds)
{
    const double end = el_now() + seconds;
    el_lock_take(b->lock);
    b->shut = true;
    while (b->figures.jobs > 0) {
        const double left = end - el_now();
        if (left <= 0)
            b->dropping = true;
        el_lock_wait(b->lock, left > 0 ? left : 1);
    }
    el_lock_give(b->lock);
}

el_batcher_figures el_batcher_look(el_batcher *b)
{
    el_lock_take(b->lock);
    el_batcher_figures figures = b->figures;
    figures.alive = figures.jobs ? el_now() - b->seen : 0;
    el_lock_give(b->lock);
    return figures;
}
