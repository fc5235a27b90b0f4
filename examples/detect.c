/* detect - marks in brackets the pieces of a sentence that look replaced
 *
 *     cc detect.c $(pkg-config --cflags --libs electra) -o detect
 *     ./detect run "The cat sat under the hat."
 */
#include <electra.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: detect MODEL TEXT        (libelectra %s)\n", electra_version());
        return 2;
    }
    const char *const text = argv[2];
    electra_model *model = NULL;
    electra_session *session = NULL;
    const electra_piece *pieces;
    size_t count;
    electra_status status = electra_model_open(&model, argv[1], NULL);
    if (!status)
        status = electra_session_open(&session, model);
    if (!status)
        status = electra_detect(session, text, strlen(text), &pieces, &count);
    if (status) {
        fprintf(stderr, "detect: %s\n", electra_error());
    } else {
        for (size_t i = 0; i < count; i++)
            printf(pieces[i].probability >= 0.5F ? "[%s %.2f] " : "%s ", pieces[i].piece,
                   (double)pieces[i].probability);
        putchar('\n');
    }
    electra_session_close(session);
    electra_model_close(model);
    return status;
}
