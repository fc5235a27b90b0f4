/* tensorflow - checkpoints of the original ELECTRA and BERT, as TensorFlow's tf.train.Saver writes them
 *
 *   checkpoint   NAME.index   NAME.data-00000-of-00001 ...
 *
 * The index is a sorted table: "" -> how many files of data there are and their byte order; a variable's name -> type,
 * shape, file, offset, size and crc32c, which is checked.  Names are made those of Hugging Face, as far as both say the same:
 *
 *   electra/encoder/layer_0/attention/self/query/kernel    electra.encoder.layer.0.attention.self.query.weight, seen as its
 *                                                          transpose
 *   .../LayerNorm/gamma, beta                              .../LayerNorm.weight, bias
 *   discriminator_predictions/dense_1                      discriminator_predictions.dense_prediction
 *   generator_predictions/output_bias                      generator_lm_head.bias
 *
 * A generator's names begin with "generator."; the embeddings that it shares with the discriminator are listed under both.
 * Optimizer slots (adam_m, adam_v) and counters are left out.
 */
#ifndef EL_FORMAT_TENSORFLOW_H
#define EL_FORMAT_TENSORFLOW_H

#include "format/bytes.h"
#include "format/tensors.h"

/* The checkpoint in a folder as folder/NAME, on the heap, or NULL where there is none: the one that the file `checkpoint`
 * names, else the only one.  EL_EDATA for several. */
el_status el_tensorflow_find(const char *folder, char **prefix);

el_status el_tensorflow_open(el_tensors *source, const char *prefix);

/* The same from memory: the files of data in their order. */
el_status el_tensorflow_read(el_tensors *source, el_bytes index, const el_bytes *shards, int shard_count,
                             const char *path);

#endif
