/* signals - asking a command that runs for long to stop
 *
 * SIGINT, SIGTERM and SIGUSR1 set a flag; the command sees to the rest.  A second signal ends the program at once.
 */
#ifndef EL_CLI_SIGNALS_H
#define EL_CLI_SIGNALS_H

#include <signal.h>

/* From now on; the flag that is set. */
const volatile sig_atomic_t *cli_catch_signals(void);

#endif
