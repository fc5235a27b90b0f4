/* parts - what the files of the server share; private to serve/http/ */
#ifndef EL_HTTP_PARTS_H
#define EL_HTTP_PARTS_H

#include <microhttpd.h>
#include <stdatomic.h>

#include "base/thread.h"
#include "serve/http/answer.h"
#include "serve/http/meters.h"
#include "serve/http/server.h"

/* ---- connections.c ---- */

/* What a connection is doing, for the sweeper. */
typedef enum { EL_LINK_HEADERS, EL_LINK_BODY, EL_LINK_BUSY, EL_LINK_IDLE } el_link_state;

typedef struct el_link {
    int socket;
    el_link_state state;
    double since;
    struct el_link *before, *after;
} el_link;

/* Called by libmicrohttpd where a connection begins and ends, and where a request's first line has come. */
void el_link_notify(void *server, struct MHD_Connection *connection, void **link,
                    enum MHD_ConnectionNotificationCode code);
void *el_link_line(void *server, const char *uri, struct MHD_Connection *connection);
el_link *el_link_of(struct MHD_Connection *connection);
void el_link_enter(el_server *server, el_link *link, el_link_state state);
/* Whether the other side has closed it. */
bool el_link_gone(const el_link *link);

/* ---- the server ---- */

typedef struct {
    el_service *service;
    char *curves; /* of the run that it came from, as JSON */
} el_entry;

struct el_server {
    el_server_settings settings;
    const el_served *models;
    int count;
    el_service_settings how;
    struct MHD_Daemon *daemon;
    el_batcher *batcher;
    int port;
    bool local; /* listens on this machine alone */
    atomic_bool draining;
    atomic_int exchanges, connections; /* under way; open */
    el_lock *lock;
    /* under the lock */
    el_entry *entries; /* one a model */
    char *keys;        /* a key a line; NULL: none is wanted */
    el_link *links;
    /* the HTTP thread's */
    el_meters meters;
    int64_t body_bytes; /* of bodies that are being held */
    uint64_t numbered;  /* requests without an id of their own */
};

/* ---- exchange.c: a request and its answer ---- */

typedef struct el_exchange {
    el_request request; /* first: the batcher's job */
    el_server *server;
    struct MHD_Connection *connection;
    el_link *link;
    const struct el_route *route; /* NULL: none is at the address */
    bool openai;                  /* the address is one of theirs */
    const char *method;
    char host[256]; /* that it is for, "" where none is named */
    char id[65];
    char *body;
    size_t bytes, room;
    int refused; /* a code that is told once the body is there; its sentence: */
    char sentence[512];
    bool close;           /* nothing more is read from the connection */
    bool asked, answered; /* the batcher has had it; has done it */
    int code;             /* that was told */
    double began, read;   /* el_now()'s: headers there; seconds of reading */
} el_exchange;

el_status el_hosts_check(const char *names); /* of --allow-hosts; accepts NULL */
enum MHD_Result el_exchange_handle(void *server, struct MHD_Connection *connection, const char *url,
                                   const char *method, const char *version, const char *data, size_t *bytes,
                                   void **exchange);
void el_exchange_completed(void *server, struct MHD_Connection *connection, void **exchange,
                           enum MHD_RequestTerminationCode code);
/* The batcher's. */
bool el_exchange_wanted(void *server, el_batcher_job *job);
void el_exchange_done(void *server, el_batcher_job *job);

/* A response takes the text's memory; NULL, which ends the connection, without memory for one. */
struct MHD_Response *el_exchange_response(el_text *text);
enum MHD_Result el_exchange_queue(el_exchange *x, int code, const char *type, struct MHD_Response *response);
/* Both at once. */
enum MHD_Result el_exchange_send(el_exchange *x, int code, const char *type, el_text *text);
enum MHD_Result el_exchange_refuse(el_exchange *x, int code, const char *sentence);

/* ---- log.c ---- */

void el_exchange_log(const el_exchange *x);

/* ---- routes.c ---- */

typedef struct el_route {
    const char *path;
    bool open;     /* no key is needed */
    bool any_host; /* nor a host of ours: who looks whether it runs may know the machine by a number */
    bool post;     /* POST asks a model: */
    el_request_form form;
    enum MHD_Result (*get)(el_exchange *x); /* GET; NULL: there is none */
} el_route;

extern const el_route EL_ROUTES[];
extern const int EL_ROUTE_COUNT;

/* What is embedded when the program is built. */
extern const unsigned char el_page_html[], el_openapi_json[];
extern const unsigned long el_page_html_bytes, el_openapi_json_bytes;

/* ---- keys.c ---- */

el_status el_keys_read(char **keys, const char *path);
/* Whether "Bearer KEY" has one of them; takes the same time whichever letter is wrong. */
bool el_keys_have(const char *keys, const char *authorization);

/* ---- curves.c ---- */

/* Figures of the run that a model folder came from, as JSON on the heap; NULL without memory. */
char *el_curves_read(const char *folder);

#endif
