/* cmd_serve - electra serve: models answer over HTTP until a signal says otherwise
 *
 *   SIGTERM, SIGINT   everyone who has asked is answered, then it ends; a second one ends it at once
 *   SIGHUP            the models' folders are loaded anew
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/plural.h"
#include "cli/cli.h"
#include "engine/machine.h"
#include "engine/special.h"
#include "serve/http/server.h"
#include "text/utf8.h"

typedef struct {
    el_server_settings server;
    const char *const *models; /* NAME=FOLDER or FOLDER */
    el_machine machine;
    int pooling, special_tokens;
    bool check;
} settings;

#define AT(field) offsetof(settings, field)
static const el_option TABLE[] = {
    EL_TEXTS(
        "model", AT(models),
        "run, what `electra finetune` wrote, or Hugging Face folder; NAME=FOLDER gives it a name; may be given "
        "several times"),
    EL_TEXT("host", AT(server.host), "address to listen on; 0.0.0.0: all of this machine's"),
    EL_INT("port", AT(server.port), 0, 65535, "port to listen on; 0: one that is free"),
    EL_TEXT("api_key_file", AT(server.api_key_file),
            "file with a key a line; clients send one as `Authorization: Bearer KEY`"),
    EL_TEXT(
        "allow_hosts", AT(server.allow_hosts),
        "names that requests may be for, between commas, besides localhost and --host; default: any, on a "
        "local address these two alone"),
    EL_CHOICE("pooling", AT(pooling), "auto|mean|cls",
              "how vectors are made; auto: what a folder of sentence-transformers says, else mean"),
    EL_SPECIAL_OPTION(AT(special_tokens)),
    EL_SWITCH("check", AT(check),
              "load the models and keys and take the address, say what is wrong, and end"),
    EL_SECTION("limits"),
    EL_INT("max_body_bytes", AT(server.max_body_bytes), 1, 1 << 30, "bytes of one request; more is 413"),
    EL_INT("max_inputs", AT(server.max_inputs), 1, 1 << 20, "inputs of one request; more is 422"),
    EL_INT("max_request_tokens", AT(server.max_request_tokens), 1, 1 << 30,
           "tokens of one request; more is 422"),
    EL_INT("max_batch_tokens", AT(server.max_batch_tokens), 1, 1 << 24,
           "tokens computed at a time: more makes everyone in a batch wait for more"),
    EL_INT("max_queue_tokens", AT(server.max_queue_tokens), 1, 1e15, "tokens that may wait; more is 429"),
    EL_INT("max_queue_requests", AT(server.max_queue_requests), 1, 1 << 20,
           "requests that may wait; more is 429"),
    EL_INT("max_connections", AT(server.max_connections), 1, 1 << 20, "open connections"),
    EL_INT("max_connections_per_address", AT(server.max_connections_per_address), 0, 1 << 20,
           "the same, of one client's address; 0: as many"),
    EL_REAL("header_timeout", AT(server.header_timeout), 0.1, 86400, "seconds for a request's headers"),
    EL_REAL("body_timeout", AT(server.body_timeout), 0.1, 86400, "seconds for a request's body"),
    EL_REAL("idle_timeout", AT(server.idle_timeout), 1, 86400,
            "seconds that a connection may wait for its next request"),
    EL_REAL("drain_delay", AT(server.drain_delay), 0, 86400,
            "seconds in which /readyz says 503 and all else goes on, after SIGTERM; for load balancers"),
    EL_REAL("grace", AT(server.grace), 0, 86400, "seconds to answer everyone who has asked, after SIGTERM"),
    EL_SECTION("log"),
    EL_SWITCH("log_requests", AT(server.log_requests),
              "a JSON object a line on standard error for each request, without its texts"),
    EL_SWITCH("log_texts", AT(server.log_texts), "the same with the texts that were asked"),
    EL_SECTION("machine"),
    EL_MACHINE_OPTIONS(settings),
};

/* ---- models ---- */

typedef struct {
    el_served *models;
    char **names; /* on the heap */
    int count;
} models;

/* NAME=FOLDER, or a folder that is called by its last name, which may have a "=" in it. */
static el_status name_model(models *m, const char *said)
{
    const char *const equals = el_folder_exists(said) ? NULL : strchr(said, '=');
    const char *const folder = equals ? equals + 1 : said;
    size_t bytes = equals ? (size_t)(equals - said) : strlen(said);
    const char *name = said;
    while (!equals && bytes > 1 && said[bytes - 1] == '/')
        bytes--;
    for (size_t i = 0; !equals && i + 1 < bytes; i++)
        if (said[i] == '/')
            name = said + i + 1;
    bytes -= (size_t)(name - said);
    if (bytes == 0 || !*folder)
        return el_fail(EL_EUSAGE, "--model: \"%s\" is neither a folder nor NAME=FOLDER", said);
    if (el_utf8_valid(name, bytes) != bytes)
        return el_fail(EL_EUSAGE, "--model: the name of \"%s\" is not UTF-8; NAME=FOLDER gives another name",
                       said);
    char *const copy = strndup(name, bytes);
    if (!copy)
        return el_no_memory(NULL);
    for (int i = 0; i < m->count; i++)
        if (strcmp(copy, m->names[i]) == 0) {
            free(copy);
            return el_fail(EL_EUSAGE, "--model: two models are called %s; NAME=FOLDER gives another name",
                           m->names[i]);
        }
    m->names[m->count] = copy;
    m->models[m->count++] = (el_served){copy, folder};
    return EL_OK;
}

