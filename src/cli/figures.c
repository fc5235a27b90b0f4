/* figures - see the header */
#include "cli/figures.h"

#include <math.h>
#include <stdio.h>

json_t *cli_figures_json(const el_figures *figures)
{
    json_t *const object = json_object();
    for (int i = 0; i < figures->count; i++)
        if (isfinite(figures->values[i]))
            json_object_set_new(object, figures->names[i], json_real(figures->values[i]));
    return object;
}

void cli_figures_print(const el_figures *figures)
{
    for (int i = 0; i < figures->count; i++)
        if (isfinite(figures->values[i]))
            printf("%-24s %.4f\n", figures->names[i], figures->values[i]);
}
