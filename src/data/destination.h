/* destination - a folder of shards being filled, and gone on with where it was left unfinished */
#ifndef EL_DATA_DESTINATION_H
#define EL_DATA_DESTINATION_H

#include "base/file.h"
#include "data/prepare.h"

typedef struct {
    el_folder folder;
    el_shard_writer *writer;
    el_packer *packer;
} el_destination;

/* What may be at `path`: nothing, an empty folder, or, to be overwritten, a folder of shards and nothing else. */
el_status el_destination_open(el_destination *d, const el_prepare_settings *settings, const el_vocab *vocab,
                              const char *path);

void el_destination_save(el_destination *d, el_unfinished *unfinished, const char *of);
/* EL_EDATA where a whole shard is missing.  What came after them is removed. */
el_status el_destination_restore(el_destination *d, const el_safetensors *unfinished, const char *of);

/* Of a folder of whole shards: their names and headers, which hold the checksums of what is in them.  0: there is none. */
el_status el_destination_seal(const char *folder, uint64_t *seal);

/* Writes the last shard; the folder appears with el_folder_commit. */
el_status el_destination_finish(el_destination *d);
/* `leave`: another process is to go on.  Accepts a zeroed one. */
void el_destination_close(el_destination *d, bool leave);

#endif
