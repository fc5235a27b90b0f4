/* zip - the members of a zip archive that holds them stored, as torch.save writes it
 *
 *   local headers and data | central directory | [zip64 end | its locator] | end
 *
 * Sizes come from the central directory, since a local header may leave them out.  Members lie in the archive as they
 * are, so a mapping of it is read in place.  Compressed, encrypted and split archives are refused.
 */
#ifndef EL_FORMAT_ZIP_H
#define EL_FORMAT_ZIP_H

#include "base/error.h"
#include "format/bytes.h"

typedef struct {
    const char *name; /* not terminated */
    size_t length;
    el_bytes data;
} el_zip_member;

typedef struct {
    el_zip_member *members; /* sorted by name */
    int count;
} el_zip;

/* Whether the bytes begin as a zip archive does. */
bool el_zip_begins(el_bytes file);

/* `file` outlives the archive; `path` is for sentences. */
el_status el_zip_open(el_zip *zip, el_bytes file, const char *path);
void el_zip_close(el_zip *zip); /* accepts a zeroed one */

/* The member of that name, or NULL. */
const el_zip_member *el_zip_find(const el_zip *zip, const char *name, size_t length);

#endif
