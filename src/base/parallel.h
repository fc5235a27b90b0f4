/* parallel - the one place where threads are used
 *
 * Work is cut into pieces by the problem alone, or by the number of threads too where
 * the cut changes no result, so that results have the same bits whatever runs them.
 * Pieces may run in any order and at the same time; each writes
 * memory of its own.  A thread begins with its own part of the indices, the same
 * in every call: where neighbouring pieces have neighbouring memory, it finds in
 * its cache what it wrote before.
 *
 * Calls do not nest: a task that calls el_parallel runs its pieces itself, in
 * order, as its own `thread` (which must be below the inner `threads`, unless
 * that is 1).
 *
 * One pool of threads serves the process; it grows to what was asked for and
 * stays.  Of several callers at a time one has the pool, and each other one runs
 * its pieces alone, in order, as thread 0: so scratch memory must belong to the
 * caller (its device, its job), never to the process.  After a fork the child
 * makes a pool of its own when it needs one; a task itself does not fork.  Signals
 * go to the program's own threads.
 */
#ifndef EL_BASE_PARALLEL_H
#define EL_BASE_PARALLEL_H

/* Bytes of memory that move together between processors: what threads write often lies this far apart. */
enum { EL_CACHE_LINE = 64 };

/* Does piece `index` of the work described by `context`; `thread` is in [0, threads) and
 * names scratch memory that no other running task of the same call uses. */
typedef void el_task(void *context, int index, int thread);

/* Runs task(context, i, t) for every i in [0, count), on up to `threads` threads; all is done when it
 * returns.  Cannot fail: where threads cannot be started, there are fewer. */
void el_parallel(int threads, int count, el_task *task, void *context);

/* Processors this process may use: the affinity mask and the cgroup's quota. */
int el_processors(void);

#endif
