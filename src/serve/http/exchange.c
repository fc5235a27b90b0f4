/* exchange - a request and its answer, from the headers to the end
 *
 *   begin     headers are there: what must not pass is refused at once, and the connection closed
 *   gather    pieces of the body
 *   ask       the body is there: what else is wrong is told; a question goes to the batcher, and its connection to sleep
 *   done      on the batcher's thread: wakes the connection
 *   answer    back on the HTTP thread
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/grow.h"
#include "base/number.h"
#include "serve/http/parts.h"

static const char TOO_LONG[] = "the body is longer than is taken";
enum {
    PATIENCE = 4
}; /* a body that goes on and on ends its connection at so many times the longest, with no answer */
static const int64_t MOST_BODY_BYTES = (int64_t)64 << 20; /* of all requests together, beside one */

/* ---- answers ---- */

static void header(struct MHD_Response *response, const char *name, const char *value)
{
    MHD_add_response_header(response, name, value);
}

static void header_seconds(struct MHD_Response *response, const char *name, double seconds)
{
    char value[32];
    el_number_print(value, sizeof value, "%.0f", 1e3 * seconds);
    header(response, name, value);
}

/* When it is worth to come again: once what waits is computed. */
static void header_retry(el_server *s, struct MHD_Response *response)
{
    char value[32];
    const el_batcher_figures f = el_batcher_look(s->batcher);
    const double seconds = f.rate > 0 ? (double)f.tokens / f.rate : 1;
    snprintf(value, sizeof value, "%d", seconds < 1 ? 1 : seconds > 60 ? 60 : (int)(seconds + 0.5));
    header(response, "Retry-After", value);
}

static void header_times(const el_exchange *x, struct MHD_Response *response)
{
    char tokens[16];
    const el_batcher_job *const job = &x->request.question.job;
    snprintf(tokens, sizeof tokens, "%d", x->request.tokens);
    header(response, "x-compute-tokens", tokens);
    header_seconds(response, "x-total-time", el_now() - x->began);
    header_seconds(response, "x-tokenization-time", x->read);
    header_seconds(response, "x-queue-time", job->taken - job->put);
    header_seconds(response, "x-inference-time", job->computed - job->taken);
}

static void add_headers(el_exchange *x, struct MHD_Response *response, int code, const char *type)
{
    header(response, "Content-Type", type);
    header(response, "X-Request-Id", x->id);
    header(response, "X-Content-Type-Options", "nosniff");
    if (x->answered)
        header_times(x, response);
    if (code == 429 || code == 503)
        header_retry(x->server, response);
    if (code == 401)
        header(response, "WWW-Authenticate", "Bearer");
    if (code == 405)
        header(response, "Allow",
               x->route->post && x->route->get ? "GET, HEAD, POST"
               : x->route->post                ? "POST"
                                               : "GET, HEAD");
    if (x->close || atomic_load(&x->server->draining))
        header(response, "Connection", "close");
}

enum MHD_Result el_exchange_queue(el_exchange *x, int code, const char *type, struct MHD_Response *response)
{
    x->code = code;
    el_link_enter(x->server, x->link, EL_LINK_BUSY);
    add_headers(x, response, code, type);
    const enum MHD_Result queued = MHD_queue_response(x->connection, (unsigned)code, response);
    MHD_destroy_response(response);
    return queued;
}

struct MHD_Response *el_exchange_response(el_text *text)
{
    struct MHD_Response *const response =
        text->failed ? NULL : MHD_create_response_from_buffer(text->bytes, text->data, MHD_RESPMEM_MUST_FREE);
    if (!response)
        free(text->data);
    return response;
}

enum MHD_Result el_exchange_send(el_exchange *x, int code, const char *type, el_text *text)
{
    struct MHD_Response *const response = el_exchange_response(text);
    return response ? el_exchange_queue(x, code, type, response) : MHD_NO;
}

static const char *kind_of(int code)
{
    return code == 400 || code == 413 || code == 415 || code == 422 ? "Validation"
           : code == 401 || code == 421                             ? "Unauthorized"
           : code == 404                                            ? "NotFound"
           : code == 405                                            ? "MethodNotAllowed"
           : code == 429                                            ? "Overloaded"
           : code == 424                                            ? "Backend"
                                                                    : "Unhealthy";
}

