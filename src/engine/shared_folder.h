/* shared_folder - a folder in which ranks work beside each other without exchanging anything
 *
 * Whether all are well they tell by a file in it, which whoever fails removes: on a full disk too.
 */
#ifndef EL_ENGINE_SHARED_FOLDER_H
#define EL_ENGINE_SHARED_FOLDER_H

#include "dist/dist.h"

extern const char EL_ALL_WELL[]; /* the file's name */

/* All ranks: EL_EUSAGE where one of them does not see rank 0's folder, which is there.  Leaves nothing in it. */
el_status el_shared_folder_check(el_dist *dist, const char *folder);

/* Rank 0, before the others go on: all are well. */
el_status el_all_well_say(const char *folder);
/* All ranks, behind that and before any work: none goes on before all have seen it. */
el_status el_all_well_await(el_dist *dist, const char *folder);
/* No longer; the failure's sentence stays. */
void el_all_well_end(const char *folder);
/* Whether one has failed. */
bool el_all_well_ended(const char *folder);

#endif
