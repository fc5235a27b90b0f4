/* torch_file - pytorch_model.bin: a state_dict as torch.save writes it, in both its forms
 *
 *   since torch 1.6   a zip archive: NAME/data.pkl, NAME/data/0, NAME/data/1 ...
 *   before            five pickles in a row (a magic number, 1001, the machine, the object, the keys of storages),
 *                     then each storage: the count of its elements, 8 bytes, and these
 *
 * A tensor is a call of torch._utils._rebuild_tensor_v2 with a storage, an offset, a shape and strides; a storage is a
 * persistent id with its type, key and count.  Every count is checked against the bytes that lie there.  A dict that
 * wraps the state_dict (a trainer's checkpoint) is opened.
 */
#ifndef EL_FORMAT_TORCH_FILE_H
#define EL_FORMAT_TORCH_FILE_H

#include "format/bytes.h"
#include "format/tensors.h"

/* Whether the bytes begin as one of the forms does. */
bool el_torch_begins(el_bytes file);

/* Adds the state_dict's tensors, which point into `file`. */
el_status el_torch_read(el_tensors *source, el_bytes file, const char *path);

#endif