/* In the form of text-embeddings-inference, or under OpenAI's addresses in theirs. */
enum MHD_Result el_exchange_refuse(el_exchange *x, int code, const char *sentence)
{
    el_text text = {0};
    el_text_put(&text, x->openai ? "{\"error\":{\"message\":" : "{\"error\":");
    el_text_string(&text, sentence, strlen(sentence));
    if (x->openai)
        el_text_put(&text, ",\"type\":\"%s\",\"param\":null,\"code\":%d}}", kind_of(code), code);
    else
        el_text_put(&text, ",\"error_type\":\"%s\"}", kind_of(code));
    return el_exchange_send(x, code, "application/json", &text);
}

/* ---- begin ---- */

typedef struct {
    int lengths, encodings, spoiled, hosts;
    const char *length, *encoding;
} framing;

/* Whether a header is called so.  A name with more beside it is spoiled: libmicrohttpd leaves blanks and returns in it, and
 * adds to it what a value has in the next line.  X-Content-Length is another header. */
static bool is_called(const char *key, const char *name, framing *f)
{
    const char *const found = strcasestr(key, name);
    const bool whole = strcasecmp(key, name) == 0;
    f->spoiled += found && !whole && (found == key || found[-1] != '-');
    return whole;
}

static enum MHD_Result count_framing(void *context, enum MHD_ValueKind kind, const char *key,
                                     const char *value)
{
    framing *const f = context;
    (void)kind;
    if (is_called(key, MHD_HTTP_HEADER_CONTENT_LENGTH, f)) {
        f->lengths++;
        f->length = value;
    }
    if (is_called(key, MHD_HTTP_HEADER_TRANSFER_ENCODING, f)) {
        f->encodings++;
        f->encoding = value;
    }
    f->hosts += strcasecmp(key, MHD_HTTP_HEADER_HOST) == 0;
    return MHD_YES;
}

/* A code where the rest of the connection cannot be trusted, or is not worth to be read. */
static int check_framing(el_exchange *x, const char **sentence)
{
    framing f = {0};
    MHD_get_connection_values(x->connection, MHD_HEADER_KIND, count_framing, &f);
    if (f.spoiled) {
        *sentence = "Content-Length and Transfer-Encoding begin a line and end at their colon, their values "
                    "with the line";
        return 400;
    }
    if (f.lengths + f.encodings > 1) {
        *sentence = "a request has one Content-Length or one Transfer-Encoding";
        return 400;
    }
    if (f.hosts > 1) {
        *sentence = "a request has one Host";
        return 400;
    }
    if (f.encoding && strcasecmp(f.encoding, "chunked") != 0) {
        *sentence = "a Transfer-Encoding other than chunked is not taken";
        return 400;
    }
    if (f.length && strtoull(f.length, NULL, 10) > (unsigned long long)x->server->settings.max_body_bytes) {
        *sentence = TOO_LONG;
        return 413;
    }
    return 0;
}

static const char *header_of(const el_exchange *x, const char *name)
{
    return MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, name);
}

/* The client's own id where it is one. */
static void name_exchange(el_exchange *x)
{
    const char *const given = header_of(x, "X-Request-Id");
    static const char LETTERS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    const size_t bytes = given ? strlen(given) : 0;
    if (bytes > 0 && bytes < sizeof x->id && strspn(given, LETTERS) == bytes)
        memcpy(x->id, given, bytes + 1);
    else
        snprintf(x->id, sizeof x->id, "%llx-%llx", (unsigned long long)x->server->meters.started,
                 (unsigned long long)++x->server->numbered);
}

/* Host has a port behind it, and brackets around a number of IPv6. */
static bool starts_with_host(const char *host, const char *name)
{
    const size_t bytes = strlen(name);
    host += *host == '[' && *name != '[';
    return strncasecmp(host, name, bytes) == 0 && strchr(":]", host[bytes]); /* or its end */
}

