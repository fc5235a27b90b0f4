/* output - see the header */
#include "output.h"

#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "io.h"
#include "temporary.h"

el_status el_output_check(const char *folder, const char *command, bool (*own)(const char *name), bool *empty)
{
    char **names;
    int count;
    *empty = true;
    if (el_file_exists(folder))
        return el_fail(EL_EUSAGE, "%s: is a file, and a folder is to be made", folder);
    if (!el_folder_exists(folder))
        return EL_OK;
    el_status st = el_folder_list(folder, &names, &count);
    if (st)
        return st;
    for (int i = 0; i < count && !st; i++) {
        if (el_temporary_is(names[i]))
            continue;
        *empty = false;
        if (!own || !own(names[i]))
            st = el_fail(EL_EUSAGE, "%s: holds %s, which electra %s did not make, and is left as it is",
                         folder, names[i], command);
    }
    el_folder_list_release(names, count);
    return st;
}

/* The path without links, "." and "..", of what is there of it; the rest as it is.  NULL when out of memory. */
static char *resolved(const char *path)
{
    char *const real = el_io_real(*path ? path : ".");
    if (real)
        return real;
    const char *end = path + strlen(path);
    while (end > path && end[-1] == '/')
        end--;
    const char *name = end;
    while (name > path && name[-1] != '/')
        name--;
    if (name == end) /* the root, and even that cannot be had */
        return strdup(path);
    char *const above = strndup(path, (size_t)(name - path)), *const last =
                                                                  strndup(name, (size_t)(end - name));
    char *const folder = above ? resolved(above) : NULL;
    char *const joined = folder && last ? el_path_join(folder, last) : NULL;
    free(folder);
    free(last);
    free(above);
    return joined;
}

bool el_path_inside(const char *path, const char *folder)
{
    char *const a = resolved(path), *const b = resolved(folder);
    const size_t length = b ? strlen(b) : 0;
    const bool inside = a && b && strncmp(a, b, length) == 0 &&
                        (a[length] == '/' || !a[length] || (length && b[length - 1] == '/'));
    free(b);
    free(a);
    return inside;
}

el_status el_output_apart(const char *flag, const char *input, const char *output)
{
    if (!input || !output || !el_path_inside(input, output))
        return EL_OK;
    return el_fail(EL_EUSAGE, "--%s: %s lies in --output %s, which is to be filled; choose another folder",
                   flag, input, output);
}

el_status el_output_differs(const char *flag, const char *output, char *const *inputs, int count)
{
    for (int i = 0; output && i < count; i++)
        if (el_file_exists(output) && el_path_inside(inputs[i], output))
            return el_fail(EL_EUSAGE, "--%s: %s is also what is to be read", flag, output);
    return EL_OK;
}
