/* routes - the table of addresses, and what is told without asking a model */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "electra.h"
#include "serve/http/parts.h"

static const double STUCK =
    10; /* seconds in which the thread that computes has done nothing although it should */

static enum MHD_Result send_text(el_exchange *x, int code, const char *type, const char *text)
{
    el_text t = {0};
    el_text_put(&t, "%s", text);
    return el_exchange_send(x, code, type, &t);
}

static enum MHD_Result get_live(el_exchange *x)
{
    return send_text(x, 200, "text/plain; charset=utf-8", "alive\n");
}

static enum MHD_Result get_ready(el_exchange *x)
{
    el_server *const s = x->server;
    if (atomic_load(&s->draining))
        return el_exchange_refuse(x, 503, "the server is stopping");
    if (el_batcher_look(s->batcher).alive > STUCK)
        return el_exchange_refuse(x, 503, "nothing has been computed for a while");
    return send_text(x, 200, "text/plain; charset=utf-8", "ready\n");
}

static enum MHD_Result get_metrics(el_exchange *x)
{
    static const char *names[EL_MOST_ROUTES];
    el_server *const s = x->server;
    el_text t = {0};
    int count = 0;
    for (; count < EL_ROUTE_COUNT; count++)
        names[count] = EL_ROUTES[count].path;
    names[count++] = "other";
    const el_meters_more more = {.routes = names,
                                 .route_count = count,
                                 .connections = atomic_load(&s->connections),
                                 .batcher = el_batcher_look(s->batcher)};
    el_meters_put(&t, &s->meters, &more);
    return el_exchange_send(x, 200, "text/plain; version=0.0.4; charset=utf-8", &t);
}

/* ---- /info ---- */

static void put_string(el_text *t, const char *key, const char *value)
{
    el_text_put(t, "\"%s\":", key);
    el_text_string(t, value, strlen(value));
}

static void put_labels(el_text *t, const el_task_card *card)
{
    el_text_put(t, ",\"labels\":[");
    for (int i = 0; i < card->labels.count; i++) {
        el_text_raw(t, ",", i > 0);
        el_text_string(t, card->labels.names[i], strlen(card->labels.names[i]));
    }
    el_text_raw(t, "]", 1);
}

/* Without its braces. */
static void put_model(el_text *t, const el_service *s)
{
    const el_loaded *const l = el_service_loaded(s);
    bool any = false;
    put_string(t, "model_id", el_service_name(s));
    el_text_put(t, ",\"model_dtype\":\"%s\",\"asks\":[",
                l->model.int8                     ? "int8"
                : l->model.activations == EL_BF16 ? "bfloat16"
                                                  : "float32");
    int longest = 0;
    for (int a = 0; a < EL_ASKS; a++)
        if (el_service_can(s, (el_ask)a)) {
            el_text_put(t, "%s\"%s\"", any ? "," : "", EL_ASK_NAMES[a]);
            longest = any ? longest : el_service_longest(s, (el_ask)a);
            any = true;
        }
    el_text_put(t, "],\"max_input_length\":%d,\"hidden_size\":%d,\"vocab_size\":%d", longest,
                el_service_width(s), l->vocab->size);
    if (l->tuned) {
        el_text_put(t, ",\"kind\":\"%s\",", el_task_kind_name(l->card.kind));
        put_string(t, "task", l->card.task);
        el_text_put(t, ",\"pair\":%s", l->card.pair ? "true" : "false");
        put_labels(t, &l->card);
    }
}

static void put_models(el_text *t, el_server *s)
{
    for (int i = 0; i < s->count; i++) {
        el_text_put(t, i ? ",{" : "{");
        put_model(t, s->entries[i].service);
        el_text_raw(t, "}", 1);
    }
}

static enum MHD_Result get_info(el_exchange *x)
{
    el_server *const s = x->server;
    const el_server_settings *const set = &s->settings;
    el_text t = {0};
    el_text_raw(&t, "{", 1);
    el_lock_take(s->lock);
    put_model(&t, s->entries[0].service);
    el_text_put(&t, ",\"models\":[");
    put_models(&t, s);
    el_lock_give(s->lock);
    el_text_put(&t,
                "],\"max_client_batch_size\":%" PRId64 ",\"max_request_tokens\":%" PRId64
                ",\"max_batch_tokens\":%" PRId64 ",\"max_concurrent_requests\":%" PRId64
                ",\"max_body_bytes\":%" PRId64 ",\"auto_truncate\":true,",
                set->max_inputs, set->max_request_tokens, set->max_batch_tokens, set->max_queue_requests,
                set->max_body_bytes);
    put_string(&t, "version", electra_version());
    el_text_raw(&t, "}", 1);
    return el_exchange_send(x, 200, "application/json", &t);
}

