/* features - examples as the encoder reads them: ids, and where in them the targets stand
 *
 *   classify, regress, multilabel   [CLS] a [SEP]  or  [CLS] a [SEP] b [SEP]; the longer side loses pieces from its end
 *                                   until it fits, of equals b
 *   tag                             [CLS] words [SEP], cut at the end; a word's first piece is its row, and a word that
 *                                   makes no piece is [UNK]
 *   span                            [CLS] question [SEP] window of the context [SEP]; windows of as much as fits,
 *                                   `doc_stride` apart; the question cut to `max_query_length`
 *
 * Where `windows` is set and nothing is trained, what does not fit is not cut but becomes windows too, `doc_stride` pieces
 * apart, or half a window where that is less: of words, each in one piece; of the longer text of a pair, beside the other
 * one, which is cut to half of the room.
 *
 * A feature is one sequence, and an example one or more that follow each other.  Splits that
 * are trained and scored together lie in one set, one behind the other, so that a feature's number says all.
 *
 * An answer covers every piece that overlaps its bytes.  Overlapping windows share pieces: each piece of a context, and
 * each word, is answered by the window that shows most context around it, by min(left, right) + 0.01 length; of equals
 * by the first.
 */
#ifndef EL_TASK_FEATURES_H
#define EL_TASK_FEATURES_H

#include "data/batch.h"
#include "task/dataset.h"
#include "text/lost.h"

typedef struct {
    int max_seq_length; /* with special tokens */
    int max_query_length, doc_stride;
    bool double_unordered; /* both orders of a pair are trained on */
    bool windows;          /* classify, regress, multilabel, tag: instead of cutting, when asked */
    bool plain_special;    /* "[MASK]" in a text is characters; else the token, as transformers reads it */
    bool segment_one;      /* tag: segment 1 throughout, as the original; else 0, as Hugging Face */
} el_feature_settings;

typedef struct {
    int example;      /* of its dataset */
    int first, count; /* ids */
    int second;       /* where segment 1 begins */
    int row, rows;    /* tag: its first words, in `word_rows`; span: its pieces of the context, in `pieces` */
    int context;      /* span: where these begin in the sequence */
    int from;         /* tag, span: number of the first of them in the sentence or context */
    int own, own_end; /* tag, span: of these, the ones that belong to this window; they follow each other */
    int start, end;   /* span: gold rows of the sequence; 0: not in this window; -1: not known */
    bool cut;         /* something did not fit and was left out */
} el_feature;

typedef struct {
    const el_dataset *dataset;
    int begin, end; /* features */
} el_split;

/* Zero it before first use. */
typedef struct {
    el_feature *items;
    int count;
    size_t room;
    el_ids ids;
    int *word_rows; /* tag: row within the sequence of each word */
    int word_count;
    size_t word_room;
    el_spans pieces; /* span: bytes of the context, which examples that follow each other share */
    el_text_lost lost;
    int answers_lost; /* span examples dropped in training: their answer does not stand in the context's pieces */
    const el_labelled *first_lost; /* of these, in its dataset; NULL: none */
    el_wordpiece *wordpiece;       /* of the vocabulary that came first */
} el_features;

/* Appends a split's features.  Training leaves out what cannot be learned from, and doubles pairs where asked.  The
 * vocabulary must outlive the set and be the same for all its splits. */
el_status el_features_add(el_features *features, const el_dataset *dataset, const el_vocab *vocab,
                          const el_feature_settings *settings, bool training, el_split *split);
/* EL_EDATA where a feature has a second segment, and the model knows only so many (type_vocab_size). */
el_status el_features_check(const el_features *features, int segments);
void el_features_clear(el_features *features); /* keeps memory, and what the tokeniser has seen */
void el_features_release(el_features *features);

/* Appends feature `number` to a batch, marked with its number (el_batch.numbers). */
el_status el_features_read(const el_features *features, int number, el_batch *batch);

/* Makes *batch of the features from *first on, one at least and as many as fit into `tokens`; *first becomes the next. */
el_status el_features_fill(const el_features *features, int *first, int tokens, el_batch *batch);

#endif
