/* machine - what commands that run a model share: where it runs, and opening one to be used
 *
 * A settings struct with an `el_machine machine` takes the table lines EL_MACHINE_OPTIONS(struct), or to train
 * EL_TRAINING_OPTIONS(struct).
 */
#ifndef EL_ENGINE_MACHINE_H
#define EL_ENGINE_MACHINE_H

#include <stddef.h>

#include "base/json.h"
#include "base/options.h"
#include "dist/dist.h"
#include "model/model.h"
#include "text/vocab.h"
#include "train/leaves.h"

/* In the order of --precision. */
typedef enum { EL_PRECISION_AUTO, EL_PRECISION_BF16, EL_PRECISION_FP32, EL_PRECISION_INT8 } el_precision;

/* The activations' type that a model is planned with; AUTO: what the device is fastest in. */
el_type el_precision_type(el_precision precision, const el_device *dev);

typedef struct {
    const char *device;  /* "cpu", "cuda", "cuda:1"; "auto" or NULL: chosen by what is to be done */
    double work;         /* no option: operations that are expected, for that choice; 0: few */
    int64_t threads;     /* 0: as many as there are processors */
    int precision;       /* of activations and products */
    int instruction_set; /* 0: the best there is */
    el_dist *dist;       /* the ranks that this process is one of; NULL: it is alone */
    int64_t leaves;      /* of a batch's gradient; 0: as many as suit */
    double stall_limit;  /* seconds to wait for other ranks, which cli/ranks.h sees to */
} el_machine;

#define EL_MACHINE_OPTIONS(settings)                                                                         \
    EL_MACHINE_LINES(settings, "auto|bf16|fp32|int8",                                                        \
                     "; int8: products of whole numbers, all else in float, for answers alone")
/* Of commands that train, which int8 is not for. */
#define EL_TRAINING_OPTIONS(settings) EL_MACHINE_LINES(settings, "auto|bf16|fp32", "")
#define EL_MACHINE_LINES(settings, precisions, of_int8)                                                      \
    EL_TEXT("device", offsetof(settings, machine.device),                                                    \
            "auto, cpu, cuda or cuda:N (a GPU, counted from 0); auto: the processor, or a GPU for a long "   \
            "pre-training"),                                                                                 \
        EL_THREADS_OPTION(offsetof(settings, machine.threads)),                                              \
        EL_CHOICE(                                                                                           \
            "precision", offsetof(settings, machine.precision), precisions,                                  \
            "type of activations and products; auto: bf16 if this processor multiplies it faster" of_int8),  \
        EL_CHOICE(                                                                                           \
            "instruction_set", offsetof(settings, machine.instruction_set),                                  \
            "auto|baseline|avx2|avx512|avx512_bf16|amx|neon|neon_bf16|reference",                            \
            "kernels to use; auto: the best that this processor has; reference: plain C in double, for "     \
            "comparisons")
#define EL_THREADS_OPTION(place) EL_INT("threads", place, 0, 1024, "number of threads; 0: one per processor")
#define EL_MICRO_BATCH_OPTION(place)                                                                         \
    EL_INT("micro_batch_tokens", place, 1, 1 << 24, "tokens computed at a time: more needs more memory")

/* Of commands that train. */
#define EL_RANKS_OPTIONS(settings)                                                                           \
    EL_INT(                                                                                                  \
        "gradient_leaves", offsetof(settings, machine.leaves), 0, EL_MOST_LEAVES,                            \
        "parts of a batch whose gradients are added along a fixed tree, a power of two: as many ranks of "   \
        "electra-mpi, or fewer, give the same bits; 0: 1, in electra-mpi 8, and on GPUs as many as ranks"),  \
        EL_STALL_OPTION(offsetof(settings, machine.stall_limit))
/* Of all that ranks share. */
#define EL_STALL_OPTION(place)                                                                               \
    EL_REAL("stall_limit", place, 0, 1e9,                                                                    \
            "seconds after which a rank of electra-mpi that hears nothing of the others gives up; 0: never")
enum { EL_STALL_LIMIT = 600 }; /* longer than any save or evaluation */

/* Opens the device and the queue that everything runs on (el_queue_close ends both), and replaces what was left open
 * (threads, precision) by what was chosen. */
el_status el_machine_open(el_machine *machine, el_queue **q);
/* Of a run that goes on: a precision that is left open is what its record (run.json) says, and a record that says nothing of
 * leaves is of one. */
void el_machine_recall(el_machine *machine, json_t *record);
el_type el_machine_type(const el_machine *machine);          /* of activations, once open */
const char *el_machine_precision(const el_machine *machine); /* "bf16", "fp32" or "int8", once open */
/* What el_device_open is to open, from the options alone: a GPU, an instruction set by name, "reference" for the reference
 * device; NULL where left open.  EL_EUSAGE for a device that is none, and for an instruction set of a GPU. */
el_status el_machine_level(const el_machine *machine, const char **level);
/* Whether a queue is of a GPU. */
bool el_machine_on_gpu(const el_queue *q);

/* Processors of this rank: those that it may use, shared out among the ranks that may use the same. */
int el_rank_processors(const el_dist *dist);

/* EL_EUSAGE where ranks have other settings, threads apart. */
el_status el_ranks_alike(el_dist *dist, const el_options *options);

/* The same where `own` (NULL at the end) names the settings that may differ, and kernels may not. */
el_status el_machine_same(const el_machine *machine, const el_queue *q, const el_options *options,
                          const char *const *own);

/* {"cpu": ..., "instruction_set": ..., "precision": ..., "threads": ...} */
json_t *el_machine_json(const el_machine *machine, const el_device *dev);

/* Opens whatever networks a run or model folder has, to be used, not trained. */
el_status el_model_open_folder(el_model *model, el_queue *q, el_type activations, const char *folder);

/* The vocabulary of a run or model folder, where it has one, must be that of the shards in `data`. */
el_status el_model_check_vocab(const char *folder, const el_vocab *vocab, const char *data);

#endif
