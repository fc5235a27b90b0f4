/* server - its beginning, loading anew, and its end */
#define _GNU_SOURCE
#include "serve/http/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/pool.h"
#include "serve/http/parts.h"

enum { BACKLOG = 511, CONNECTION_BYTES = 32 << 10 };
enum { TOKENS_A_THREAD = 64 }; /* keep it busy (batcher.h) */
static const double QUIET = 0.3,
                    STEP = 0.02; /* seconds: of connections that ask nothing more; between two looks */

/* ---- models ---- */

static void release_entry(el_entry *e)
{
    el_service_release(e->service);
    free(e->curves);
    *e = (el_entry){0};
}

static el_status load_entry(const el_server *s, int number, el_entry *e)
{
    const el_served *const m = &s->models[number];
    *e = (el_entry){0};
    el_status st = el_service_open(&e->service, m->name, m->folder, &s->how);
    if (!st && !(e->curves = el_curves_read(m->folder)))
        st = el_no_memory(m->folder);
    if (st)
        release_entry(e);
    return st;
}

static el_status load_entries(el_server *s)
{
    s->entries = calloc((size_t)s->count, sizeof *s->entries);
    el_status st = s->entries ? EL_OK : el_no_memory(NULL);
    for (int i = 0; i < s->count && !st; i++)
        st = load_entry(s, i, &s->entries[i]);
    return st;
}

/* What it was goes as soon as nobody uses it any more. */
static void replace_entry(el_server *s, int number, el_entry *e)
{
    el_lock_take(s->lock);
    el_entry before = s->entries[number];
    s->entries[number] = *e;
    el_lock_give(s->lock);
    release_entry(&before);
}

static el_status reload_keys(el_server *s)
{
    char *keys = NULL;
    const el_status st = el_keys_read(&keys, s->settings.api_key_file);
    if (st)
        return st;
    el_lock_take(s->lock);
    char *const before = s->keys;
    s->keys = keys;
    el_lock_give(s->lock);
    free(before);
    return EL_OK;
}

void el_server_reload(el_server *s, el_server_tell *tell)
{
    if (s->settings.api_key_file)
        tell("keys", reload_keys(s));
    for (int i = 0; i < s->count; i++) {
        el_entry e;
        const el_status st = load_entry(s, i, &e);
        if (!st)
            replace_entry(s, i, &e);
        tell(s->models[i].name, st);
    }
}

static void compute(void *server, const el_part *parts, int count, bool passing)
{
    (void)server;
    const el_request *const r =
        (const el_request *)parts[0].job; /* all are of its service: it is their lane */
    el_service_compute(r->service, parts, count, passing);
}

static void halt(void *server)
{
    el_batcher_halt(((el_server *)server)->batcher);
}

/* ---- listening ---- */

typedef union {
    struct sockaddr any;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
} internet_address;

/* Not by getaddrinfo: a static program would need the system's C library for it. */
static bool read_address(internet_address *a, const char *host, int port)
{
    *a = (internet_address){0};
    if (inet_pton(AF_INET, host, &a->four.sin_addr) == 1) {
        a->four.sin_family = AF_INET;
        a->four.sin_port = htons((uint16_t)port);
        return true;
    }
    a->six.sin6_family = AF_INET6;
    a->six.sin6_port = htons((uint16_t)port);
    return inet_pton(AF_INET6, host, &a->six.sin6_addr) == 1;
}

static bool is_local(const internet_address *a)
{
    if (a->any.sa_family == AF_INET)
        return ntohl(a->four.sin_addr.s_addr) >> 24 == 127;
    const struct in6_addr *const six = &a->six.sin6_addr;
    return IN6_IS_ADDR_LOOPBACK(six) || (IN6_IS_ADDR_V4MAPPED(six) && six->s6_addr[12] == 127);
}

