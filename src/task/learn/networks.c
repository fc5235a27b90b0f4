/* networks - where the networks of a model to fine-tune, or of a fine-tuned one, lie, and what is planned of them */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "format/model_folder.h"
#include "task/learn/finetuned.h"

el_status el_encoders_find(const char *folder, char **encoder, char **backward)
{
    el_model_paths paths;
    const el_status st = el_model_find_tuned(&paths, folder);
    *encoder = paths.encoder;
    *backward = paths.discriminator && paths.generator ? NULL : paths.backward; /* a generator's */
    paths.encoder = NULL;
    if (*backward)
        paths.backward = NULL;
    el_model_paths_release(&paths);
    return st;
}

void el_encoder_note_half(const char *folder)
{
    el_log(EL_LOG_NOTE, "%s: of its two networks the one that reads forwards is taken", folder);
}

el_status el_encoder_find(const char *folder, char **encoder)
{
    char *backward;
    const el_status st = el_encoders_find(folder, encoder, &backward);
    if (backward)
        el_encoder_note_half(folder);
    free(backward);
    return st;
}

void el_plan_add_backward(el_model_plan *plan, el_config config)
{
    const int owner = plan->count - 1;
    config.backwards = true;
    el_network_plan *const net =
        el_plan_add(plan, EL_BACKWARD, config, (el_head_config){.kind = EL_HEAD_NONE});
    net->tying = EL_TIE_SHARED;
    net->owner = owner;
}

el_status el_finetuned_plan(el_model_plan *plan, const char *name, const char *folder,
                            const el_config *config, const el_head_config *head, char **backward)
{
    el_config second;
    *backward = NULL;
    el_plan_add(plan, name, *config, *head);
    if (!head->joined)
        return EL_OK;
    *backward = el_path_join(folder, EL_BACKWARD);
    el_status st = *backward ? el_model_read(*backward, false, &second, NULL, NULL) : el_no_memory(folder);
    if (!st && (!config->causal || !second.backwards || second.hidden_size != config->hidden_size))
        st = el_fail(EL_EDATA, "%s: is not the half of %s that reads backwards", *backward, folder);
    if (!st)
        el_plan_add_backward(plan, second);
    return st;
}

el_status el_finetuned_load(el_model *model, const char *folder, const char *backward)
{
    const el_network *const second = el_model_network(model, EL_BACKWARD);
    const el_status st = el_weights_load(model, &model->networks[0], folder);
    return st || !second ? st : el_weights_load(model, second, backward);
}
