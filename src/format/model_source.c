/* model_source - see the header */
#include "format/model_source.h"

#include "format/model_guess.h"

el_status el_model_source_open(el_model_source *s, const char *folder, el_tensors *shared, bool predicts)
{
    *s = (el_model_source){.folder = folder};
    el_tensors *const tensors = shared ? shared : &s->own;
    el_status st = el_model_card_open(&s->card, folder, tensors, predicts);
    if (!st)
        st = el_tensors_need(tensors, folder);
    if (!st)
        st = el_names_open(&s->names, tensors, predicts);
    if (st) {
        el_model_source_close(s);
        return st;
    }
    s->head = s->card.head;
    el_guess_settle(&s->head, &s->names);
    return EL_OK;
}

void el_model_source_close(el_model_source *s)
{
    el_model_card_close(&s->card);
    el_tensors_close(&s->own);
}

el_status el_model_source_check_heads(const el_model_source *s)
{
    return s->card.guesses_heads
               ? el_fail(EL_EDATA,
                         "%s: nothing says how many attention heads there are; electra import "
                         "--num-attention-heads N makes a folder that does",
                         s->folder)
               : EL_OK;
}
