/* queue - everything that is computed, as a table of functions of a device
 *
 * A model is written once, as calls through a queue:
 *
 *     q->linear_forward(q, y, x, w, b);            queue, outputs, inputs, sizes inside the tensors
 *
 * Which ops there are, and what each does, is one list: ops/ops.def.
 *
 * A queue belongs to one session, trainer or worker: its scratch and its threads serve one call at a time.  Queues of
 * one device work side by side on its memory.
 *
 * Every pointer that an op takes is memory of the device: tensors, ids, targets, row numbers, and the row starts of a
 * batch.  The host reads none of it and writes none of it but by send(), fetch() and wait().
 *
 * Batches are unpadded: `starts` says where each sequence's rows begin, and each has at least one.  Ids, targets and row
 * numbers are int vectors.
 *
 * An op cannot fail and takes no memory.  A backward adds to the gradients of parameters, which is how
 * micro-batches and tied weights come to one sum, and overwrites those of activations, which therefore need no
 * clearing, unless the op says otherwise.  The same call gives the same bits at any number of threads.
 *
 * Types.  Activations (and their gradients) are F32 or BF16, all of one type within a call; sums run in
 * float or better whatever the type.  Parameters, their gradients, statistics and losses are F32.  The reference
 * device also takes F64 anywhere, and computes everything in double: it is the definition of each op, and
 * finite differences are taken on it.
 *
 * Randomness is a function of (seed, stream, step, index), see base/random.h; masks are made again in the backward.
 */
#ifndef EL_OPS_QUEUE_H
#define EL_OPS_QUEUE_H

#include "base/interrupt.h"
#include "base/random.h"
#include "ops/device.h"

/* Bernoulli(1 - rate) on each element, kept ones scaled by 1 / (1 - rate).
 *
 * Element (r, c) of a tensor with n columns has the number e = (first_row + r) * round_up(n, 16) + c.  It is kept
 * when its 16 bits are at least round(rate * 65536):   block s = e / 128, within it i = e % 128,
 * words = el_random_words(random, s * 16 + i % 16), bits = words[i / 32] >> (16 * (i / 16 % 2)) & 0xffff.
 * The scale is 65536 / (65536 - round(rate * 65536)).
 * first_row is the batch's row number of the tensor's first row, so that splitting a batch changes nothing. */
typedef struct {
    double rate; /* 0: nothing is dropped and the rest is not looked at; at most 0.9 */
    el_random random;
    uint64_t first_row;
} el_dropout;

/* Where sequences lie in the rows of a batch. */
typedef struct {
    /* sequences + 1 row numbers, each more than the one before; the last is the number of rows */
    const int *starts;
    int sequences;
    int longest;       /* the longest sequence, in rows */
    const int *limits; /* of each row: how many keys of its sequence it sees, from the first on; NULL: all */
    double pairs;      /* of a query and a key that it sees; only ops/profile.h counts by it */
} el_layout;

/* What attention by distances is told besides (relative_attention_forward), and where its gradients go. */
typedef struct {
    el_tensor places, biases, kinds;
    const int *positions, *segments; /* of each row */
} el_relative;

typedef struct {
    el_tensor places, biases, kinds, parts;
} el_relative_gradients;

/* The sequences of a batch come in so many groups, at most, whose gradients of places, biases and kinds are summed apart. */
enum { EL_RELATIVE_PARTS = 8 };

/* How softmax_loss draws a sample of each row. */
typedef struct {
    double temperature; /* of the sampling distribution only; > 0 */
    bool disallow_target;
    el_random random;
    uint64_t first_row; /* row i uses el_random_uniform(random, first_row + i) */
} el_sampling;

/* AdamW as the paper's code has it (Clark et al., 2020): decay is decoupled and multiplied by the rate, epsilon is
 * outside the root, no bias correction unless the corrections say so.
 *   g = clip * gradient;  m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2
 *   value -= rate * ((m * m_correction) / (sqrt(v * v_correction) + epsilon) + decay * value);  gradient = 0 */
