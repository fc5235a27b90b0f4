/* queue - everything that is computed, as a table of functions of a device
 *
 * A model is written once, as calls through a queue:
 *
 *     q->linear_forward(q, y, x, w, b);            queue, outputs, inputs, sizes inside the tensors
 *
 * A queue belongs to one session, trainer or worker: its scratch and its threads serve one call at a time.  Queues of
 * one device work side by side on its memory.
 *
 * Every pointer that an op takes is memory of the device: tensors, ids, targets, row numbers, and the row starts of a
 * batch.  The host reads none of it and writes none of it but by send(), fetch() and wait().
 *
 * Batches are unpadded: `starts` says where each sequence's rows begin.  Ids, targets and row numbers are int vectors.
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
    const int *starts; /* sequences + 1 ascending row numbers; the last is the number of rows */
    int sequences;
    int longest; /* the longest sequence, in rows */
} el_layout;

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

struct el_queue {
    el_device *dev;
    int threads;
    void *state; /* the device's own */

    void (*close)(el_queue *q);

    /* Copies between the host and the device, in the order of the queue.  The host's bytes may be read as late as
     * wait(), and fetched ones are there only after it. */
    void (*send)(el_queue *q, void *device, const void *host, size_t bytes);
    void (*fetch)(el_queue *q, void *host, const void *device, size_t bytes);
    void (*wait)(el_queue *q);

    /* Scratch for sequences of up to `longest` rows and heads of up to `head_size`; before the first step. */
    el_status (*reserve)(el_queue *q, int longest, int head_size);

    /* Operations a second (multiply-adds times two) that products of a type reach at most, measured for some tens of
     * milliseconds; 0: not known. */
    double (*peak)(el_queue *q, el_type type);

    /* Copies of a weight matrix in the layout and type that products want.  `type` is that of the activations;
     * for training the copy serves both directions.  prepare() is called again after every change of w.data;
     * w.prepared is aligned as memory of the device is. */
    void (*prepare)(el_queue *q, el_tensor w, el_type type, bool training);

    /* y = 0;  y = x, converting;  y = a + b (y may be a or b) */
    void (*zero)(el_queue *q, el_tensor y);
    void (*copy)(el_queue *q, el_tensor y, el_tensor x);
    void (*add)(el_queue *q, el_tensor y, el_tensor a, el_tensor b);

    /* y = x W^T + b      x (n, in)  w (out, in) prepared  b (1, out) or none  y (n, out) */
    void (*linear_forward)(el_queue *q, el_tensor y, el_tensor x, el_tensor w, el_tensor b);
    /* dx = dy W, or dx += dy W where `accumulate` */
    void (*linear_backward_input)(el_queue *q, el_tensor dx, el_tensor dy, el_tensor w, bool accumulate);
    /* dw += dy^T x      db += column sums of dy (db may be none) */
    void (*linear_backward_weight)(el_queue *q, el_tensor dw, el_tensor db, el_tensor dy, el_tensor x);

    /* y = x Phi(x), slope = its derivative, or none where there is no backward; slope may be x, y may not.
     * dx = dy * slope; dx may be dy. */
    void (*gelu_forward)(el_queue *q, el_tensor y, el_tensor slope, el_tensor x);
    void (*gelu_backward)(el_queue *q, el_tensor dx, el_tensor dy, el_tensor slope);

    /* gelu of a product, fused:  z = x W^T + b, y = gelu(z) and its slope, which may be z. */
    void (*linear_gelu_forward)(el_queue *q, el_tensor y, el_tensor slope, el_tensor z, el_tensor x,
                                el_tensor w, el_tensor b);

    /* y = x with some elements dropped: a linear map, and its own backward.  y may be x. */
    void (*dropout)(el_queue *q, el_tensor y, el_tensor x, el_dropout dropout);

    /* y = (x - mean) * rstd * gamma + beta over each row; stats (n, 2) = mean, rstd = 1/sqrt(variance + epsilon)
     * gamma, beta (1, cols).  y may be x (then the backward cannot be had). */
    void (*layer_norm_forward)(el_queue *q, el_tensor y, el_tensor stats, el_tensor x, el_tensor gamma,
                               el_tensor beta, double epsilon);
    /* dx may be dy; dgamma, dbeta are added to. */
    void (*layer_norm_backward)(el_queue *q, el_tensor dx, el_tensor dgamma, el_tensor dbeta, el_tensor dy,
                                el_tensor x, el_tensor stats, el_tensor gamma);

