/* log - a JSON object a line on standard error for each request; its texts are in it only where that was asked for */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "serve/http/parts.h"

static void log_texts(el_text *line, const el_request *r)
{
    el_text_put(line, ",\"texts\":[");
    for (int i = 0; i < r->question.count; i++)
        for (int t = 0; t < 2 && r->question.queries[i].text[t]; t++) {
            el_text_raw(line, ",", i || t);
            el_text_string(line, r->question.queries[i].text[t], r->question.queries[i].bytes[t]);
        }
    el_text_raw(line, "]", 1);
}

static const char *known_method(const char *method)
{
    static const char *const METHODS[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"};
    for (size_t i = 0; i < sizeof METHODS / sizeof *METHODS; i++)
        if (strcmp(method, METHODS[i]) == 0)
            return METHODS[i];
    return "other";
}

/* One line, whole, of one call. */
void el_exchange_log(const el_exchange *x)
{
    const el_batcher_job *const job = &x->request.question.job;
    struct timespec now;
    struct tm utc;
    char time_text[40];
    el_text line = {0};
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    strftime(time_text, sizeof time_text, "%Y-%m-%dT%H:%M:%S", &utc);
    el_text_put(&line,
                "{\"time\":\"%s.%03ldZ\",\"id\":\"%s\",\"method\":\"%s\",\"route\":\"%s\",\"status\":%d,"
                "\"inputs\":%d,\"tokens\":%d,\"total_ms\":%.3f,\"read_ms\":%.3f",
                time_text, now.tv_nsec / 1000000, x->id, known_method(x->method),
                x->route ? x->route->path : "", x->code, x->request.question.count, x->request.tokens,
                1e3 * (el_now() - x->began), 1e3 * x->read);
    if (x->answered)
        el_text_put(&line, ",\"queue_ms\":%.3f,\"compute_ms\":%.3f", 1e3 * (job->taken - job->put),
                    1e3 * (job->computed - job->taken));
    if (x->server->settings.log_texts)
        log_texts(&line, &x->request);
    el_text_put(&line, "}\n");
    if (!line.failed)
        fwrite(line.data, 1, line.bytes, stderr);
    free(line.data);
}
