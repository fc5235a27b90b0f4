/* nearest - see the header */
#include "nearest.h"

#include <stdlib.h>
#include <string.h>

void el_spell(char name[EL_LONGEST_SPELLING], const char *given, size_t length)
{
    length = length < EL_LONGEST_SPELLING - 1 ? length : EL_LONGEST_SPELLING - 1;
    for (size_t i = 0; i < length; i++)
        name[i] = given[i] == '-' ? '_' : given[i];
    name[length] = '\0';
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* Edits between two names: a letter more, less or other, or two neighbours swapped. */
static int edits(const char *a, const char *b)
{
    const int n = (int)strlen(a), m = (int)strlen(b);
    if (n >= EL_LONGEST_SPELLING || m >= EL_LONGEST_SPELLING)
        return EL_LONGEST_SPELLING;
    int rows[3][EL_LONGEST_SPELLING]; /* this one and the two before */
    for (int j = 0; j <= m; j++)
        rows[0][j] = j;
    for (int i = 1; i <= n; i++) {
        int *row = rows[i % 3];
        const int *above = rows[(i + 2) % 3], *above_it = rows[(i + 1) % 3];
        row[0] = i;
        for (int j = 1; j <= m; j++) {
            row[j] = least(least(above[j], row[j - 1]) + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], above_it[j - 2] + 1);
        }
    }
    return rows[n % 3][m];
}

const char *el_nearest(const char *name, const char *const *names, int count)
{
    char wanted[EL_LONGEST_SPELLING], other[EL_LONGEST_SPELLING];
    el_spell(wanted, name, strlen(name));
    const char *nearest = NULL;
    int fewest = 1 + (int)strlen(wanted) / 3; /* more edits than a third is another name */
    for (int i = 0; i < count; i++) {
        el_spell(other, names[i], strlen(names[i]));
        const int distance = edits(wanted, other);
        if (distance <= fewest && (!nearest || distance < fewest)) {
            nearest = names[i];
            fewest = distance;
        }
    }
    for (int i = 0; i < count && !nearest && strlen(wanted) >= 4; i++) { /* batch_size: train_batch_size */
        el_spell(other, names[i], strlen(names[i]));
        if (strstr(other, wanted))
            nearest = names[i];
    }
    return nearest;
}
