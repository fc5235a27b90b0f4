/* parts - what the files of a pre-training share */
#ifndef EL_ENGINE_PRETRAIN_PARTS_H
#define EL_ENGINE_PRETRAIN_PARTS_H

#include "engine/pretrain/pretrain.h"

/* The shape of the generator that is not trained: that of its folder; of a run that goes on, what the run began with. */
el_status el_pretrain_find_frozen(el_pretraining *p);
/* The networks whose weights are gone on with: of a run, those that it began with; else those of --init-from. */
el_status el_pretrain_find_start(el_pretraining *p);
/* The first weights of the model, which is open: random ones, then those of --init-from and --generator-from. */
el_status el_pretrain_start(el_pretraining *p);

/* config.json: the networks and what they share. */
el_status el_pretrain_write_config(const el_pretraining *p);
/* What was spent before a start that goes on, at the cost that a token had then. */
void el_pretrain_recall_flops(el_pretraining *p);
/* Enters this start of the program into run.json, and where the run stands. */
el_status el_pretrain_begin_segment(el_pretraining *p);
/* The model folders of this step, of networks that have learned; run.json tells that they are there. */
el_status el_pretrain_export(el_pretraining *p);

#endif
