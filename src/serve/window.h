/* window - how a text of more pieces than a model reads at once is read in overlapping windows
 *
 * Each window begins half a window after the one before, and the last ends with the text.  A piece's answer is that of the
 * window in whose middle it stands most nearly: neighbours answer up to the middle of what both read.
 */
#ifndef EL_SERVE_WINDOW_H
#define EL_SERVE_WINDOW_H

/* Reads pieces [begin, end) of the text and answers for [first, last). */
typedef struct {
    int begin, end, first, last;
} el_text_window;

/* Of a text of `count` pieces, in windows of `size`. */
static inline int el_window_count(int count, int size)
{
    const int stride = size / 2;
    return count <= size ? 1 : (count - size + stride - 1) / stride + 1;
}

static inline int el_window_begin(int w, int count, int size)
{
    const int begin = w * (size / 2);
    return count <= size ? 0 : begin + size > count ? count - size : begin;
}

static inline el_text_window el_window_at(int w, int count, int size)
{
    const int windows = el_window_count(count, size), begin = el_window_begin(w, count, size);
    const int end = count <= size ? count : begin + size;
    const int first = w == 0 ? 0 : (begin + el_window_begin(w - 1, count, size) + size) / 2;
    const int last = w + 1 == windows ? count : (el_window_begin(w + 1, count, size) + end) / 2;
    return (el_text_window){begin, end, first, last};
}

/* How many of the pieces `at`, in order, it answers for, where windows before it answer for none of them. */
static inline int el_window_answers(el_text_window window, const int *at, int count)
{
    int answered = 0;
    while (answered < count && at[answered] < window.last)
        answered++;
    return answered;
}

#endif
