/* finetune_parts - what engine/finetune*.c share */
#ifndef EL_ENGINE_FINETUNE_PARTS_H
#define EL_ENGINE_FINETUNE_PARTS_H

#include "engine/finetune.h"

/* Finds the task, what to start from, and the files; completes the settings; reads every split and makes features. */
el_status el_finetune_open_data(el_finetuning *f);

/* Of the labels' names, of where the splits begin and end, and of what their examples are to be answered with. */
uint64_t el_finetune_targets_hash(const el_finetuning *f);

#endif
