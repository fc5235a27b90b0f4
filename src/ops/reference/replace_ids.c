/* replace_ids - samples in the places of what was predicted
 *
 *   ids = original;  ids[rows[i]] = sample[i], in order        label = ids != original at slots, `elsewhere` at other rows
 */
#include <string.h>

#include "ops/reference/reference.h"

void el_ref_replace_ids(el_queue *q, int *ids, float *label, const int *original, int count, const int *rows,
                        const int *sample, int slots, double elsewhere)
{
    (void)q;
    memcpy(ids, original, (size_t)count * sizeof *ids);
    for (int i = 0; i < slots; i++)
        ids[rows[i]] = sample[i];
    for (int i = 0; label && i < count; i++)
        label[i] = (float)elsewhere;
    for (int i = 0; label && i < slots; i++)
        label[rows[i]] = ids[rows[i]] != original[rows[i]];
}
