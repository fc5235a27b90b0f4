/* dry_run - electra pretrain --dry-run: what a run would take, from a trial of seconds that writes nothing */
#ifndef EL_CLI_DRY_RUN_H
#define EL_CLI_DRY_RUN_H

#include "engine/pretrain/pretrain.h"

el_status cli_dry_run(el_pretraining *run);

#endif
