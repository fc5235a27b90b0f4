/* decoder - the bytes of a file, whatever it is packed in
 *
 * Takes plain files, gzip, zstd, xz and bzip2, also several of one kind one after the other (pigz, pzstd, pixz, pbzip2),
 * with skippable frames (zstd) and padding of zeros (gzip, xz).  They are known by their first bytes, whatever the name.
 */
#ifndef EL_TEXT_DECODER_H
#define EL_TEXT_DECODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct el_decoder el_decoder;

/* One decoder serves one file after the other. */
el_status el_decoder_make(el_decoder **decoder);
void el_decoder_release(el_decoder *decoder); /* accepts NULL */

/* `path` stays as long as the file is open; "-" is standard input.  Waits for a pipe's first bytes where they begin as
 * packed data do. */
el_status el_decoder_open(el_decoder *decoder, const char *path);
void el_decoder_close(el_decoder *decoder); /* accepts one without a file */
bool el_decoder_is_open(const el_decoder *decoder);

/* Some bytes, at most `room`; *made is 0 at the end alone.  Damaged or cut data are EL_EDATA. */
el_status el_decoder_read(el_decoder *decoder, char *out, size_t room, size_t *made);

/* Whether the next byte of a plain file has not come yet, as of a pipe. */
bool el_decoder_waits(const el_decoder *decoder);

/* Bytes taken from all files so far, packed as they are. */
uint64_t el_decoder_taken(const el_decoder *decoder);

#endif
