/* batcher - questions of many clients, computed together
 *
 * A job is one request: some parts (texts), each of so many tokens.  Jobs wait in a line.  One thread takes parts from
 * it, has them computed at once, and says of each job when its last part is done.
 *
 *   Lanes.    Parts are computed together if they go through the same network: if their jobs are of one lane.  A batch is
 *             of the lane of the first job in the line.
 *   Turns.    A part is due once so many tokens have been computed since it came as it costs itself, times EL_PATIENCE;
 *             who is due first stands first.  So everyone waits in proportion to what they ask: a short text goes before a
 *             long one that came a little earlier, and nobody is passed for ever.  A job gives one part at a time, and its
 *             next part comes when this one has been taken: a request of one text does not wait for all 32 of another.
 *   Passing.  A long batch halts between layers, where `compute` calls el_batcher_halt.  Parts that are short beside it are
 *             computed there and then: each time at most an EL_SHAREth of its tokens and of batch_tokens, and in all at most as
 *             many as it has, so that it takes twice its time at worst.
 *   Fullness. The line is bounded by jobs and by tokens: what is computed costs tokens, whether they come as one text or
 *             as many.  Who does not get in is told at once when to come again.
 *
 * No time is spent on waiting for a batch to fill: while one is computed the next gathers.  As batches are unpadded, a
 * part costs in company what it costs alone, and a larger batch makes everyone in it wait for all of it: measured on one
 * core, ELECTRA-Small computes as many tokens a second 16 at a time as 1024 at a time; on two it takes 128 to come near that.
 * So a batch is small while little waits: an EL_SHAREth of the line, between `few_tokens` and `batch_tokens`.
 *
 * Why short ones pass: texts are of very different lengths, and one thread computes.  At half load, first come first served,
 * one request in a hundred took over 20 times what it takes alone: a short one behind a long one.  Shorter ones first halves
 * that; what is left is the batch that has begun, which only a halt can end.  docs/performance.md has the measurements.
 */
#ifndef EL_SERVE_BATCHER_H
#define EL_SERVE_BATCHER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum {
    EL_PATIENCE = 3, /* times its own tokens: what others may have computed before a part is due */
    EL_SHARE = 4     /* of a batch and of the line: a quarter */
};

typedef struct el_batcher_job el_batcher_job;

/* Whoever puts it keeps the memory until it is done. */
struct el_batcher_job {
    const void *lane;
    int parts;
    const int *tokens; /* of each part */
    /* the batcher's own; times are el_now()'s, to be read when it is done */
    double put, taken, computed; /* when it came, when its first part was taken, when its last was computed */
    bool dropped;                /* it was given up: not all of its parts were computed */
    int next, left;              /* part to be taken; parts not yet computed */
    int64_t due;                 /* of the next part, on the clock of tokens computed */
    el_batcher_job *after;
};

typedef struct {
    el_batcher_job *job;
    int part;
} el_part;

typedef struct {
    int batch_tokens; /* a batch has so many at most */
    int few_tokens;   /* and may have so many however short the line is */
    int most_jobs;
    int64_t most_tokens; /* in the line; a job finds room in an empty one whatever its size */
    /* All of these run on the batcher's thread. */
    /* Parts of one lane; `passing`: at a halt of another compute(). */
    void (*compute)(void *context, const el_part *parts, int count, bool passing);
    bool (*wanted)(void *context,
                   el_batcher_job *job);              /* whether somebody waits for it still; NULL: always */
    void (*done)(void *context, el_batcher_job *job); /* computed or dropped; it is the putter's again */
    void *context;
} el_batcher_settings;

typedef struct el_batcher el_batcher;

el_status el_batcher_open(el_batcher **batcher, const el_batcher_settings *settings);
void el_batcher_close(el_batcher *batcher); /* drops what waits; accepts NULL */

typedef enum { EL_PUT, EL_PUT_FULL, EL_PUT_CLOSED } el_put;

/* From any thread.  Unless it is EL_PUT, the job is not the batcher's. */
el_put el_batcher_put(el_batcher *batcher, el_batcher_job *job);

/* Within compute(): lets short parts pass, and shows that it goes on. */
void el_batcher_halt(el_batcher *batcher);

/* No job gets in from now on; returns when all are done.  After `seconds` those that still wait are dropped. */
void el_batcher_drain(el_batcher *batcher, double seconds);

typedef struct {
    int jobs;                /* in the line or being computed */
    int64_t tokens;          /* in the line */
    int64_t batches, parts;  /* computed so far */
    int64_t computed_tokens; /* so far */
    int batch_parts, batch_tokens;
    double rate;  /* tokens a second while computing, of late; 0: not known */
    double alive; /* seconds since its thread last did something; 0 where nothing is to be done */
} el_batcher_figures;

el_batcher_figures el_batcher_look(el_batcher *batcher);

#endif
