/* static_http - whether a static program can start a server of libmicrohttpd (asked by CMakeLists.txt) */
#include <microhttpd.h>

int main(void)
{
    struct MHD_Daemon *const daemon =
        MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, NULL, NULL, MHD_OPTION_END);
    MHD_stop_daemon(daemon);
    return !daemon;
}
