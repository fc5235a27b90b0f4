/* figures - of a step or an evaluation, as programs and people read them
 *
 * Figures that are not finite are left out.
 */
#ifndef EL_CLI_FIGURES_H
#define EL_CLI_FIGURES_H

#include <jansson.h>

#include "train/objective.h"

/* By their names. */
json_t *cli_figures_json(const el_figures *figures);
/* A line each. */
void cli_figures_print(const el_figures *figures);

#endif
