/* recall - settings that a run has recorded in its run.json, for commands that ask the run something later */
#ifndef EL_CLI_RECALL_H
#define EL_CLI_RECALL_H

#include "base/json.h"
#include "base/options.h"

/* The settings that a run folder records: a new reference, or NULL where the folder is no run's. */
el_status cli_recorded(json_t **settings, const char *folder);

/* Applies those of `keys` that are recorded and were not given. */
el_status cli_recall(el_options *options, const json_t *settings, const char *folder, const char *const *keys,
                     size_t count);

#endif
