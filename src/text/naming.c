/* naming - see the header */
#include "text/naming.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

const char *const EL_PACKINGS[] = {"", ".zst", ".gz", ".xz", ".bz2", NULL};

static const struct {
    const char *ending;
    el_naming says;
} ENDINGS[] = {{".tsv", EL_NAMED_TABS},     {".tab", EL_NAMED_TABS},      {".csv", EL_NAMED_COMMAS},
               {".txt", EL_NAMED_TEXT},     {".json", EL_NAMED_JSON},     {".jsonl", EL_NAMED_LINES},
               {".ndjson", EL_NAMED_LINES}, {".conll", EL_NAMED_COLUMNS}, {".conllu", EL_NAMED_COLUMNS},
               {".iob", EL_NAMED_COLUMNS},  {".iob2", EL_NAMED_COLUMNS},  {".bio", EL_NAMED_COLUMNS}};
enum { COUNT = sizeof ENDINGS / sizeof *ENDINGS };

/* Whether a name of so many bytes has an ending, behind something; it then loses it. */
static bool lose(const char *name, size_t *bytes, const char *ending)
{
    const size_t tail = strlen(ending);
    const bool ends = *bytes > tail && strncasecmp(name + *bytes - tail, ending, tail) == 0;
    *bytes -= ends ? tail : 0;
    return ends;
}

size_t el_name_unpacked(const char *name)
{
    size_t bytes = strlen(name);
    for (const char *const *packing = EL_PACKINGS + 1; *packing && !lose(name, &bytes, *packing);)
        packing++;
    return bytes;
}

el_naming el_naming_of(const char *name, size_t *stem)
{
    size_t bytes = el_name_unpacked(name), i = 0;
    while (i < COUNT && !lose(name, &bytes, ENDINGS[i].ending))
        i++;
    if (stem)
        *stem = bytes;
    return i < COUNT ? ENDINGS[i].says : EL_NAMED_OTHERWISE;
}
