/* meters - what Prometheus is told of a server; of the HTTP thread alone
 *
 * Names are those of text-embeddings-inference with electra_ in place of te_.
 */
#ifndef EL_HTTP_METERS_H
#define EL_HTTP_METERS_H

#include <stdint.h>

#include "serve/batcher.h"
#include "serve/http/text.h"

/* What takes time in a request. */
typedef enum { EL_TIME_ALL, EL_TIME_TOKENIZATION, EL_TIME_QUEUE, EL_TIME_INFERENCE, EL_TIMES } el_time;

enum { EL_TIME_BUCKETS = 14, EL_MOST_ROUTES = 32, EL_MOST_CODES = 24 };

typedef struct {
    int64_t within[EL_TIME_BUCKETS + 1]; /* the last: longer than all */
    double sum;
} el_histogram;

typedef struct {
    int64_t requests[EL_MOST_ROUTES], successes[EL_MOST_ROUTES];
    int codes[EL_MOST_CODES]; /* of failures; 0: the client left */
    int64_t failures[EL_MOST_CODES];
    int code_count;
    int64_t inputs, tokens;
    el_histogram times[EL_TIMES];
    double started; /* seconds of the epoch */
} el_meters;

/* A request that has ended: with this code, 0 where the client left before. */
void el_meters_count(el_meters *meters, int route, int code);
void el_meters_time(el_meters *meters, el_time time, double seconds);

typedef struct {
    const char *const *routes; /* names */
    int route_count, connections;
    el_batcher_figures batcher;
} el_meters_more;

/* Prometheus' text format. */
void el_meters_put(el_text *text, const el_meters *meters, const el_meters_more *more);

#endif