typedef struct {
    double rate, beta1, beta2, epsilon, decay, clip, m_correction, v_correction;
} el_adamw;

/* A parameter in training, and what is its own in a step: the rate is the step's times `scale`, without `decays` there is
 * no decay, and a `clip` other than 0 stands for the step's. */
typedef struct {
    el_tensor value, m, v, gradient;
    double scale, clip;
    bool decays;
} el_trained;

/* A weight matrix, or some columns of one, that products read a copy of. */
typedef struct {
    el_tensor value;
    el_type type; /* of the activations that it multiplies */
    int line;     /* number, in their list, of the last parameter that has numbers in it */
} el_matrix;

/* The step that one parameter makes. */
static inline el_adamw el_adamw_of(const el_adamw *step, const el_trained *param)
{
    el_adamw own = *step;
    own.rate *= param->scale;
    own.clip = param->clip > 0 ? param->clip : own.clip;
    own.decay = param->decays ? own.decay : 0;
    return own;
}

/* Who is told between the layers of an encoder, on the queue's thread: other networks may be run on the queue meanwhile.
 * Zeroed: nobody. */
typedef struct {
    void (*reached)(void *context);
    void *context;
} el_halt;

struct el_queue {
    el_device *dev;
    int threads;
    void *state; /* the device's own */

    /* Asked before each op on the processor, whose ops are long.  Once it is wanted the queue is cut short: ops do
     * nothing, and results are rubbish, until el_queue_resume(). */
    el_interrupt interrupt;
    bool cut_short;
    el_halt halt;

    void (*close)(el_queue *q);

    /* Copies between the host and the device, in the order of the queue.  What is sent has been read when send() returns;
     * what is fetched is there only after wait().  A wait is dear where the device works beside the host, so a step of
     * training has one.  wait() says what has gone wrong in the queue since it was opened: results are rubbish from then
     * on.  It must be asked before anything is kept of them; the processor never fails. */
    void (*send)(el_queue *q, void *device, const void *host, size_t bytes);
    void (*fetch)(el_queue *q, void *host, const void *device, size_t bytes);
    el_status (*wait)(el_queue *q);

    /* Scratch for sequences of up to `longest` rows and heads of up to `head_size`; before the first step. */
    el_status (*reserve)(el_queue *q, int longest, int head_size);

    /* Operations a second (multiply-adds times two) that products of a type (F32, BF16, I8) reach at most, measured for some
     * tens of milliseconds; 0: not known. */
    double (*peak)(el_queue *q, el_type type);

#define EL_OP(result, name, parameters, ...) result(*name) parameters;
#include "ops/ops.def"
#undef EL_OP
};

/* A queue of the reference device for whoever has one thread and never asks for a stop: closing it does nothing. */
el_queue *el_queue_reference(void);

/* A device (el_device_open) and a queue of it, for who needs no more of them; and the end of both. */
el_status el_queue_open(el_queue **q, int threads, const char *device);
void el_queue_close(el_queue *q); /* accepts NULL */

/* The keep-or-drop scale of element (row, col) of a tensor with `cols` columns: 0 or 1 / (1 - rate). */
double el_dropout_scale(el_dropout dropout, int cols, uint64_t row, int col);

/* Whether ops do nothing from now on; asks. */
static inline bool el_queue_cut_short(el_queue *q)
{
    q->cut_short = q->cut_short || el_interrupt_wanted(q->interrupt);
    return q->cut_short;
}

static inline void el_queue_halt(el_queue *q)
{
    if (q->halt.reached)
        q->halt.reached(q->halt.context);
}

/* Ops work again, and nobody is asked any more.  True: some of those since the interrupt was set did nothing. */
static inline bool el_queue_resume(el_queue *q)
{
    const bool was = q->cut_short;
    q->interrupt.wanted = NULL;
    q->cut_short = false;
    return was;
}

#endif
