/* helper - one thread that makes something ready while its owner computes
 *
 *     if ((st = el_helper_open(&helper))) return st;
 *     el_helper_start(helper, read_next, &next);        returns at once
 *     ...                                               the owner's work; it leaves `next` alone
 *     st = el_helper_wait(helper);                      what read_next returned, with its sentence
 *
 * One thing at a time: start and wait take turns.  Where no thread can be started, start() does the work itself.
 * Signals go to the program's own threads.
 */
#ifndef EL_BASE_HELPER_H
#define EL_BASE_HELPER_H

#include <stdbool.h>

#include "base/error.h"

typedef struct el_helper el_helper;
typedef el_status el_help(void *context);

el_status el_helper_open(el_helper **helper);
void el_helper_close(el_helper *helper); /* waits; accepts NULL */

void el_helper_start(el_helper *helper, el_help *help, void *context);
/* Whether what was started last is done, so that wait() would not wait. */
bool el_helper_done(el_helper *helper);
/* EL_OK at once where nothing was started. */
el_status el_helper_wait(el_helper *helper);

#endif
