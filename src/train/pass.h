/* pass - a network that is asked: batches through its encoder, and to its head
 *
 *     el_pass pass = {.q = q, .model = model, .net = net, .head = head, .slots = slots};
 *     if ((st = el_pass_reserve(&pass, rows))) return st;
 *     el_pass_send(&pass, batch);
 *     const el_tensor hidden = el_pass_hidden(&pass);
 *     ...
 *     el_pass_close(&pass);
 *
 * Those that learn have passes of their own, which go back as well (objective/, task/learn/).
 */
#ifndef EL_TRAIN_PASS_H
#define EL_TRAIN_PASS_H

#include "model/model.h"
#include "train/feed.h"

typedef struct {
    /* who is asked, borrowed */
    el_queue *q;
    const el_model *model;
    const el_network *net;
    const el_head *head; /* of the network's: one that predicts tokens or judges them; NULL: none */
    int slots;           /* that are predicted at a time */
    /* memory to ask in */
    int rows; /* there is room for; 0: none yet */
    el_arena arena;
    el_feed feed;
    el_encoder_saved encoder;
    el_mlm_saved mlm;
    el_rtd_saved rtd;
    int *slot_rows; /* on the device */
    el_input in;    /* the batch that was sent last */
} el_pass;

/* Room for batches of `rows` rows, and scratch for their sequences; nothing where there is room already.  Memory is taken anew
 * and nothing of it kept: where that fails, there is none. */
el_status el_pass_reserve(el_pass *pass, int rows);
void el_pass_close(el_pass *pass); /* accepts one without memory, or zeroed; it may be reserved again */

/* All of a batch, which is limited where the network is causal. */
void el_pass_send(el_pass *pass, el_batch *batch);

/* The last layer of what was sent, as el_encoder_forward has it. */
el_tensor el_pass_hidden(el_pass *pass);

/* Logits (count, V) at `rows`, on the host, of the last layer: by a head that predicts, no more than `slots`. */
el_tensor el_pass_predict(el_pass *pass, el_tensor hidden, const int *rows, int count);

/* A logit for each row, by a head that judges, on the host. */
el_status el_pass_judge(el_pass *pass, el_tensor hidden, float *logits);

#endif
