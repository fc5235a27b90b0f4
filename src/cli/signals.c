/* signals - see the header */
#include "cli/signals.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

static el_stop stop_wanted;

/* A second signal ends the program at once: the handler is gone by then. */
static void on_signal(int number)
{
    (void)number;
    stop_wanted = 1;
}

static void catch_one(int number, int flags)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = flags | SA_RESTART}, before;
    sigemptyset(&action.sa_mask);
    const bool ignored = sigaction(number, NULL, &before) == 0 && before.sa_handler == SIG_IGN;
    if (number != SIGHUP || !ignored) /* as nohup wants it */
        sigaction(number, &action, NULL);
}

/* A terminal that closes may say so twice, by the shell and by the kernel. */
const el_stop *cli_catch_signals(void)
{
    catch_one(SIGINT, (int)SA_RESETHAND);
    catch_one(SIGTERM, (int)SA_RESETHAND);
    catch_one(SIGUSR1, (int)SA_RESETHAND);
    catch_one(SIGHUP, 0);
    signal(SIGPIPE, SIG_IGN);
    return &stop_wanted;
}
