/* ranks - the processes that a command was started as
 *
 * electra is one process.  electra-mpi may be one of several, started by mpirun or srun: commands that can share their work
 * do so, rank 0 alone prints, and a sentence that all have agreed on (dist/dist.h) is printed once.
 */
#ifndef EL_CLI_RANKS_H
#define EL_CLI_RANKS_H

#include "base/options.h"
#include "dist/dist.h"

/* What a command does as one of several processes. */
typedef enum {
    CLI_READS,   /* each by itself, as other programs that only read: in electra alone */
    CLI_WRITES,  /* nothing: they would write over each other */
    CLI_SHARES,  /* its part of the work, in electra-mpi */
    CLI_MEASURES /* nothing, or the others */
} cli_ranks_use;

/* Joins the others. */
el_status cli_ranks_open(int *argc, char ***argv);
/* Whether a command may run here: EL_EUSAGE in one sentence if not. */
el_status cli_ranks_check(cli_ranks_use use);
/* Behind the arguments, before anything is done: EL_EUSAGE where ranks are other programs, or are to do other things.  From
 * here on they wait for each other no longer than the command's --stall-limit. */
el_status cli_ranks_alike(const el_options *options);
/* A rank that does nothing that others share ends those that do; returns the exit code. */
int cli_ranks_apart(int exit_code);
/* Leaves them, when all are done. */
void cli_ranks_close(void);

/* NULL: alone. */
el_dist *cli_dist(void);

#endif
