/* batcher - see the header */
#include "serve/batcher.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/thread.h"

static const double NEWS = 0.2; /* of the rate's estimate, how much is of the last batch */

/* What is computed at once. */
typedef struct {
    el_part *parts; /* a part has one token at least */
    int count, tokens;
    int64_t may_pass; /* tokens of others, at its halts */
    double away;      /* seconds that they took */
} batch;

struct el_batcher {
    el_batcher_settings settings;
    batch usual, passing; /* the thread's own */
    bool halted;          /* the same: `passing` is being computed */
    el_thread *thread;
    el_lock *lock;
    /* under the lock */
    el_batcher_job *first;        /* the next is due no earlier */
    int64_t clock;                /* tokens computed */
    bool shut, dropping, closing; /* nobody gets in; who waits is dropped; the thread ends */
    el_batcher_figures figures;
    double seen; /* when the thread last came by, or halted */
};

/* ---- the line ---- */

static int tokens_of(const el_batcher_job *job)
{
    return job->tokens[job->next];
}

/* Behind everyone who is due when its next part is, or before. */
static void enter(el_batcher *b, el_batcher_job *job)
{
    el_batcher_job *before = NULL, *after = b->first;
    job->due = b->clock + (int64_t)EL_PATIENCE * tokens_of(job);
    for (; after && after->due <= job->due; after = after->after)
        before = after;
    job->after = after;
    *(before ? &before->after : &b->first) = job;
}

/* Takes the job behind `before`, or the first, out of the line. */
static el_batcher_job *take_out(el_batcher *b, el_batcher_job *before)
{
    el_batcher_job *const job = before ? before->after : b->first;
    *(before ? &before->after : &b->first) = job->after;
    return job;
}

static int64_t tokens_left(const el_batcher_job *job)
{
    int64_t tokens = 0;
    for (int i = job->next; i < job->parts; i++)
        tokens += job->tokens[i];
    return tokens;
}

/* Its next part goes into the batch; the one behind that, if any, into the line. */
static void take_part(el_batcher *b, el_batcher_job *job, batch *into)
{
    into->parts[into->count++] = (el_part){job, job->next};
    into->tokens += tokens_of(job);
    b->figures.tokens -= tokens_of(job);
    job->taken = job->next == 0 ? el_now() : job->taken;
    if (++job->next < job->parts)
        enter(b, job);
}

/* Whoever is due first and fits, until nobody fits. */
static void take_batch(el_batcher *b, batch *into, int64_t most)
{
    const void *lane = NULL;
    into->count = into->tokens = 0;
    for (el_batcher_job *before = NULL, *job = b->first; job;) {
        const bool fits = into->tokens + tokens_of(job) <= most && (!lane || job->lane == lane);
        if (fits) {
            lane = job->lane;
            take_part(b, take_out(b, before), into);
        }
        before = fits ? NULL : job;
        job = fits ? b->first : job->after;
    }
}

/* ---- the thread ---- */

static void finish(el_batcher *b, el_batcher_job *job)
{
    b->figures.jobs--;
    job->computed = el_now();
    el_lock_give(b->lock);
    b->settings.done(b->settings.context, job);
    el_lock_take(b->lock);
}

/* Of those that wait: parts in a batch keep theirs. */
static void drop(el_batcher *b, el_batcher_job *before)
{
    el_batcher_job *const job = take_out(b, before);
    b->figures.tokens -= tokens_left(job);
    job->dropped = true;
    job->left -= job->parts - job->next;
    assert(job->left == 0 && "between two batches nothing of a job is being computed");
    finish(b, job);
}

static void drop_unwanted(el_batcher *b)
{
    for (el_batcher_job *before = NULL, *job = b->first; job; job = before ? before->after : b->first)
        if (b->dropping || (b->settings.wanted && !b->settings.wanted(b->settings.context, job)))
            drop(b, before);
        else
            before = job;
}

static void note_batch(el_batcher *b, const batch *done, double seconds)
{
    el_batcher_figures *const f = &b->figures;
    f->batches++;
    f->parts += done->count;
    f->computed_tokens += done->tokens;
    f->batch_parts = done->count;
    f->batch_tokens = done->tokens;
    if (seconds > 0)
        f->rate = f->rate > 0 ? (1 - NEWS) * f->rate + NEWS * done->tokens / seconds : done->tokens / seconds;
}

/* Under the lock, which is given meanwhile.  Returns the seconds that it took. */
static double compute_batch(el_batcher *b, batch *now)
{
    now->may_pass = now->tokens;
    now->away = 0;
    el_lock_give(b->lock);
    const double began = el_now();
    b->settings.compute(b->settings.context, now->parts, now->count, now == &b->passing);
    const double seconds = el_now() - began;
    el_lock_take(b->lock);
    b->clock += now->tokens;
    note_batch(b, now, seconds - now->away);
    for (int i = 0; i < now->count; i++)
        if (--now->parts[i].job->left == 0)
            finish(b, now->parts[i].job);
    return seconds;
}

/* Under the lock: short parts, beside what waits at its halt. */
static void let_pass(el_batcher *b)
{
    batch *const waits = &b->usual;
    const int64_t usual = b->settings.batch_tokens;
    const int64_t most = (waits->tokens < usual ? waits->tokens : usual) / EL_SHARE;
    take_batch(b, &b->passing, most < waits->may_pass ? most : waits->may_pass);
    if (b->passing.count == 0)
        return;
    b->halted = true;
    waits->may_pass -= b->passing.tokens;
    waits->away += compute_batch(b, &b->passing);
    b->halted = false;
}

/* However long a batch is, who halts is computing. */
void el_batcher_halt(el_batcher *b)
{
    el_lock_take(b->lock);
    b->seen = el_now();
    if (!b->halted)
        let_pass(b);
    el_lock_give(b->lock);
}

/* What the next batch may have: the first of the line, however long it is. */
static int64_t next_tokens(const el_batcher *b)
{
    const int64_t first = b->first ? tokens_of(b->first) : 0, few = b->settings.few_tokens;
    int64_t most = b->figures.tokens / EL_SHARE;
    most = most > few ? most : few;
    most = most < b->settings.batch_tokens ? most : b->settings.batch_tokens;
    return most > first ? most : first;
}

static void compute_next(el_batcher *b)
{
    take_batch(b, &b->usual, next_tokens(b));
    if (b->usual.count)
        compute_batch(b, &b->usual);
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
        compute_next(b);
        if (!b->first)
            el_lock_wake(b->lock); /* who drains */
    }
    el_lock_give(b->lock);
}

/* ---- for others ---- */

static el_status reserve(el_batcher *b)
{
    const size_t most = (size_t)b->settings.batch_tokens + 1;
    b->usual.parts = malloc(most * sizeof *b->usual.parts);
    b->passing.parts = malloc(most * sizeof *b->passing.parts);
    return b->usual.parts && b->passing.parts ? EL_OK : el_no_memory(NULL);
}

el_status el_batcher_open(el_batcher **out, const el_batcher_settings *settings)
{
    el_batcher *const b = calloc(1, sizeof *b);
    if (!b)
        return el_no_memory(NULL);
    b->settings = *settings;
    el_status st = reserve(b);
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
    free(b->usual.parts);
    free(b->passing.parts);
    free(b);
}

static bool is_full(const el_batcher *b, int64_t tokens)
{
    const el_batcher_figures *const f = &b->figures;
    return f->jobs >= b->settings.most_jobs || (f->tokens && f->tokens + tokens > b->settings.most_tokens);
}

el_put el_batcher_put(el_batcher *b, el_batcher_job *job)
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
        enter(b, job);
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
