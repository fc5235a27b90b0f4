/* npy - see the header */
#include "format/npy.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { PREAMBLE = 10, HEADER = 128 }; /* a multiple of 64, with room for any number of rows */

/* "\x93NUMPY", the version, the length of what follows: a Python dict, spaces, and a newline. */
static void make_header(char header[HEADER], int64_t rows, int width)
{
    static const char BEGIN[PREAMBLE] = {'\x93', 'N', 'U', 'M', 'P', 'Y', 1, 0, HEADER - PREAMBLE, 0};
    memset(header, ' ', HEADER);
    memcpy(header, BEGIN, PREAMBLE);
    const int bytes =
        snprintf(header + PREAMBLE, HEADER - PREAMBLE,
                 "{'descr': '<f4', 'fortran_order': False, 'shape': (%" PRId64 ", %d), }", rows, width);
    assert(PREAMBLE + bytes < HEADER);
    header[PREAMBLE + bytes] = ' ';
    header[HEADER - 1] = '\n';
}

static el_status write_header(el_npy *npy)
{
    char header[HEADER];
    make_header(header, npy->rows, npy->width);
    return el_writer_begin_with(npy->writer, header, HEADER);
}

el_status el_npy_open(el_npy *npy, const char *path, int width)
{
    *npy = (el_npy){.width = width};
    const el_status st = el_writer_open(&npy->writer, path);
    return st ? st : write_header(npy);
}

void el_npy_put(el_npy *npy, const float *values, int rows)
{
    el_writer_put(npy->writer, values, (size_t)rows * (size_t)npy->width * sizeof *values);
    npy->rows += rows;
}

el_status el_npy_finish(el_npy *npy)
{
    el_status st = write_header(npy);
    if (st)
        return st;
    st = el_writer_finish(npy->writer);
    npy->writer = NULL;
    return st;
}

void el_npy_abandon(el_npy *npy)
{
    el_writer_abandon(npy->writer);
    npy->writer = NULL;
}