/* The first name of a list, without the blanks around it; *names then stands at the comma, or the end. */
static size_t next_host(const char **names, const char **first)
{
    *first = *names + strspn(*names, " \t");
    *names += strcspn(*names, ",");
    const char *end = *names;
    while (end > *first && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    return (size_t)(end - *first);
}

el_status el_hosts_check(const char *names)
{
    const char *first;
    for (const char *at = names; at; at = *at ? at + 1 : NULL)
        if (next_host(&at, &first) == 0)
            return el_fail(EL_EUSAGE, "--allow-hosts: \"%s\" has an empty name", names);
    return EL_OK;
}

/* A page of elsewhere whose name was made to lead to this machine (DNS rebinding) asks for that name. */
static bool is_host(const el_exchange *x)
{
    const el_server *const s = x->server;
    const char *const own[] = {"localhost", "127.0.0.1", "::1", s->settings.host};
    const char *const host = x->host, *names = s->settings.allow_hosts;
    if ((x->route && x->route->any_host) || (!names && (!s->local || !*host)))
        return true;
    bool found = false;
    for (size_t i = 0; *host && i < sizeof own / sizeof *own; i++)
        found |= starts_with_host(host, own[i]);
    while (*host && names && *names && !found) {
        char name[256];
        const char *first;
        const size_t bytes = next_host(&names, &first);
        snprintf(name, sizeof name, "%.*s", (int)bytes, first);
        found = starts_with_host(host, name);
        names += *names == ',';
    }
    return found;
}

static bool is_json(const el_exchange *x)
{
    static const char JSON[] = "application/json";
    const char *const type = header_of(x, MHD_HTTP_HEADER_CONTENT_TYPE);
    const size_t bytes = sizeof JSON - 1;
    return type && strncasecmp(type, JSON, bytes) == 0 && strchr("; \t", type[bytes]); /* or its end */
}

static bool has_key(const el_exchange *x)
{
    el_server *const s = x->server;
    el_lock_take(s->lock);
    const bool has = !s->keys || el_keys_have(s->keys, header_of(x, MHD_HTTP_HEADER_AUTHORIZATION));
    el_lock_give(s->lock);
    return has;
}

static bool is(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

/* What is told once the body has been read; so a client that is still sending hears it. */
static int check_request(const el_exchange *x, const char **sentence)
{
    const el_route *const r = x->route;
    if (!is_host(x)) {
        *sentence = "this host is not served here; --allow-hosts names others";
        return 421;
    }
    if (!r) {
        *sentence = "there is no such address; /openapi.json lists those there are";
        return 404;
    }
    const bool get = r->get && (is(x->method, "GET") || is(x->method, "HEAD")),
               post = r->post && is(x->method, "POST");
    if (!get && !post) {
        *sentence = "this method is not for this address";
        return 405;
    }
    if (!has_key(x) && !(get && r->open)) {
        *sentence = header_of(x, MHD_HTTP_HEADER_AUTHORIZATION)
                        ? "this is no key of the server's: Authorization: Bearer KEY"
                        : "a key is wanted: Authorization: Bearer KEY";
        return 401;
    }
    if (post && !is_json(x)) {
        *sentence = "the body's Content-Type is not application/json";
        return 415;
    }
    return 0;
}

static void refuse_later(el_exchange *x, int code, const char *sentence)
{
    x->refused = code;
    snprintf(x->sentence, sizeof x->sentence, "%s", sentence);
}

static const el_route *find_route(const char *path)
{
    for (int i = 0; i < EL_ROUTE_COUNT; i++)
        if (is(path, EL_ROUTES[i].path))
            return &EL_ROUTES[i];
    return NULL;
}

/* What an address has of itself: http://HOST/PATH, as proxies are asked, has both. */
typedef struct {
    const char *host, *path;
    size_t host_bytes;
} target;

static target read_target(const char *url)
{
    static const char *const SCHEMES[] = {"http://", "https://"};
    for (size_t i = 0; i < sizeof SCHEMES / sizeof *SCHEMES; i++) {
        const size_t bytes = strlen(SCHEMES[i]);
        if (strncasecmp(url, SCHEMES[i], bytes) != 0)
            continue;
        const char *const host = url + bytes, *const path = host + strcspn(host, "/");
        return (target){host, *path ? path : "/", (size_t)(path - host)};
    }
    return (target){.path = url};
}

/* The address' own host counts where it has one (RFC 9112, 3.2.2).  One that is empty or too long is nobody's name. */
static void name_host(el_exchange *x, target t)
{
    const char *const said = t.host ? t.host : header_of(x, MHD_HTTP_HEADER_HOST);
    const size_t bytes = t.host ? t.host_bytes : said ? strlen(said) : 0;
    if (bytes > 0 && bytes < sizeof x->host)
        memcpy(x->host, said, bytes);
    else if (said)
        strcpy(x->host, "?");
}

static enum MHD_Result begin(el_server *s, struct MHD_Connection *connection, const char *url,
                             const char *method, void **context)
{
    const target t = read_target(url);
    el_exchange *const x = calloc(1, sizeof *x);
    if (!x)
        return MHD_NO;
    *x = (el_exchange){.server = s,
                       .connection = connection,
                       .link = el_link_of(connection),
                       .method = method,
                       .route = find_route(t.path),
                       .openai = strncmp(t.path, "/v1/", 4) == 0,
                       .began = el_now()};
    *context = x;
    atomic_fetch_add(&s->exchanges, 1);
    el_link_enter(s, x->link, EL_LINK_BODY);
    name_exchange(x);
    name_host(x, t);
    const char *sentence = NULL;
    const int code = check_framing(x, &sentence), later = code ? 0 : check_request(x, &sentence);
    if (code) {
        x->close = true;
        return el_exchange_refuse(x, code, sentence);
    }
    if (later)
        refuse_later(x, later, sentence);
    return MHD_YES;
}

/* ---- gather ---- */

static void drop_body(el_exchange *x)
{
    x->server->body_bytes -= (int64_t)x->room;
    free(x->body);
    x->body = NULL;
    x->room = 0;
}

static bool grow_body(el_exchange *x, size_t bytes)
{
    const size_t before = x->room;
    const bool fine = el_grow(&x->body, &x->room, bytes, 1);
    x->server->body_bytes += (int64_t)(x->room - before);
    return fine;
}

/* Of a refused request nothing is kept. */
static void gather(el_exchange *x, const char *data, size_t bytes)
{
    const el_server *const s = x->server;
    const size_t whole = x->bytes + bytes;
    if (x->refused != 413 && whole > (size_t)s->settings.max_body_bytes) {
        refuse_later(x, 413, TOO_LONG);
        x->close = true;
    } else if (!x->refused && s->body_bytes > MOST_BODY_BYTES) {
        refuse_later(x, 429, "too many bodies are being read");
    } else if (!x->refused && !grow_body(x, whole)) {
        refuse_later(x, 503, "no memory for the body");
    }
    if (!x->refused)
        memcpy(x->body + x->bytes, data, bytes);
    else
        drop_body(x);
    x->bytes = whole;
}

/* ---- ask ---- */

/* Who is named; where nobody is, the first of those that suit best, which may have to say that it cannot.  A server of one
 * model serves it under any name. */
static el_service *find_service(void *context, const char *name, el_request_form form)
{
    el_server *const s = context;
    el_service *found = NULL;
    int best = -1;
    el_lock_take(s->lock);
    for (int i = 0; i < s->count; i++) {
        el_service *const one = s->entries[i].service;
        const int fit =
            s->count > 1 && *name ? is(name, el_service_name(one)) - 1 : el_request_fit(form, one);
        if (fit > best) {
            found = one;
            best = fit;
        }
    }
    if (found)
        el_service_hold(found);
    el_lock_give(s->lock);
    if (!found)
        (void)el_fail(EL_EUSAGE, "there is no model of this name; /info lists them");
    return found;
}

static enum MHD_Result tell(el_exchange *x, int code)
{
    el_text text = {0};
    if (code == 200)
        code = el_answer_put(&text, &x->request);
    if (code == 200)
        return el_exchange_send(x, code, "application/json", &text);
    free(text.data);
    return el_exchange_refuse(x, code, el_error());
}

/* The connection sleeps before the batcher has the job: it might be done at once. */
static enum MHD_Result put(el_exchange *x)
{
    el_server *const s = x->server;
    x->asked = true;
    el_link_enter(s, x->link, EL_LINK_BUSY);
    MHD_suspend_connection(x->connection);
    const el_put put = el_batcher_put(s->batcher, &x->request.question.job);
    if (put == EL_PUT)
        return MHD_YES;
    refuse_later(x, put == EL_PUT_FULL ? 429 : 503,
                 put == EL_PUT_FULL ? "too much is waiting; come again" : "the server is stopping");
    MHD_resume_connection(x->connection);
    return MHD_YES;
}

static enum MHD_Result ask(el_exchange *x)
{
    el_server *const s = x->server;
    const el_request_limits limits = {(int)s->settings.max_inputs, (int)s->settings.max_request_tokens};
    const char *const model = MHD_lookup_connection_value(x->connection, MHD_GET_ARGUMENT_KIND, "model");
    const double began = el_now();
    const int code = el_request_read(&x->request, x->route->form, model, x->body ? x->body : "", x->bytes,
                                     limits, find_service, s);
    drop_body(x);
    x->read = el_now() - began;
    return code != 200 || x->request.form == EL_REQUEST_TOKENIZE ? tell(x, code) : put(x);
}

static enum MHD_Result answer(el_exchange *x)
{
    const el_question *const q = &x->request.question;
    if (q->job.dropped && !atomic_load(&x->server->draining))
        return MHD_NO; /* the client has left */
    if (q->job.dropped)
        return el_exchange_refuse(x, 503, "the server is stopping");
    if (q->computed.status)
        return el_exchange_refuse(x, q->computed.status == EL_EUSAGE ? 422 : 503, q->computed.sentence);
    return tell(x, 200);
}

enum MHD_Result el_exchange_handle(void *server, struct MHD_Connection *connection, const char *url,
                                   const char *method, const char *version, const char *data, size_t *bytes,
                                   void **context)
{
    el_exchange *const x = *context;
    (void)version;
    if (!x)
        return begin(server, connection, url, method, context);
    if (*bytes) {
        gather(x, data, *bytes);
        *bytes = 0;
        return x->bytes / PATIENCE > (size_t)x->server->settings.max_body_bytes ? MHD_NO : MHD_YES;
    }
    if (x->refused)
        return el_exchange_refuse(x, x->refused, x->sentence);
    if (x->asked)
        return answer(x);
    return is(x->method, "POST") ? ask(x) : x->route->get(x);
}

/* ---- the batcher's thread ---- */

bool el_exchange_wanted(void *server, el_batcher_job *job)
{
    (void)server;
    return !el_link_gone(((el_exchange *)job)->link);
}

void el_exchange_done(void *server, el_batcher_job *job)
{
    el_exchange *const x = (el_exchange *)job;
    (void)server;
    x->answered = true;
    MHD_resume_connection(x->connection);
}

/* ---- the end ---- */

static void measure(el_exchange *x)
{
    el_meters *const m = &x->server->meters;
    const el_batcher_job *const job = &x->request.question.job;
    el_meters_count(m, x->route ? (int)(x->route - EL_ROUTES) : EL_ROUTE_COUNT, x->code);
    if (!x->answered || x->code != 200)
        return;
    m->inputs += x->request.question.count;
    m->tokens += x->request.tokens;
    el_meters_time(m, EL_TIME_ALL, el_now() - x->began);
    el_meters_time(m, EL_TIME_TOKENIZATION, x->read);
    el_meters_time(m, EL_TIME_QUEUE, job->taken - job->put);
    el_meters_time(m, EL_TIME_INFERENCE, job->computed - job->taken);
}

void el_exchange_completed(void *server, struct MHD_Connection *connection, void **context,
                           enum MHD_RequestTerminationCode code)
{
    el_server *const s = server;
    el_exchange *const x = *context;
    (void)connection, (void)code;
    if (!x)
        return;
    *context = NULL;
    measure(x);
    if (s->settings.log_requests || s->settings.log_texts)
        el_exchange_log(x);
    el_link_enter(s, x->link, EL_LINK_IDLE);
    drop_body(x);
    el_request_release(&x->request);
    free(x);
    atomic_fetch_sub(&s->exchanges, 1);
}
