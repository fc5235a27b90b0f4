/* model_source - a model's folder, open: what is said of its network, its tensors, and which of them are which parameters
 *
 * A TensorFlow checkpoint is summed up whenever it is opened, and the list of a .bin is unpickled: whoever needs a folder
 * more than once opens it once and hands it on.
 */
#ifndef EL_FORMAT_MODEL_SOURCE_H
#define EL_FORMAT_MODEL_SOURCE_H

#include "format/model_card.h"

typedef struct {
    const char *folder; /* borrowed */
    el_model_card card;
    el_head_config head; /* the card's; of pre-training's, what the tensors have of it */
    el_names names;      /* names.source: the tensors */
    el_tensors own;      /* they lie here, unless they are shared */
} el_model_source;

/* `shared`: for the tensors of the folder, which are opened there if they are not open yet, and stay so; NULL: there is
 * nobody to share them with.  The source stays where it is until it is closed. */
el_status el_model_source_open(el_model_source *source, const char *folder, el_tensors *shared,
                               bool predicts);
void el_model_source_close(el_model_source *source); /* accepts a zeroed one */

/* EL_EDATA where the number of attention heads is a guess, which is not handed on. */
el_status el_model_source_check_heads(const el_model_source *source);

#endif
