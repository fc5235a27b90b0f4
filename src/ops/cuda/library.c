/* library - see the header */
#define _GNU_SOURCE
#include "ops/cuda/library.h"

#include <dlfcn.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>

static const char *const OF_CUDA[] = {"/usr/local/cuda/lib64", "/usr/local/cuda/targets/x86_64-linux/lib"};

static const char *const OF_PIP[] = {"/usr/local/lib/python3*/*-packages", "/usr/lib/python3/*-packages",
                                     "/opt/*/lib/python3*/site-packages"};

/* It stays when it is closed: threads of its own may still run in it. */
static void *open_named(const char *name)
{
    return dlopen(name, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
}

/* The first that can be opened of those that a pattern matches. */
static void *open_like(const char *pattern)
{
    glob_t found;
    void *library = NULL;
    if (glob(pattern, 0, NULL, &found))
        return NULL;
    for (size_t i = 0; i < found.gl_pathc && !library; i++)
        library = open_named(found.gl_pathv[i]);
    globfree(&found);
    return library;
}

static void *find_named(const char *name, const char *const *packages)
{
    char pattern[256];
    void *library = open_named(name);
    for (size_t f = 0; f < sizeof OF_CUDA / sizeof *OF_CUDA && !library; f++) {
        snprintf(pattern, sizeof pattern, "%s/%s", OF_CUDA[f], name);
        library = open_like(pattern);
    }
    for (size_t f = 0; f < sizeof OF_PIP / sizeof *OF_PIP; f++)
        for (int p = 0; packages[p] && !library; p++) {
            snprintf(pattern, sizeof pattern, "%s/nvidia/%s/lib/%s", OF_PIP[f], packages[p], name);
            library = open_like(pattern);
        }
    return library;
}

void *el_library_find(const char *const *names, const char *const *packages)
{
    void *library = NULL;
    for (int n = 0; names[n] && !library; n++)
        library = find_named(names[n], packages);
    return library;
}

const char *el_library_fill(void *library, const el_library_function *functions, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        void *const function = dlsym(library, functions[i].name);
        if (!function)
            return functions[i].name;
        memcpy(functions[i].function, &function, sizeof function);
    }
    return NULL;
}

void el_library_close(void *library)
{
    if (library)
        dlclose(library);
}
