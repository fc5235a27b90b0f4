/* lost - see the header */
#include "text/lost.h"

#include "base/log.h"
#include "base/plural.h"

void el_text_lost_count(el_text_lost *lost, const int32_t *ids, size_t count, int unk)
{
    lost->pieces += (int64_t)count;
    for (size_t i = 0; i < count; i++)
        lost->unknown += ids[i] == unk;
}

void el_text_lost_add(el_text_lost *sum, const el_text_lost *more)
{
    sum->cut += more->cut;
    sum->pieces += more->pieces;
    sum->unknown += more->unknown;
}

void el_text_lost_say(const el_text_lost *lost, const char *name, const char *what, int longest,
                      bool training)
{
    enum { FEW = 10 }; /* names and signs of a short text */
    const char *const between = name ? ": " : "";
    name = name ? name : "";
    if (lost->cut)
        el_log(training ? EL_LOG_NOTE : EL_LOG_WARNING, "%s%s%d %s%s %s longer than %d tokens, and cut", name,
               between, lost->cut, what, el_s(lost->cut), el_is(lost->cut), longest);
    if (lost->unknown >= FEW && 10 * lost->unknown > lost->pieces)
        el_log(
            EL_LOG_WARNING,
            "%s%s%.0f %% of the pieces are [UNK]: the vocabulary hardly fits this text; is it of the model's "
            "language, and composed (NFC)?",
            name, between, 100.0 * (double)lost->unknown / (double)lost->pieces);
}
