/* server - models answer over HTTP/1.1
 *
 *   one thread of libmicrohttpd   reads requests, cuts their texts into pieces, writes answers; never waits for a model
 *   one thread of the batcher     computes (batcher.h), on as many threads of a pool as a model was opened with
 *   the caller's                  signals, time-outs, loading a model anew
 *
 * libmicrohttpd 0.9.75, Debian 12's, lets some things pass that a server on a network must not; connections.c and
 * exchange.c see to them: a request with both Content-Length and Transfer-Encoding, with two lengths, or with one of them
 * spelt so that a proxy may read it and libmicrohttpd does not, is refused and its connection closed; a body is bounded as
 * declared and as it comes; who trickles a header or a body is cut off.
 *
 * The library has no need of this folder, and is built without it; a program built without libmicrohttpd has none.c in its
 * place, which says so.
 */
#ifndef EL_HTTP_SERVER_H
#define EL_HTTP_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "serve/service.h"

typedef struct {
    const char *host; /* a number: "127.0.0.1", "0.0.0.0", "::1" */
    int64_t port;     /* 0: any that is free */
    const char *api_key_file, *allow_hosts;
    int64_t max_body_bytes, max_inputs, max_request_tokens; /* of one request */
    int64_t max_batch_tokens;                               /* computed at a time */
    int64_t max_queue_tokens, max_queue_requests;           /* that wait */
    int64_t max_connections, max_connections_per_address;
    double header_timeout, body_timeout, idle_timeout; /* seconds */
    double drain_delay, grace;
    bool log_requests, log_texts;
} el_server_settings;

typedef struct {
    const char *name, *folder;
} el_served;

typedef struct el_server el_server;

/* Loads the models, and listens.  What it is given outlives it. */
el_status el_server_open(el_server **server, const el_server_settings *settings, const el_served *models,
                         int count, const el_service_settings *how);
void el_server_close(el_server *server); /* accepts NULL */

int el_server_port(const el_server *server);

/* To be called several times a second: cuts off whoever is too slow. */
void el_server_sweep(el_server *server);

/* How "keys", or the model of this name, was loaded. */
typedef void el_server_tell(const char *name, el_status status);

/* Loads the keys, where there are any, and each model's folder anew, while requests are answered by what was there; those
 * under way end with it.  What does not open keeps the old one.  Each is told of. */
void el_server_reload(el_server *server, el_server_tell *tell);

/* Says that it is not ready, waits drain_delay, accepts nobody any more, and returns once everyone is answered, or after
 * `grace` with 503. */
void el_server_drain(el_server *server);

#endif