    /* The end of both halves of a layer, fused:  sum = x + dropout(branch);  y = layer_norm(sum).
     * sum may be x or branch.  Backward: dsum = layer_norm_backward(dy);  dbranch = dropout(dsum);  the gradient of
     * x is dsum.  dsum may be dy; dbranch may be dsum where nothing is dropped. */
    void (*residual_norm_forward)(el_queue *q, el_tensor y, el_tensor sum, el_tensor stats, el_tensor x,
                                  el_tensor branch, el_tensor gamma, el_tensor beta, double epsilon,
                                  el_dropout dropout);
    void (*residual_norm_backward)(el_queue *q, el_tensor dsum, el_tensor dbranch, el_tensor dgamma,
                                   el_tensor dbeta, el_tensor dy, el_tensor sum, el_tensor stats,
                                   el_tensor gamma, el_dropout dropout);

    /* y[i] = sum over k of tables[k][indices[k][i]]      tables are parameters (F32), y an activation */
    void (*embed_forward)(el_queue *q, el_tensor y, const el_tensor *tables, const int *const *indices,
                          int count);
    /* dtable[index[i]] += dy[i], in the order of i */
    void (*embed_backward)(el_queue *q, el_tensor dtable, el_tensor dy, const int *index);
    /* y[i] = x[rows[i]];   and its backward: dx = 0, then dx[rows[i]] += dy[i] in the order of i */
    void (*gather_forward)(el_queue *q, el_tensor y, el_tensor x, const int *rows);
    void (*gather_backward)(el_queue *q, el_tensor dx, el_tensor dy, const int *rows);

    /* Multi-head self-attention within each sequence.
     *   qkv (n, 3 hidden): queries, keys, values side by side, head h in columns h * head_size ...
     *   P = softmax(Q K^T / sqrt(head_size));  y (n, hidden) = dropout(P) V
     *   lse (n, heads): log of the sum of exponentials of each row of scores, kept for the backward
     * Dropout of P: the tensor it is applied to has a row for each (query row, head), numbered
     * (first_row + row) * heads + head: here too first_row counts rows of the batch; it has
     * `width` columns, one for each key counted from the start of the sequence; width is a model constant (the
     * longest sequence allowed), so that the mask of a sequence does not depend on its neighbours. */
    void (*attention_forward)(el_queue *q, el_tensor y, el_tensor lse, el_tensor qkv, el_layout layout,
                              int heads, el_dropout dropout, int width);
    void (*attention_backward)(el_queue *q, el_tensor dqkv, el_tensor dy, el_tensor y, el_tensor lse,
                               el_tensor qkv, el_layout layout, int heads, el_dropout dropout, int width);

    /* Cross-entropy of softmax(logits[i]) against target[i], a row each; target -1: loss 0 and no gradient.
     *   loss (n, 1);  guess[i] = argmax (lowest index of equals);  sample[i]: the first class at which the cumulative
     *   sum of softmax(logits / temperature) exceeds the row's uniform number;
     *   dlogits = scale * (softmax(logits) - onehot(target)); may be logits.
     * loss.data, guess, sample (with sampling), dlogits.data may be NULL: not wanted. */
    void (*softmax_loss)(el_queue *q, el_tensor loss, int *guess, int *sample, el_tensor dlogits,
                         el_tensor logits, const int *target, const el_sampling *sampling, double scale);

    /* loss[i] = log(1 + exp(z)) - label[i] z,  z = logits (n, 1);  dlogits = scale * (sigmoid(z) - label); may be
     * logits, or absent.  label -1: loss 0 and no gradient. */
    void (*logistic_loss)(el_queue *q, el_tensor loss, el_tensor dlogits, el_tensor logits, const int *label,
                          double scale);

    /* loss[i] = (x[i] - target[i])^2,  x (n, 1);  dx = scale * 2 (x - target); may be x, or absent.  A target that is
     * not a number: loss 0 and no gradient. */
    void (*squared_loss)(el_queue *q, el_tensor loss, el_tensor dx, el_tensor x, const float *target,
                         double scale);

    /* Sum of squares of all elements, in an order that depends on the shape alone. */
    double (*sum_squares)(el_queue *q, el_tensor x);
    void (*adamw)(el_queue *q, el_tensor value, el_tensor m, el_tensor v, el_tensor gradient, el_adamw step);
};

/* The reference device's. */
el_queue *el_queue_reference(void);

/* A device (el_device_open) and a queue of it, for who needs no more of them; and the end of both. */
el_status el_queue_open(el_queue **q, int threads, const char *level);
void el_queue_close(el_queue *q); /* accepts NULL */

/* The keep-or-drop scale of element (row, col) of a tensor with `cols` columns: 0 or 1 / (1 - rate). */
double el_dropout_scale(el_dropout dropout, int cols, uint64_t row, int col);

#endif
