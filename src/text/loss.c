/* loss - see the header */
#include "text/loss.h"

#include "base/log.h"

void el_text_loss_count(el_text_loss *loss, const int32_t *ids, size_t count, int unk)
{
    loss->pieces += (int64_t)count;
    for (size_t i = 0; i < count; i++)
        loss->unknown += ids[i] == unk;
}

void el_text_loss_add(el_text_loss *sum, const el_text_loss *more)
{
    sum->cut += more->cut;
    sum->pieces += more->pieces;
    sum->unknown += more->unknown;
}

void el_text_loss_say(const el_text_loss *loss, const char *name, const char *what, int longest,
                      bool training)
{
    enum { FEW = 10 }; /* names and signs of a short text */
    const char *const between = name ? ": " : "";
    name = name ? name : "";
    if (loss->cut)
        el_log(training ? EL_LOG_NOTE : EL_LOG_WARNING, "%s%s%d %s are longer than %d tokens, and cut", name,
               between, loss->cut, what, longest);
    if (loss->unknown >= FEW && 10 * loss->unknown > loss->pieces)
        el_log(
            EL_LOG_WARNING,
            "%s%s%.0f %% of the pieces are [UNK]: the vocabulary hardly fits this text; is it of the model's "
            "language, and composed (NFC)?",
            name, between, 100.0 * (double)loss->unknown / (double)loss->pieces);
}
