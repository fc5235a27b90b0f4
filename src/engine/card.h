/* card - README.md of a model folder: front matter that the hub reads, what the model is, and the command that made it */
#ifndef EL_ENGINE_CARD_H
#define EL_ENGINE_CARD_H

#include "base/options.h"

typedef struct {
    const char *pipeline; /* the hub's name of what it does, "fill-mask"; NULL: none */
    bool own;             /* its head is none of transformers', which would open it with another */
    const char *tag;      /* for who searches the hub: the model_type */
    const char *title, *about;
    const char *task;          /* the name of what it was taught; NULL where there are no figures: */
    const json_t *metrics;     /* {"accuracy": 0.9, ...}, of held-out examples, for model-index; NULL: none */
    const el_options *options; /* the command's; what was given of them is quoted */
} el_card;

/* The text, on the heap; NULL without memory. */
char *el_card_text(const el_card *card);

#endif
