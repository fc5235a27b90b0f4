/* sstable - the sorted table of keys and values that TensorFlow keeps a checkpoint's index in (LevelDB's)
 *
 *   data blocks | a block about them | index block | footer: where these two are, 40 bytes, and 8 of a magic number
 *   a block: entries, each with as much of its key as differs from the one before | restarts | their count
 *            and behind it a type, 0 for uncompressed, and the masked crc32c of both
 *
 * TensorFlow writes its index uncompressed since 1.2; compressed blocks are refused.
 */
#ifndef EL_FORMAT_SSTABLE_H
#define EL_FORMAT_SSTABLE_H

#include "base/error.h"
#include "format/bytes.h"

/* Called for every entry in the order of keys, each once; both last for the call. */
typedef el_status el_sstable_visit(void *context, el_bytes key, el_bytes value);

el_status el_sstable_read(el_bytes file, const char *path, el_sstable_visit *visit, void *context);

#endif
