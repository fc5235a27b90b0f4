/* meters - see the header */
#include "serve/http/meters.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/file.h"

static const double BOUNDS[EL_TIME_BUCKETS] = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                               0.1,    0.25,  0.5,    1,     2.5,  5,     10};
static const struct {
    const char *name, *help;
} TIMES[EL_TIMES] = {
    {"request_duration", "Seconds from a request's headers to the end of its answer"},
    {"request_tokenization_duration", "Seconds in which texts are read and cut into pieces"},
    {"request_queue_duration", "Seconds until the first part of a request is computed"},
    {"request_inference_duration", "Seconds from there until its last part is computed"},
};

void el_meters_count(el_meters *m, int route, int code)
{
    m->requests[route]++;
    if (code >= 200 && code < 300) {
        m->successes[route]++;
        return;
    }
    int at = 0;
    while (at < m->code_count && m->codes[at] != code)
        at++;
    if (at == EL_MOST_CODES)
        return;
    m->codes[at] = code;
    m->code_count = at < m->code_count ? m->code_count : at + 1;
    m->failures[at]++;
}

void el_meters_time(el_meters *m, el_time time, double seconds)
{
    int bucket = 0;
    while (bucket < EL_TIME_BUCKETS && seconds > BOUNDS[bucket])
        bucket++;
    m->times[time].within[bucket]++;
    m->times[time].sum += seconds;
}

static void head(el_text *t, const char *name, const char *type, const char *help)
{
    el_text_put(t, "# HELP %s %s.\n# TYPE %s %s\n", name, help, name, type);
}

static void put_value(el_text *t, const char *name, const char *type, const char *help, double value)
{
    head(t, name, type, help);
    el_text_put(t, "%s %.17g\n", name, value);
}

static void put_routes(el_text *t, const char *name, const char *help, const int64_t *counts,
                       const el_meters_more *more)
{
    head(t, name, "counter", help);
    for (int i = 0; i < more->route_count; i++)
        el_text_put(t, "%s{route=\"%s\"} %" PRId64 "\n", name, more->routes[i], counts[i]);
}

static void put_failures(el_text *t, const el_meters *m)
{
    head(t, "electra_request_failure", "counter",
         "Requests that failed, by the code of HTTP; 0: the client left");
    for (int i = 0; i < m->code_count; i++)
        el_text_put(t, "electra_request_failure{code=\"%d\"} %" PRId64 "\n", m->codes[i], m->failures[i]);
}

static void put_histogram(el_text *t, const el_histogram *h, const char *name, const char *help)
{
    char whole[80];
    int64_t sum = 0;
    snprintf(whole, sizeof whole, "electra_%s", name);
    head(t, whole, "histogram", help);
    for (int i = 0; i < EL_TIME_BUCKETS; i++)
        el_text_put(t, "%s_bucket{le=\"%.10g\"} %" PRId64 "\n", whole, BOUNDS[i], sum += h->within[i]);
    sum += h->within[EL_TIME_BUCKETS];
    el_text_put(t, "%s_bucket{le=\"+Inf\"} %" PRId64 "\n%s_sum %.9g\n%s_count %" PRId64 "\n", whole, sum,
                whole, h->sum, whole, sum);
}

/* Pages of memory and of address space, from /proc. */
static void put_process(el_text *t, const el_meters *m)
{
    char pages[256] = "";
    long long whole = 0, resident = 0;
    struct rusage usage;
    el_file_begin("/proc/self/statm", pages, sizeof pages);
    sscanf(pages, "%lld %lld", &whole, &resident);
    getrusage(RUSAGE_SELF, &usage);
    const double page = (double)sysconf(_SC_PAGESIZE);
    const double seconds = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                           1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
    put_value(t, "process_cpu_seconds_total", "counter", "Seconds of processor time", seconds);
    put_value(t, "process_resident_memory_bytes", "gauge", "Bytes of memory in use", page * (double)resident);
    put_value(t, "process_virtual_memory_bytes", "gauge", "Bytes of address space in use",
              page * (double)whole);
    put_value(t, "process_start_time_seconds", "gauge", "When the process started, in seconds since 1970",
              m->started);
}

void el_meters_put(el_text *t, const el_meters *m, const el_meters_more *more)
{
    const el_batcher_figures *const b = &more->batcher;
    put_routes(t, "electra_request_count", "Requests that have ended", m->requests, more);
    put_routes(t, "electra_request_success", "Requests that were answered with a code below 300",
               m->successes, more);
    put_failures(t, m);
    put_value(t, "electra_request_inputs", "counter", "Inputs of computed requests", (double)m->inputs);
    put_value(t, "electra_request_tokens", "counter", "Tokens of computed requests", (double)m->tokens);
    for (int i = 0; i < EL_TIMES; i++)
        put_histogram(t, &m->times[i], TIMES[i].name, TIMES[i].help);
    put_value(t, "electra_queue_size", "gauge", "Requests that wait or are being computed", b->jobs);
    put_value(t, "electra_queue_tokens", "gauge", "Tokens that wait", (double)b->tokens);
    put_value(t, "electra_batch_count", "counter", "Batches computed", (double)b->batches);
    put_value(t, "electra_batch_tokens_total", "counter", "Tokens computed", (double)b->computed_tokens);
    put_value(t, "electra_batch_next_size", "gauge", "Parts of the last batch", b->batch_parts);
    put_value(t, "electra_batch_next_tokens", "gauge", "Tokens of the last batch", b->batch_tokens);
    put_value(t, "electra_connections", "gauge", "Open connections", more->connections);
    put_process(t, m);
}
