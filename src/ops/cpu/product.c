/* product - matrix products in pieces, and the copies of weights that they read */
#include <assert.h>

#include "ops/cpu/pieces.h"

/* Rows in as many shares as there are threads, of like size, each in pieces of about so many blocks; columns in pieces
 * of panels where rows are few.  So few that one piece could hold them are cut no more than threads need: each reads
 * weights of its own then, which take longer to come than such rows to multiply.  Where each piece converts its rows
 * before it multiplies, there are no more column pieces than threads need.  How a product is cut does not change its sums,
 * so the threads may have a say. */
enum {
    BLOCKS = 10,
    PRODUCT_PIECES = 16,
    EACH = 2,
    SHARE_ROWS = 4 /* all shares but the last have a multiple of so many: fewer rows make a slow block */
};

typedef struct {
    int shares, each; /* row pieces of a share */
    int cols;         /* column pieces */
} product_cut;

static product_cut cut_of(int blocks, int panels, int threads, bool converts)
{
    product_cut c = {.shares = 1};
    if (blocks > BLOCKS) {
        c.shares = least(blocks, threads);
        c.each = pieces_of(pieces_of(blocks, BLOCKS), c.shares);
    } else {
        c.each = least(blocks, pieces_of(EACH * threads, panels));
    }
    c.cols = least(panels, pieces_of(converts ? threads : PRODUCT_PIECES, c.shares * c.each));
    return c;
}

typedef struct {
    el_queue *q;
    el_tensor y, x;
    const char *packed;
    const float *bias;
    bool accumulate;
    int int8_columns;      /* of all of w, where products are of whole numbers; else 0 */
    el_tensor gelu, slope; /* of y, where wanted */
    product_cut cut;
} product_job;

/* Some of the rows, or of the columns. */
typedef struct {
    int first, count;
} range;

/* Rows that a product of a type works on at a time. */
static int block_rows_of(const el_kernels *k, el_type type)
{
    return type == EL_F32 ? k->block_rows : k->narrow_rows;
}

static int block_rows(const product_job *j)
{
    return block_rows_of(kernels_of(j->q), j->int8_columns ? EL_I8 : j->x.type);
}

/* Where piece `index` of `pieces` of `count` things begins. */
static int begin_of(int index, int pieces, int count)
{
    return (int)((int64_t)index * count / pieces);
}

/* Piece `index` of `pieces` of `count` rows or columns, cut between whole units of them. */
static range range_of(int index, int pieces, int count, int unit)
{
    const int units = pieces_of(count, unit), first = begin_of(index, pieces, units) * unit;
    return (range){first, least(begin_of(index + 1, pieces, units) * unit, count) - first};
}

static el_tensor rectangle(el_tensor t, range rows, range cols)
{
    return el_piece_cols(el_piece_rows(t, rows.first, rows.count), cols.first, cols.count);
}

/* Where a share begins. */
static int share_row_of(const product_job *j, int share)
{
    const int row = begin_of(share, j->cut.shares, j->y.rows);
    return share < j->cut.shares ? row / SHARE_ROWS * SHARE_ROWS : row;
}

/* Row piece `r` of all shares. */
static range rows_of(const product_job *j, int r)
{
    const int share = r / j->cut.each, top = share_row_of(j, share);
    range rows = range_of(r % j->cut.each, j->cut.each, share_row_of(j, share + 1) - top, block_rows(j));
    rows.first += top;
    return rows;
}

static void product_task(void *context, int index, int thread)
{
    const product_job *const j = context;
    const el_kernels *const k = kernels_of(j->q);
    const range rows = rows_of(j, index / j->cut.cols);
    const range cols = range_of(index % j->cut.cols, j->cut.cols, j->y.cols, k->panel);
    const el_tensor y = rectangle(j->y, rows, cols);
    const el_tensor x = el_piece_rows(j->x, rows.first, rows.count);
    const float *const bias = j->bias ? j->bias + cols.first : NULL;
    const int panel = cols.first / k->panel;
    if (j->int8_columns)
        k->product_int8(y, x, j->packed, j->int8_columns, panel, bias, scratch_of(j->q, thread));
    else
        k->product(y, x, j->packed, panel, bias, j->accumulate, scratch_of(j->q, thread));
    if (j->gelu.data) /* while y is in this thread's cache */
        k->gelu_forward(rectangle(j->gelu, rows, cols), rectangle(j->slope, rows, cols), y);
}

/* Whether rows are quantised, or are bf16 that has to become floats first. */
static bool converts(const product_job *j)
{
    return j->int8_columns || (j->x.type == EL_BF16 && !kernels_of(j->q)->pairs);
}

static void product(product_job j)
{
    assert(j.y.rows == j.x.rows && j.packed && j.y.type == j.x.type);
    if (j.y.rows == 0 || j.y.cols == 0)
        return;
    const el_kernels *const k = kernels_of(j.q);
    j.cut = cut_of(pieces_of(j.y.rows, block_rows(&j)), pieces_of(j.y.cols, k->panel), j.q->threads,
                   converts(&j));
    run_pieces(j.q, j.cut.shares * j.cut.each * j.cut.cols, product_task, &j);
}

size_t el_cpu_prepared_bytes(const el_device *dev, int rows, int cols, el_type type, bool training)
{
    const el_kernels *const k = ((const el_cpu *)dev)->kernels;
    if (type == EL_I8)
        return k->packed_int8_bytes(cols, rows);
    const size_t forward =
        (k->packed_bytes(cols, rows, type) + EL_ALIGNMENT - 1) / EL_ALIGNMENT * EL_ALIGNMENT;
    return forward + (training ? k->packed_bytes(rows, cols, type) : 0);
}

