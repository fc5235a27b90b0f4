/* tagged - see the header */
#include "task/score/tagged.h"

#include <stdlib.h>

el_status el_tagged_open(el_tagged *t, size_t words)
{
    const size_t room = words + 1;
    *t = (el_tagged){.predicted = malloc(room * sizeof *t->predicted),
                     .gold = malloc(room * sizeof *t->gold),
                     .predicted_names = malloc(room * sizeof *t->predicted_names),
                     .gold_names = malloc(room * sizeof *t->gold_names)};
    return t->predicted && t->gold && t->predicted_names && t->gold_names
               ? EL_OK
               : el_fail(EL_ENOMEM, "no memory for %zu words", words);
}

void el_tagged_close(el_tagged *t)
{
    free(t->predicted);
    free(t->gold);
    free(t->predicted_names);
    free(t->gold_names);
}

void el_tagged_add(el_tagged *t, const el_labels *labels, const int *predicted, const el_word *words,
                   int count)
{
    for (int i = 0; i < count; i++) {
        if (words[i].tag < 0)
            continue;
        t->predicted[t->count] = predicted[i];
        t->gold[t->count] = words[i].tag;
        t->predicted_names[t->count] = labels->names[predicted[i]];
        t->gold_names[t->count++] = labels->names[words[i].tag];
    }
}
