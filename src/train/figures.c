/* figures - see the header */
#include "train/figures.h"

#include <stddef.h>
#include <string.h>

const el_figure_kind EL_FIGURE_KINDS[] = {
    {"generator_loss", "gen", "generator loss", NULL, false},
    {"unigram_entropy", NULL, "unigram entropy", "generator_loss", true}, /* of a small sample far too low */
    {"discriminator_loss", "disc", NULL, NULL, false},
    {"generator_accuracy", "acc", "accuracy", NULL, false},
    {"discriminator_auc", "auc", "AUC", NULL, false},
};
const int EL_FIGURE_KIND_COUNT = sizeof EL_FIGURE_KINDS / sizeof *EL_FIGURE_KINDS;

const el_figure_kind *el_figure_kind_of(const char *name)
{
    for (int i = 0; i < EL_FIGURE_KIND_COUNT; i++)
        if (strcmp(EL_FIGURE_KINDS[i].name, name) == 0)
            return &EL_FIGURE_KINDS[i];
    return NULL;
}
