/* thread - a thread that works for as long as its owner wants, and a lock where threads meet
 *
 *     el_lock_take(lock);
 *     while (!queue->first && !queue->closing)
 *         el_lock_wait(lock, 1);                      gives the lock, sleeps, takes it again
 *     ...
 *     el_lock_give(lock);
 *
 * Computing is the pool's (pool.h) and what is made ready beside it a helper's (helper.h); this is for a server, whose
 * threads wait for each other and for the world.  Signals go to the program's own threads.
 */
#ifndef EL_BASE_THREAD_H
#define EL_BASE_THREAD_H

#include "base/error.h"

typedef struct el_thread el_thread;
typedef void el_thread_work(void *context);

el_status el_thread_start(el_thread **thread, el_thread_work *work, void *context);
void el_thread_join(el_thread *thread); /* waits until its work has returned; accepts NULL */

typedef struct el_lock el_lock;

el_status el_lock_open(el_lock **lock);
void el_lock_close(el_lock *lock); /* accepts NULL */
void el_lock_take(el_lock *lock);
void el_lock_give(el_lock *lock);

/* Both by who has it.  A wait ends when somebody wakes, after so many seconds, or for no reason: ask again. */
void el_lock_wait(el_lock *lock, double seconds);
void el_lock_wake(el_lock *lock); /* everyone who waits */

#endif