/* As OpenAI lists models. */
static enum MHD_Result get_models(el_exchange *x)
{
    el_server *const s = x->server;
    el_text t = {0};
    el_text_put(&t, "{\"object\":\"list\",\"data\":[");
    el_lock_take(s->lock);
    for (int i = 0; i < s->count; i++) {
        el_text_put(&t, i ? ",{" : "{");
        put_string(&t, "id", el_service_name(s->entries[i].service));
        el_text_put(&t, ",\"object\":\"model\",\"created\":%.0f,\"owned_by\":\"electra\"}",
                    s->meters.started);
    }
    el_lock_give(s->lock);
    el_text_put(&t, "]}");
    return el_exchange_send(x, 200, "application/json", &t);
}

static enum MHD_Result get_curves(el_exchange *x)
{
    el_server *const s = x->server;
    const char *const name = MHD_lookup_connection_value(x->connection, MHD_GET_ARGUMENT_KIND, "model");
    el_text t = {0};
    el_lock_take(s->lock);
    for (int i = 0; i < s->count && !t.bytes; i++)
        if (!name || strcmp(name, el_service_name(s->entries[i].service)) == 0)
            el_text_put(&t, "%s", s->entries[i].curves);
    el_lock_give(s->lock);
    return t.bytes ? el_exchange_send(x, 200, "application/json", &t)
                   : el_exchange_refuse(x, 404, "there is no model of this name; /info lists them");
}

static enum MHD_Result get_openapi(el_exchange *x)
{
    el_text t = {0};
    el_text_raw(&t, el_openapi_json, el_openapi_json_bytes);
    return el_exchange_send(x, 200, "application/json", &t);
}

/* ---- the page ---- */

/* Its script and style run because they name a number that nobody could know before. */
static bool make_nonce(char nonce[33])
{
    unsigned char random[16];
    if (getrandom(random, sizeof random, 0) != sizeof random)
        return false;
    for (size_t i = 0; i < sizeof random; i++)
        snprintf(nonce + 2 * i, 3, "%02x", random[i]);
    return true;
}

static void put_page(el_text *t, const char *nonce)
{
    static const char PLACE[] = "{{nonce}}";
    const char *at = (const char *)el_page_html, *const end = at + el_page_html_bytes;
    for (const char *place; (place = memmem(at, (size_t)(end - at), PLACE, sizeof PLACE - 1));
         at = place + sizeof PLACE - 1) {
        el_text_raw(t, at, (size_t)(place - at));
        el_text_put(t, "%s", nonce);
    }
    el_text_raw(t, at, (size_t)(end - at));
}

static enum MHD_Result get_page(el_exchange *x)
{
    char nonce[33], policy[400];
    el_text t = {0};
    if (!make_nonce(nonce))
        return el_exchange_refuse(x, 503, "the system gives no random number");
    put_page(&t, nonce);
    struct MHD_Response *const response = el_exchange_response(&t);
    if (!response)
        return MHD_NO;
    snprintf(
        policy, sizeof policy,
        "default-src 'none'; script-src 'nonce-%s'; style-src 'nonce-%s'; connect-src 'self'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        nonce, nonce);
    MHD_add_response_header(response, "Content-Security-Policy", policy);
    MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
    MHD_add_response_header(response, "Cache-Control", "no-store");
    return el_exchange_queue(x, 200, "text/html; charset=utf-8", response);
}

/* ---- the table ---- */

#define POST(address, which)                                                                                 \
    {                                                                                                        \
        .path = address, .post = true, .form = which                                                         \
    }
#define PROBE(address, function)                                                                             \
    {                                                                                                        \
        .path = address, .open = true, .any_host = true, .get = function                                     \
    }
#define GET(address, public, function)                                                                       \
    {                                                                                                        \
        .path = address, .open = public, .get = function                                                     \
    }

const el_route EL_ROUTES[] = {
    {.path = "/", .open = true, .post = true, .form = EL_REQUEST_OWN, .get = get_page},
    POST("/predict", EL_REQUEST_PREDICT),
    POST("/tag", EL_REQUEST_TAG),
    POST("/answer", EL_REQUEST_ANSWER),
    POST("/embed", EL_REQUEST_EMBED),
    POST("/detect", EL_REQUEST_DETECT),
    POST("/fill", EL_REQUEST_FILL),
    POST("/rerank", EL_REQUEST_RERANK),
    POST("/v1/rerank", EL_REQUEST_RERANK),
    POST("/v1/embeddings", EL_REQUEST_OPENAI),
    POST("/tokenize", EL_REQUEST_TOKENIZE),
    GET("/v1/models", false, get_models),
    GET("/info", false, get_info),
    GET("/curves", false, get_curves),
    GET("/openapi.json", true, get_openapi),
    PROBE("/health", get_live),
    PROBE("/livez", get_live),
    PROBE("/readyz", get_ready),
    GET("/metrics", true, get_metrics),
};
const int EL_ROUTE_COUNT = sizeof EL_ROUTES / sizeof *EL_ROUTES;
_Static_assert(sizeof EL_ROUTES / sizeof *EL_ROUTES < EL_MOST_ROUTES,
               "each has its meter, and so have all others");
