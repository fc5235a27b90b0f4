/* none - built in place of the rest of this folder where libmicrohttpd is not there */
#include "serve/http/server.h"

el_status el_server_open(el_server **server, const el_server_settings *settings, const el_served *models,
                         int count, const el_service_settings *how)
{
    (void)server, (void)settings, (void)models, (void)count, (void)how;
    return el_fail(
        EL_EFAILED,
        "this program was built without libmicrohttpd (in Debian: libmicrohttpd-dev), which serving needs");
}

void el_server_close(el_server *server)
{
    (void)server;
}

int el_server_port(const el_server *server)
{
    (void)server;
    return 0;
}

void el_server_sweep(el_server *server)
{
    (void)server;
}

void el_server_reload(el_server *server, el_server_tell *tell)
{
    (void)server, (void)tell;
}

void el_server_drain(el_server *server)
{
    (void)server;
}
