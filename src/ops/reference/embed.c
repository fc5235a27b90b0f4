/* embed - embed and gather: rows picked by number
 *
 *   embed:   y[i] = sum over k of tables[k][indices[k][i]]        dtable[index[i]] += dy[i]
 *   gather:  y[i] = x[rows[i]]        dx = 0, then dx[rows[i]] += dy[i]
 */
#include <assert.h>

#include "ops/reference/reference.h"

void el_ref_embed_forward(el_queue *q, el_tensor y, const el_tensor *tables, const int *const *indices,
                          int count)
{
    (void)q;
    for (int i = 0; i < y.rows; i++)
        for (int j = 0; j < y.cols; j++) {
            double sum = 0;
            for (int k = 0; k < count; k++) {
                assert(indices[k][i] >= 0 && indices[k][i] < tables[k].rows && "a row that the table has");
                sum += el_get(tables[k], indices[k][i], j);
            }
            el_set(y, i, j, sum);
        }
}

void el_ref_embed_backward(el_queue *q, el_tensor dtable, el_tensor dy, const int *index)
{
    (void)q;
    assert(dtable.cols == dy.cols);
    for (int i = 0; i < dy.rows; i++)
        assert(index[i] >= 0 && index[i] < dtable.rows && "a row that the table has");
    for (int i = 0; i < dy.rows; i++)
        for (int j = 0; j < dy.cols; j++)
            el_set(dtable, index[i], j, el_get(dtable, index[i], j) + el_get(dy, i, j));
}

void el_ref_gather_forward(el_queue *q, el_tensor y, el_tensor x, const int *rows)
{
    (void)q;
    assert(y.cols == x.cols);
    for (int i = 0; i < y.rows; i++)
        for (int j = 0; j < y.cols; j++)
            el_set(y, i, j, el_get(x, rows[i], j));
}

/* A row at a time, so that the sum of a row asked for more than once is rounded once. */
void el_ref_gather_backward(el_queue *q, el_tensor dx, el_tensor dy, const int *rows, bool accumulate)
{
    (void)q;
    assert(dx.cols == dy.cols);
    for (int r = 0; r < dx.rows; r++)
        for (int j = 0; j < dx.cols; j++) {
            double sum = accumulate ? el_get(dx, r, j) : 0;
            for (int i = 0; i < dy.rows; i++)
                if (rows[i] == r)
                    sum += el_get(dy, i, j);
            el_set(dx, r, j, sum);
        }
}
