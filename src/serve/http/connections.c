/* connections - what each is doing and since when, so that who trickles is cut off
 *
 * libmicrohttpd's own time-out begins again with every byte.  Here a request has so long for all of its headers, and then
 * for all of its body.  A connection that is kept alive has the idle time-out for its next request to begin; its first line
 * is in time if it comes within both together.
 */
#include <stdlib.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "serve/http/parts.h"

static void unlink_it(el_server *s, el_link *link)
{
    *(link->before ? &link->before->after : &s->links) = link->after;
    if (link->after)
        link->after->before = link->before;
}

void el_link_notify(void *server, struct MHD_Connection *connection, void **context,
                    enum MHD_ConnectionNotificationCode code)
{
    el_server *const s = server;
    el_link *link = *context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        link = calloc(1, sizeof *link); /* without it the connection has no time-outs of ours */
        *context = link;
        if (!link)
            return;
        link->socket = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        link->since = el_now();
        el_lock_take(s->lock);
        link->after = s->links;
        if (s->links)
            s->links->before = link;
        s->links = link;
        el_lock_give(s->lock);
        atomic_fetch_add(&s->connections, 1);
    } else if (link) {
        el_lock_take(s->lock);
        unlink_it(s, link);
        el_lock_give(s->lock);
        atomic_fetch_sub(&s->connections, 1);
        free(link);
    }
}

el_link *el_link_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *const info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

void el_link_enter(el_server *s, el_link *link, el_link_state state)
{
    if (!link)
        return;
    el_lock_take(s->lock);
    link->state = state;
    link->since = el_now();
    el_lock_give(s->lock);
}

void *el_link_line(void *server, const char *uri, struct MHD_Connection *connection)
{
    (void)uri;
    el_link *const link = el_link_of(connection);
    if (link && link->state == EL_LINK_IDLE)
        el_link_enter(server, link, EL_LINK_HEADERS);
    return NULL;
}

bool el_link_gone(const el_link *link)
{
    char byte;
    return link && recv(link->socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

void el_server_sweep(el_server *s)
{
    const el_server_settings *const set = &s->settings;
    const double now = el_now(), limits[] = {[EL_LINK_HEADERS] = set->header_timeout,
                                             [EL_LINK_BODY] = set->body_timeout,
                                             [EL_LINK_IDLE] = set->idle_timeout + set->header_timeout};
    el_lock_take(s->lock);
    for (el_link *link = s->links; link; link = link->after)
        if (link->state != EL_LINK_BUSY && now - link->since > limits[link->state]) {
            shutdown(link->socket, SHUT_RDWR); /* libmicrohttpd sees it end, and closes it */
            link->since = now;
        }
    el_lock_give(s->lock);
}
