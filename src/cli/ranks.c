/* ranks - see the header */
#include "cli/ranks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "engine/machine.h"

static el_dist *joined;
static el_thread *watcher;
static atomic_bool left;

el_dist *cli_dist(void)
{
    return joined;
}

/* ---- a rank that the others do not answer ---- */

static void watch(void *context)
{
    el_dist *const d = context;
    while (!left) {
        const double since = d->since, most = d->most, waited = since > 0 ? el_now() - since : 0;
        if (most > 0 && waited > most) {
            fprintf(stderr,
                    "electra: rank %d on %s: the other ranks have not answered for %.0f s (--stall-limit); "
                    "the last checkpoint is as it was\n",
                    d->rank, d->host, waited);
            _exit(1);
        }
        usleep(100000);
    }
}

el_status cli_ranks_open(int *argc, char ***argv)
{
    const el_status st = el_dist_open(&joined, argc, argv);
    if (joined)
        joined->most = EL_STALL_LIMIT;
    if (!st && el_dist_size(joined) > 1 && el_thread_start(&watcher, watch, joined))
        el_log(EL_LOG_WARNING, "%s: --stall-limit has no part", el_error());
    return st;
}

void cli_ranks_close(void)
{
    el_dist_leave(joined);
    left = true;
    el_thread_join(watcher);
    el_dist_close(joined);
    joined = NULL;
}

/* ---- which commands ---- */

static int number_in(const char *variable)
{
    const char *const text = getenv(variable);
    return text ? atoi(text) : 0;
}

/* What MPI's launchers and srun say of the processes that they start.  SLURM_NTASKS is in a batch script too, which is one. */
static int started_as(void)
{
    static const char *const VARIABLES[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"};
    int most = 1;
    for (size_t i = 0; i < sizeof VARIABLES / sizeof *VARIABLES; i++)
        most = number_in(VARIABLES[i]) > most ? number_in(VARIABLES[i]) : most;
    return most;
}

static el_status check_alone(cli_ranks_use use)
{
    const int processes = started_as();
    if (use == CLI_READS || use == CLI_MEASURES || processes == 1)
        return EL_OK;
    return el_fail(
        EL_EUSAGE,
        "%d processes were started, which would write over each other; electra-mpi shares the work",
        processes);
}

el_status cli_ranks_check(cli_ranks_use use)
{
    if (!joined)
        return check_alone(use);
    const int processes = started_as();
    if (joined->size == 1 && use != CLI_READS && processes > 1)
        return el_fail(
            EL_EUSAGE,
            "%d processes were started, but they do not find each other: electra-mpi is built with "
            "another MPI than that of the launcher (mpirun, or srun --mpi=...)",
            processes);
    if (joined->size > 1 && use != CLI_SHARES && use != CLI_MEASURES)
        return el_fail(EL_EUSAGE, "this is the work of one process; run it by electra");
    return EL_OK;
}

/* ---- whether all do the same ---- */

/* The command with what decides what ranks come to: "pretrain --dry-run". */
static void name_work(const el_options *options, json_t *settings, char *text, size_t size)
{
    static const char *const STEERS[][2] = {{"output", " --output"},
                                            {"dry_run", " --dry-run"},
                                            {"overwrite", " --overwrite"},
                                            {"keep_models", " --keep-models"}};
    snprintf(text, size, "%s%s", options->command, options->help ? " --help" : "");
    for (size_t i = 0; i < sizeof STEERS / sizeof *STEERS; i++) {
        const json_t *const value = json_object_get(settings, STEERS[i][0]);
        if (json_is_true(value) || json_is_string(value))
            strncat(text, STEERS[i][1], size - strlen(text) - 1);
    }
}

el_status cli_ranks_alike(const el_options *options)
{
    char work[128];
    if (el_dist_size(joined) == 1)
        return EL_OK;
    json_t *const settings = el_options_json(options);
    const json_t *const limit = json_object_get(settings, "stall_limit");
    if (limit)
        joined->most = json_number_value(limit);
    name_work(options, settings, work, sizeof work);
    json_decref(settings);
    const el_status st = el_dist_same(joined, "the version of electra", ELECTRA_VERSION);
    return st ? st : el_dist_same(joined, "the command", work);
}

int cli_ranks_apart(int exit_code)
{
    el_dist_agree(joined, el_fail(EL_EUSAGE, "is given no command"));
    return exit_code;
}
