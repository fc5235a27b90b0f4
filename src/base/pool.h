/* pool - the one place where threads are used
 *
 * A pool belongs to whoever opened it, and serves one call at a time; pools of a process work side by side.
 *
 * Work is cut into chunks by the problem alone, or by the number of threads too where
 * the cut changes no result, so that results have the same bits whatever runs them.
 * Chunks may run in any order and at the same time; each writes
 * memory of its own.  A thread begins with its own share of the indices, the same
 * in every call: where neighbouring chunks have neighbouring memory, it finds in
 * its cache what it wrote before.
 *
 * Calls do not nest: a task that calls its own pool runs the chunks itself, in order, as its own `thread`.
 *
 * After a fork the child's copy of a pool starts threads of its own when it is used; a task itself does not fork.
 * Signals go to the program's own threads.
 */
#ifndef EL_BASE_POOL_H
#define EL_BASE_POOL_H

#include "base/error.h"

/* Bytes of memory that move together between processors: what threads write often lies this far apart. */
enum { EL_CACHE_LINE = 64 };

typedef struct el_pool el_pool;

/* Of `threads` threads, the caller's among them: one costs nothing.  Where threads cannot be started, there are
 * fewer. */
el_status el_pool_open(el_pool **pool, int threads);
void el_pool_close(el_pool *pool); /* accepts NULL */

/* Does chunk `index` of the work described by `context`; `thread` is in [0, threads) and
 * names scratch memory that no other running task of the pool uses. */
typedef void el_pool_task(void *context, int index, int thread);

/* Runs task(context, i, t) for every i in [0, count); all is done when it returns.  Cannot fail. */
void el_pool_run(el_pool *pool, int count, el_pool_task *task, void *context);

/* Processors this process may use: the affinity mask and the cgroup's quota. */
int el_processors(void);

/* The version, 1 or 2, of the cgroups that a line of /proc/self/cgroup is of, where its group may have a quota of processors:
 * "4:cpu,cpuacct:/folder" and "0::/folder"; else 0.  The line is cut, and *folder points into it. */
int el_cgroup_read(char *line, char **folder);

#endif
