/* flops - see the header */
#include "train/flops.h"

double el_training_flops(const el_model *model, double mask_prob, double length)
{
    const el_config *g = &model->generator.config, *d = &model->discriminator.config;
    double forward = 0;
    if (model->generator.present)
        forward += el_config_flops(g, length) +
                   mask_prob * 2.0 * g->embedding_size * ((double)g->hidden_size + g->vocab_size);
    if (model->discriminator.present)
        forward += el_config_flops(d, length) + 2.0 * d->hidden_size * (d->hidden_size + 1.0);
    return 3 * forward;
}