static el_status open_socket(el_server *s, int *listening)
{
    const int port = (int)s->settings.port, yes = 1;
    internet_address address;
    if (!read_address(&address, s->settings.host, port))
        return el_fail(EL_EUSAGE, "--host: \"%s\" is not the number of an address", s->settings.host);
    s->local = is_local(&address);
    socklen_t bytes = address.any.sa_family == AF_INET ? sizeof address.four : sizeof address.six;
    const int file = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const bool fine = file >= 0 && setsockopt(file, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
                      bind(file, &address.any, bytes) == 0 && listen(file, BACKLOG) == 0 &&
                      getsockname(file, &address.any, &bytes) == 0;
    if (!fine) {
        const int trouble = errno;
        if (file >= 0)
            close(file);
        return el_fail(EL_EFAILED, "%s, port %d: %s", s->settings.host, port, strerror(trouble));
    }
    s->port = ntohs(address.any.sa_family == AF_INET ? address.four.sin_port : address.six.sin6_port);
    *listening = file;
    return EL_OK;
}

/* What libmicrohttpd has to say is about clients, who hear it themselves. */
static void silence(void *context, const char *format, va_list arguments)
{
    (void)context, (void)format, (void)arguments;
}

static el_status start_daemon(el_server *s)
{
    int listening = -1;
    const el_server_settings *const set = &s->settings;
    const el_status st = open_socket(s, &listening);
    if (st)
        return st;
    s->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC | MHD_USE_ERROR_LOG, 0, NULL,
        NULL, el_exchange_handle, s, MHD_OPTION_EXTERNAL_LOGGER, silence, NULL, MHD_OPTION_LISTEN_SOCKET,
        listening, MHD_OPTION_NOTIFY_COMPLETED, el_exchange_completed, s, MHD_OPTION_NOTIFY_CONNECTION,
        el_link_notify, s, MHD_OPTION_URI_LOG_CALLBACK, el_link_line, s, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)set->max_connections, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        (unsigned)set->max_connections_per_address, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)set->idle_timeout, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
    if (s->daemon)
        return EL_OK;
    close(listening);
    return el_fail(EL_EFAILED, "the HTTP server cannot be started: %s", strerror(errno));
}

static el_status start_batcher(el_server *s)
{
    const el_server_settings *const set = &s->settings;
    const int threads = s->how.load.threads > 0 ? s->how.load.threads : el_processors();
    return el_batcher_open(&s->batcher, &(el_batcher_settings){.batch_tokens = (int)set->max_batch_tokens,
                                                               .few_tokens = TOKENS_A_THREAD * threads,
                                                               .most_jobs = (int)set->max_queue_requests,
                                                               .most_tokens = set->max_queue_tokens,
                                                               .compute = compute,
                                                               .wanted = el_exchange_wanted,
                                                               .done = el_exchange_done,
                                                               .context = s});
}

el_status el_server_open(el_server **out, const el_server_settings *settings, const el_served *models,
                         int count, const el_service_settings *how)
{
    el_server *const s = calloc(1, sizeof *s);
    if (!s)
        return el_no_memory(NULL);
    s->settings = *settings;
    s->models = models;
    s->count = count;
    s->how = *how;
    s->how.halt = (el_halt){halt, s};
    s->how.batch_tokens = (int)settings->max_batch_tokens;
    s->meters.started = (double)time(NULL);
    el_status st = el_hosts_check(settings->allow_hosts);
    if (!st)
        st = el_lock_open(&s->lock);
    if (!st && settings->api_key_file)
        st = reload_keys(s);
    if (!st)
        st = load_entries(s);
    if (!st)
        st = start_batcher(s);
    if (!st)
        st = start_daemon(s);
    if (!st)
        *out = s;
    else
        el_server_close(s);
    return st;
}

int el_server_port(const el_server *s)
{
    return s->port;
}

/* ---- the end ---- */

static void pause_a_step(el_server *s)
{
    el_server_sweep(s);
    el_lock_take(s->lock);
    el_lock_wait(s->lock, STEP);
    el_lock_give(s->lock);
}

/* Connections that the system has taken but nobody here are taken still: their requests were sent before the end. */
static void stop_listening(el_server *s)
{
    const int listening = MHD_quiesce_daemon(s->daemon);
    struct sockaddr_storage address;
    if (listening < 0)
        return;
    for (;;) {
        socklen_t bytes = sizeof address;
        const int file =
            accept4(listening, (struct sockaddr *)&address, &bytes, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (file < 0)
            break;
        MHD_add_connection(s->daemon, file, (struct sockaddr *)&address, bytes);
    }
    close(listening);
}

/* Answers say that their connections close; who asks nothing more is not waited for. */
static void await_answers(el_server *s, double end)
{
    double quiet = el_now();
    while (el_now() < end && atomic_load(&s->connections) && el_now() - quiet < QUIET) {
        if (atomic_load(&s->exchanges))
            quiet = el_now();
        pause_a_step(s);
    }
}

void el_server_drain(el_server *s)
{
    atomic_store(&s->draining, true);
    for (const double end = el_now() + s->settings.drain_delay; el_now() < end;)
        pause_a_step(s);
    const double end = el_now() + s->settings.grace;
    stop_listening(s);
    await_answers(s, end);
    el_batcher_drain(s->batcher, end - el_now());
    await_answers(s, el_now() + 1); /* 503 to the rest */
}

void el_server_close(el_server *s)
{
    if (!s)
        return;
    if (s->batcher)
        el_batcher_drain(s->batcher, 0); /* no connection sleeps any more */
    if (s->daemon)
        MHD_stop_daemon(s->daemon);
    el_batcher_close(s->batcher);
    for (int i = 0; s->entries && i < s->count; i++)
        release_entry(&s->entries[i]);
    free(s->entries);
    free(s->keys);
    el_lock_close(s->lock);
    free(s);
}
