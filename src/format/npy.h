/* npy - a matrix of floats as numpy's .npy file (version 1.0, '<f4', C order), written a row at a time
 *
 * How many rows there are need not be known before the last one.  Nothing but a file of a disk will do: a pipe is
 * refused when it is opened.
 */
#ifndef EL_FORMAT_NPY_H
#define EL_FORMAT_NPY_H

#include "base/file.h"

typedef struct {
    el_writer *writer;
    int width;
    int64_t rows;
} el_npy;

el_status el_npy_open(el_npy *npy, const char *path, int width);
void el_npy_put(el_npy *npy, const float *values, int rows);
el_status el_npy_finish(el_npy *npy); /* now it is there, and whole */
void el_npy_abandon(el_npy *npy);     /* whatever has become of it; accepts a zeroed one */

#endif
