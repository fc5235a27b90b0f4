/* parallel - the one place where threads are used
 *
 * Work is cut into pieces whose number and limits depend only on the problem,
 * never on the number of threads, so that results have the same bits whatever
 * runs them.  Pieces may run in any order and at the same time; each writes
 * memory of its own.  OpenMP underneath.  Calls do not nest: a task that calls
 * el_parallel runs its pieces itself, in order, as its own
 * `thread` (which must be below the inner `threads`, unless that is 1).  Within a task OpenMP reports
 * one thread, so that a library called there stays on its own.
 */
#ifndef EL_BASE_PARALLEL_H
#define EL_BASE_PARALLEL_H

/* Does piece `index` of the work described by `context`; `thread` is in [0, threads) and
 * names scratch memory that no other running task uses. */
typedef void el_task(void *context, int index, int thread);

/* Runs task(context, i, t) for every i in [0, count), on up to `threads` threads. */
void el_parallel(int threads, int count, el_task *task, void *context);

/* Processors this process may use: the affinity mask and the cgroup's quota. */
int el_processors(void);

#endif