static el_status name_models(models *m, const char *const *said)
{
    int count = 0;
    while (said && said[count])
        count++;
    if (count == 0)
        return el_fail(EL_EUSAGE, "--model is missing: which run or model folder?");
    m->models = calloc((size_t)count, sizeof *m->models);
    m->names = calloc((size_t)count, sizeof *m->names);
    el_status st = m->models && m->names ? EL_OK : el_no_memory(NULL);
    for (int i = 0; i < count && !st; i++)
        st = name_model(m, said[i]);
    return st;
}

static void free_models(models *m)
{
    for (int i = 0; i < m->count; i++)
        free(m->names[i]);
    free(m->names);
    free(m->models);
}

/* ---- serving ---- */

/* systemd's Type=notify: a datagram says that it is ready. */
static void notify(const char *state)
{
    const char *const path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!path || strlen(path) >= sizeof address.sun_path)
        return;
    strcpy(address.sun_path, path);
    if (*path == '@')
        address.sun_path[0] = '\0';
    const int file = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (file < 0)
        return;
    sendto(file, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address,
           (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path)));
    close(file);
}

/* All threads begin with these blocked; they are waited for here alone. */
static void block_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
    sigprocmask(SIG_BLOCK, set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static void tell_reload(const char *name, el_status st)
{
    if (st)
        el_log(EL_LOG_WARNING, "%s: %s; what was loaded before is kept", name, el_error());
    else
        el_log(EL_LOG_NOTE, "%s: loaded anew", name);
}

static void serve_until_told(el_server *server, const sigset_t *signals)
{
    const struct timespec step = {.tv_nsec = 200000000};
    for (;;) {
        const int number = sigtimedwait(signals, NULL, &step);
        el_server_sweep(server);
        if (number == SIGHUP)
            el_server_reload(server, tell_reload);
        if (number == SIGTERM || number == SIGINT)
            break;
    }
    sigprocmask(SIG_UNBLOCK, signals, NULL); /* a second one ends it at once */
    signal(SIGHUP, SIG_IGN);
    notify("STOPPING=1");
    el_log(EL_LOG_NOTE, "stopping once everyone is answered");
    el_server_drain(server);
}

static void announce_and_serve(el_server *server, const char *host, const sigset_t *signals)
{
    const bool six = strchr(host, ':') != NULL;
    el_log(EL_LOG_NOTE, "listening on http://%s%s%s:%d", six ? "[" : "", host, six ? "]" : "",
           el_server_port(server));
    notify("READY=1");
    serve_until_told(server, signals);
}

static el_status serve(const settings *s)
{
    el_service_settings how = {.load = {.precision = (el_precision)s->machine.precision,
                                        .plain_special = s->special_tokens == EL_SPECIAL_PLAIN,
                                        .threads = (int)s->machine.threads},
                               .pooling = (el_pooling)s->pooling};
    models m = {0};
    el_server *server = NULL;
    sigset_t signals;
    block_signals(&signals);
    el_status st = el_machine_level(&s->machine, &how.load.level);
    if (!st)
        st = name_models(&m, s->models);
    if (!st)
        st = el_server_open(&server, &s->server, m.models, m.count, &how);
    if (!st && s->check)
        el_log(EL_LOG_NOTE, "nothing is wrong: it would serve %d model%s", m.count, el_s(m.count));
    else if (!st)
        announce_and_serve(server, s->server.host, &signals);
    el_server_close(server);
    free_models(&m);
    return st;
}

int cmd_serve(int argc, char **argv)
{
    settings s = {.server = {.host = "127.0.0.1",
                             .port = 8080,
                             .max_body_bytes = 2 << 20,
                             .max_inputs = 32,
                             .max_request_tokens = 16384,
                             .max_batch_tokens = 1024,
                             .max_queue_tokens = 65536,
                             .max_queue_requests = 512,
                             .max_connections = 1000,
                             .header_timeout = 10,
                             .body_timeout = 60,
                             .idle_timeout = 30,
                             .grace = 25},
                  .special_tokens = EL_SPECIAL_TOKENS};
    el_options options = {
        .command = "serve",
        .examples = "  electra serve --model run\n"
                    "  electra serve --model sst2=OUT --model run --port 3000 --log-requests\n"
                    "  electra serve --model OUT --host 0.0.0.0 --api-key-file keys\n"
                    "  electra serve --model OUT --port 0 --check\n",
        .summary =
            "answers over HTTP: a page at /, and for programs /predict, /embed, /detect, /fill, /rerank and "
            "others, which /openapi.json describes",
        .table = TABLE,
        .count = sizeof TABLE / sizeof *TABLE,
        .settings = &s,
    };
    int exit_code;
    if (!cli_parse(&options, argc, argv, &exit_code))
        return exit_code;
    exit_code = cli_exit("serve", serve(&s));
    el_options_close(&options);
    return exit_code;
}