/* The copy for dy W lies behind the one for x W^T. */
static char *second_copy(el_queue *q, el_tensor w, el_type type)
{
    return (char *)w.prepared + el_cpu_prepared_bytes(q->dev, w.rows, w.cols, type, false);
}

typedef struct {
    el_queue *q;
    el_tensor w;
    el_type type;
    void *backward;
    int rows; /* of a piece */
} prepare_job;

static void prepare_task(void *context, int index, int thread)
{
    const prepare_job *const j = context;
    const int first = index * j->rows;
    (void)thread;
    const int rows = least(j->rows, j->w.rows - first);
    if (j->w.int8_steps)
        kernels_of(j->q)->pack_int8(j->w.prepared, j->w, first, rows);
    else
        kernels_of(j->q)->pack(j->w.prepared, j->backward, j->w, j->type, first, rows);
}

/* In pieces of whole panels of rows and about EL_CPU_PIECE numbers, each read once for both copies. */
void el_cpu_prepare(el_queue *q, el_tensor w, el_type type, bool training)
{
    assert(w.prepared && (uintptr_t)w.prepared % EL_CACHE_LINE == 0 && w.type == EL_F32);
    assert((w.int8_steps > 0) == (type == EL_I8) && !(w.int8_steps && training));
    assert(w.int8_steps == 0 || w.int8_steps == q->dev->int8_steps);
    const int panel = kernels_of(q)->panel;
    prepare_job j = {.q = q, .w = w, .type = type, .rows = most(1, EL_CPU_PIECE / w.cols / panel) * panel};
    j.backward = training ? second_copy(q, w, type) : NULL;
    run_pieces(q, pieces_of(w.rows, j.rows), prepare_task, &j);
}

static product_job forward_job(el_queue *q, el_tensor y, el_tensor x, el_tensor w, el_tensor b)
{
    assert(x.cols == w.cols && y.cols == w.rows && (!b.data || (b.cols == y.cols && b.type == EL_F32)));
    return (product_job){.q = q,
                         .y = y,
                         .x = x,
                         .packed = w.prepared,
                         .bias = b.data,
                         .int8_columns = w.int8_steps ? w.rows : 0};
}

void el_cpu_linear_forward(el_queue *q, el_tensor y, el_tensor x, el_tensor w, el_tensor b)
{
    product(forward_job(q, y, x, w, b));
}

void el_cpu_linear_backward_input(el_queue *q, el_tensor dx, el_tensor dy, el_tensor w, bool accumulate)
{
    assert(dy.cols == w.rows && dx.cols == w.cols && w.prepared && !w.int8_steps);
    product((product_job){
        .q = q, .y = dx, .x = dy, .packed = second_copy(q, w, dy.type), .accumulate = accumulate});
}

void el_cpu_linear_gelu_forward(el_queue *q, el_tensor y, el_tensor slope, el_tensor z, el_tensor x,
                                el_tensor w, el_tensor b)
{
    check_gelu(y, slope, z);
    product_job j = forward_job(q, z, x, w, b);
    j.gelu = y;
    j.slope = slope;
    product(j);
}

typedef struct {
    el_queue *q;
    el_tensor dw, db, dy, x;
    int row_pieces, col_pieces;
} weight_job;

static void weight_task(void *context, int index, int thread)
{
    const weight_job *const j = context;
    const el_kernels *const k = kernels_of(j->q);
    const int c = index / j->row_pieces;
    const range rows =
        range_of(index % j->row_pieces, j->row_pieces, j->dw.rows, block_rows_of(k, j->x.type));
    const range cols = range_of(c, j->col_pieces, j->dw.cols, k->panel);
    k->product_weight(rectangle(j->dw, rows, cols),
                      c == 0 ? el_piece_cols(j->db, rows.first, rows.count) : el_tensor_none(),
                      el_piece_cols(j->dy, rows.first, rows.count),
                      el_piece_cols(j->x, cols.first, cols.count), scratch_of(j->q, thread));
}

/* The columns that are packed in the time that one block of rows and one panel take; and how many more pieces than must
 * be are tried, of rows and of columns. */
enum { PACKED = 20, MORE = 8 };

/* In pieces that no thread waits for long, and for which little is packed twice: the least time of the busiest. */
static void cut_weight(weight_job *j)
{
    const el_kernels *const k = kernels_of(j->q);
    const int block = block_rows_of(k, j->x.type);
    const int blocks = pieces_of(j->dw.rows, block), panels = pieces_of(j->dw.cols, k->panel);
    const int rows = pieces_of(blocks, EL_WEIGHT_ROWS / block);
    const int cols = pieces_of(panels, EL_WEIGHT_COLUMNS / k->panel);
    int64_t shortest = INT64_MAX;
    for (int r = rows; r <= least(rows + MORE, blocks); r++)
        for (int c = cols; c <= least(cols + MORE, panels); c++) {
            const int64_t down = pieces_of(blocks, r), along = pieces_of(panels, c);
            const int64_t time =
                pieces_of(r * c, j->q->threads) * (PACKED * down * along + down * block + along * k->panel);
            if (time >= shortest)
                continue;
            shortest = time;
            j->row_pieces = r;
            j->col_pieces = c;
        }
}

void el_cpu_linear_backward_weight(el_queue *q, el_tensor dw, el_tensor db, el_tensor dy, el_tensor x)
{
    assert(dw.rows == dy.cols && dw.cols == x.cols && dy.rows == x.rows && dy.type == x.type &&
           dw.type == EL_F32 && (!db.data || (db.cols == dw.rows && db.type == EL_F32)));
    weight_job j = {.q = q, .dw = dw, .db = db, .dy = dy, .x = x};
    cut_weight(&j);
    run_pieces(q, j.row_pieces * j.col_pieces, weight_task, &j);
}
