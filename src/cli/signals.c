/* signals - see the header */
#include "cli/signals.h"

#include <stddef.h>

static volatile sig_atomic_t stop_wanted;

/* A second signal ends the program at once: the handler is gone by then. */
static void on_signal(int number)
{
    (void)number;
    stop_wanted = 1;
}

const volatile sig_atomic_t *cli_catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND | SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
    return &stop_wanted;
}
