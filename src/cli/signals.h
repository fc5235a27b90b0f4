/* signals - asking a command that runs for long to stop
 *
 * SIGINT, SIGTERM, SIGUSR1 and SIGHUP set a flag; the command sees to the rest.  A second signal ends the program at once,
 * but not a second SIGHUP, nor one that came ignored.  A pipe that nobody reads any more ends nothing.
 */
#ifndef EL_CLI_SIGNALS_H
#define EL_CLI_SIGNALS_H

#include "base/stop.h"

/* From now on; the flag that is set. */
const el_stop *cli_catch_signals(void);

#endif
