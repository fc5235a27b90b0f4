/* run - a run folder and its run.json
 *
 *   RUN/config.json      both networks' shapes
 *   RUN/run.json         settings, data, machine, and the segments in which the run went on
 *   RUN/metrics.jsonl    metrics.h
 *   RUN/checkpoint-<step>/   checkpoint.h
 *   RUN/generator/  RUN/discriminator/  RUN/backward/   model folders, of the last checkpoint
 *
 * run.json names the command that made the folder: no other command touches it.  One process at a time has a run open, on
 * all machines that see the folder: .electra.lock is locked, and is there as long.
 */
#ifndef EL_TRAIN_RUN_H
#define EL_TRAIN_RUN_H

#include "base/folder_lock.h"
#include "base/json.h"
#include "base/options.h"
#include "dist/dist.h"

#define EL_RUN_RECORD "run.json" /* in a run's folder */

/* What commands make of a folder. */
typedef struct {
    const char *command; /* "pretrain" */
    bool (*gives)(
        const char *name); /* whether it gives this name to something in its folder, run.json apart */
} el_run_kind;

typedef struct {
    const el_run_kind *kind;
    char *folder;
    el_folder_lock lock;
    bool made;       /* the folder, just now */
    bool replaces;   /* what another run of the same command left is to be removed */
    json_t *record;  /* run.json; an empty object for a new run */
    json_t *changes; /* what this start has otherwise: {"setting": [before, now]}; NULL: nothing */
    el_dist *dist;   /* ranks that have it open */
    bool follows;    /* rank 0 has the folder: nothing is written here */
} el_run;

/* Makes the folder where it is not there, locks it (EL_EFAILED where another process has it), reads run.json, and removes
 * what a killed process left half-written.  A folder that holds something, but no run.json of the same command, is
 * EL_EUSAGE, and nothing in it is touched.  `overwrite`: the record is empty, and what the folder holds of an earlier run is
 * removed when the first segment begins. */
el_status el_run_open(el_run *run, const el_run_kind *kind, const char *folder, bool overwrite);
/* The same for all ranks: rank 0 opens the folder, the others are told what its record says. */
el_status el_run_open_shared(el_run *run, el_dist *dist, const el_run_kind *kind, const char *folder,
                             bool overwrite);
/* The same to look at what is there: nothing is made, locked or removed, and nothing may be written. */
el_status el_run_look_shared(el_run *run, el_dist *dist, const el_run_kind *kind, const char *folder);
/* A folder that was made and got nothing is gone again.  Accepts a zeroed one. */
void el_run_close(el_run *run);

/* run.json of a folder that is not to be worked in (new reference); NULL where it has none. */
el_status el_run_read(json_t **record, const char *folder);

/* Writes run.json. */
el_status el_run_save(el_run *run);

/* Whether there is a run to go on with: a checkpoint, or the settings of one that ended before its first. */
el_status el_run_begun(const el_run *run, bool *begun);

/* The settings that the run began with, for lines of the table that were not given now; `of_now` (NULL at the end) are those
 * of a session alone.  Settings that the table does not have are left out, with a warning in the log.  EL_EDATA where one of
 * `places` (the same) is a path that is not there. */
el_status el_run_recall(const el_run *run, el_options *options, const char *const *of_now,
                        const char *const *places);

/* EL_EUSAGE that names the first setting of `now` that differs from the record's and is not among `free_keys`
 * (NULL at the end), unless `allow`.  All that differ are changes. */
el_status el_run_compare(el_run *run, const json_t *now, const char *const *free_keys, bool allow);

/* The same of a hash; `other` says what another one means: "other shards".  Where it is allowed the log tells. */
el_status el_run_check_hash(el_run *run, const char *key, uint64_t hash, const char *other, bool allow);
void el_run_set_hash(el_run *run, const char *key, uint64_t hash);

/* Opens a segment in the record; and completes it with how it ended, which it returns, and its sentence with it. */
el_status el_run_segment_begin(el_run *run, int64_t step, json_t *machine);
el_status el_run_segment_end(el_run *run, int64_t step, el_status ended);

#endif
