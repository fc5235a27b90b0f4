/* window_reader - windows of texts through a network of pre-training, some at a time
 *
 * A discriminator says of each piece whether it looks replaced, a generator what may stand at each [MASK].
 */
#ifndef EL_SERVE_WINDOW_READER_H
#define EL_SERVE_WINDOW_READER_H

#include "serve/guess.h"
#include "serve/loaded.h"
#include "serve/window.h"
#include "train/pass.h"

/* What is asked of a window, and where the answers go: those of the pieces that it answers for. */
typedef struct {
    el_text_window window;
    const int32_t *ids; /* of the text's pieces */
    float *logits;      /* detect: of the text's pieces */
    const int *at;      /* fill: the [MASK]s that the window answers for, by their places among the pieces */
    int masks;
    el_guess *guesses; /* masks x top_k, as el_guess_rank leaves them */
    int top_k;
    double temperature; /* of the generator's softmax */
} el_window_asked;

typedef struct {
    const el_vocab *vocab;
    int places; /* of the network: a window has two fewer; 0: there is no network */
    el_pass pass;
    el_batch batch;
    int *row;      /* host: a sequence */
    float *logits; /* host: of all rows, or of one slot */
} el_window_reader;

enum { EL_WINDOW_SLOTS = 16 }; /* that a reader answers at a time, at most */

/* Reads by the network of this name; where there is none, it cannot be asked.  `rows`: of a batch, at most, of which there is
 * room for a window in any case; 0: memory grows with what is asked. */
el_status el_window_reader_open(el_window_reader *reader, el_queue *q, const el_loaded *loaded,
                                const char *name, int slots, int rows);
void el_window_reader_close(el_window_reader *reader); /* accepts a zeroed one */

/* Asks a discriminator, or a generator, of some windows at once. */
el_status el_window_reader_detect(el_window_reader *reader, const el_window_asked *asked, int count);
el_status el_window_reader_fill(el_window_reader *reader, const el_window_asked *asked, int count);

#endif
