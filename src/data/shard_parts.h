/* shard_parts - what writing and reading shards share */
#ifndef EL_DATA_SHARD_PARTS_H
#define EL_DATA_SHARD_PARTS_H

#define EL_SHARD_MAGIC "electra_shard"
#define EL_SHARD_VERSION "1"
/* What of the vocabulary's options is not BERT's, where there is any. */
#define EL_SHARD_BEYOND "tokenizer"
enum { EL_SHARD_NARROW = 65536 }; /* vocabularies up to this size have ids of 16 bits */

#endif
