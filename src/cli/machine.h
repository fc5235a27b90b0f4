/* machine - what commands that run a model share: where it runs, and opening one to be used
 *
 * A settings struct with a `cli_machine machine` takes the table lines CLI_MACHINE_OPTIONS(struct).
 */
#ifndef EL_CLI_MACHINE_H
#define EL_CLI_MACHINE_H

#include <stddef.h>

#include "base/json.h"
#include "base/options.h"
#include "model/model.h"
#include "text/vocab.h"

enum { CLI_PRECISION_AUTO, CLI_PRECISION_BF16, CLI_PRECISION_FP32 };

typedef struct {
    int64_t threads;     /* 0: as many as there are processors */
    int precision;       /* of activations and products */
    int instruction_set; /* 0: the best there is */
} cli_machine;

#define CLI_MACHINE_OPTIONS(settings)                                                                        \
    {"threads", EL_OPT_INT, offsetof(settings, machine.threads),          0,                                 \
     1024,      NULL,       "threads; 0: as many as there are processors"},                                  \
        {"precision",                                                                                        \
         EL_OPT_CHOICE,                                                                                      \
         offsetof(settings, machine.precision),                                                              \
         0,                                                                                                  \
         0,                                                                                                  \
         "auto|bf16|fp32",                                                                                   \
         "of activations and products; auto: bf16 where this processor multiplies it faster"},               \
    {                                                                                                        \
        "instruction_set", EL_OPT_CHOICE, offsetof(settings, machine.instruction_set), 0, 0,                 \
            "auto|baseline|avx2|avx512|avx512_bf16|reference",                                               \
            "kernels to use; auto: the best this processor has; reference: plain C in double, for "          \
            "comparisons"                                                                                    \
    }

/* Opens the device, and replaces what was left open (threads, precision) by what was chosen. */
el_status cli_machine_open(cli_machine *machine, el_device **dev);
el_type cli_machine_type(const cli_machine *machine); /* of activations, once open */
/* The instruction set by name, "reference" for the reference device; NULL where left open. */
const char *cli_machine_level(const cli_machine *machine);

/* {"cpu": ..., "instruction_set": ..., "precision": ..., "threads": ...} */
json_t *cli_machine_json(const cli_machine *machine, const el_device *dev);

/* The most memory that this process has held so far, in 10^6 bytes. */
double cli_resident_mb(void);

/* Opens whatever networks a run or model folder has, to be used, not trained. */
el_status cli_model_open(el_model *model, el_device *dev, el_type activations, const char *folder);

/* The vocabulary of a run or model folder, where it has one, must be that of the shards in `data`. */
el_status cli_model_check_vocab(const char *folder, const el_vocab *vocab, const char *data);

#endif
