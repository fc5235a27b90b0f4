/* cpu - the processor's device: ops cut into pieces, pieces done by the kernels of one level
 *
 * How an op is cut depends on shapes alone, and each number is computed whole within a piece, or as sums of
 * pieces that are added in their order: any number of threads gives the same bits.
 *
 * Memory that ops need besides their tensors is taken when the device is opened and in reserve(): scratch for
 * each thread, and one buffer for sums of pieces.
 */
#define _DEFAULT_SOURCE
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/parallel.h"
#include "ops/level.h"

enum {
    ALIGNMENT = 256,
    PIECE = 16384,   /* numbers in a piece of an elementwise op */
    SUM_PIECES = 32, /* pieces whose sums of columns are kept apart, at most */
    SUM_ROWS = 32,   /* rows in such a piece, at least */
    SUM_FLOATS = 1 << 18,
    SQUARES = 16384, /* numbers whose squares are summed in one piece */
    HUGE_PAGE = 1 << 21,
    HUGE_FROM = 8 * HUGE_PAGE, /* bytes; of less memory a huge page would be too much */
    TOUCHED = HUGE_PAGE,       /* bytes that a thread zeroes at a time when memory is taken */
};

typedef struct {
    el_device device;
    const el_kernels *kernels;
    char *scratch; /* scratch_bytes for each thread */
    size_t scratch_bytes;
    float *sums; /* SUM_FLOATS */
} cpu;

static cpu *cpu_of(el_device *dev)
{
    return dev->state;
}

static const el_kernels *kernels_of(el_device *dev)
{
    return cpu_of(dev)->kernels;
}

static void *scratch_of(el_device *dev, int thread)
{
    const cpu *const c = cpu_of(dev);
    return c->scratch + (size_t)thread * c->scratch_bytes;
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

static int most(int a, int b)
{
    return a > b ? a : b;
}

static int pieces_of(int count, int size)
{
    return (int)(((int64_t)count + size - 1) / size);
}

static bool same_shape(el_tensor a, el_tensor b)
{
    return a.rows == b.rows && a.cols == b.cols;
}

/* Memory. */

typedef struct {
    char *memory;
    size_t bytes;
    int threads;
} touching;

/* Every so many-th block, one piece a thread. */
static void touch_task(void *context, int index, int thread)
{
    const touching *const t = context;
    (void)thread;
    for (size_t at = (size_t)index * TOUCHED; at < t->bytes; at += (size_t)t->threads * TOUCHED)
        memset(t->memory + at, 0, t->bytes - at < TOUCHED ? t->bytes - at : TOUCHED);
}

/* Zeroed by all threads in turn: the system puts a page beside the processor that first writes to it, and so large
 * tensors lie evenly about the memory nodes of those who work on them.  Large memory is of huge pages where the system
 * has them for whoever asks. */
static void *device_alloc(el_device *dev, size_t bytes)
{
    const size_t alignment = bytes < HUGE_FROM ? ALIGNMENT : HUGE_PAGE;
    const size_t whole = (bytes / alignment + 1) * alignment;
    void *const memory = bytes < SIZE_MAX - alignment ? aligned_alloc(alignment, whole) : NULL;
    if (memory && alignment == HUGE_PAGE)
        madvise(memory, whole, MADV_HUGEPAGE);
    if (memory)
        el_parallel(dev->threads, dev->threads, touch_task, &(touching){memory, whole, dev->threads});
    return memory;
}

static void device_release(el_device *dev, void *memory)
{
    (void)dev;
    free(memory);
}

static void copy_in(el_device *dev, void *device, const void *host, size_t bytes)
{
    (void)dev;
    memcpy(device, host, bytes);
}

static void copy_out(el_device *dev, void *host, const void *device, size_t bytes)
{
    (void)dev;
    memcpy(host, device, bytes);
}

static el_status reserve_scratch(el_device *dev, size_t bytes)
{
    cpu *const c = cpu_of(dev);
    bytes = (bytes + 4095) / 4096 * 4096;
    if (bytes <= c->scratch_bytes)
        return EL_OK;
    char *const scratch = aligned_alloc(4096, bytes * (size_t)dev->threads);
    if (!scratch)
        return el_fail(EL_ENOMEM, "cannot allocate %zu bytes of scratch for each of %d threads", bytes,
                       dev->threads);
    free(c->scratch);
    c->scratch = scratch;
    c->scratch_bytes = bytes;
    return EL_OK;
}

static el_status reserve(el_device *dev, int longest, int head_size)
{
    return reserve_scratch(dev, kernels_of(dev)->attention_scratch(longest, head_size));
}

static void device_close(el_device *dev)
{
    cpu *const c = cpu_of(dev);
    free(c->scratch);
    free(c->sums);
    free(c);
}

/* Ops on rows: the tensors, and how many rows a piece has. */
typedef struct {
    el_device *dev;
    int rows; /* of a piece */
    el_tensor a, b, c, d, e, f, g;
    el_dropout dropout;
    double real;
    const int *index;
    const void *more;
    int count;
} job;

static el_tensor piece_of(el_tensor t, const job *j, int index)
{
    const int first = index * j->rows;
    return t.data ? el_piece_rows(t, first, least(j->rows, t.rows - first)) : t;
}

static el_dropout dropout_of(const job *j, int index)
{
    el_dropout dropout = j->dropout;
    dropout.first_row += (uint64_t)index * (uint64_t)j->rows;
    return dropout;
}

/* In pieces of about PIECE numbers. */
static void by_rows(job *j, int rows, int cols, el_task *task)
{
    if (rows == 0 || cols == 0)
        return;
    j->rows = most(1, PIECE / cols);
    el_parallel(j->dev->threads, pieces_of(rows, j->rows), task, j);
}

static void zero_task(void *context, int index, int thread)
{
    const job *const j = context;
    (void)thread;
    const el_tensor y = piece_of(j->a, j, index);
    const size_t bytes = el_type_bytes(y.type);
    for (int i = 0; i < y.rows; i++)
        memset((char *)y.data + (size_t)(i * y.stride) * bytes, 0, (size_t)y.cols * bytes);
}

static void zero(el_device *dev, el_tensor y)
{
    by_rows(&(job){.dev = dev, .a = y}, y.rows, y.cols, zero_task);
}

static void copy_task(void *context, int index, int thread)
{
    const job *const j = context;
    (void)thread;
    kernels_of(j->dev)->copy(piece_of(j->a, j, index), piece_of(j->b, j, index));
}

static void copy(el_device *dev, el_tensor y, el_tensor x)
{
    assert(same_shape(y, x));
    by_rows(&(job){.dev = dev, .a = y, .b = x}, y.rows, y.cols, copy_task);
}

static void add_task(void *context, int index, int thread)
{
    const job *const j = context;
    (void)thread;
    kernels_of(j->dev)->add(piece_of(j->a, j, index), piece_of(j->b, j, index), piece_of(j->c, j, index));
}

static void add(el_device *dev, el_tensor y, el_tensor a, el_tensor b)
{
    assert(same_shape(y, a) && same_shape(y, b) && y.type == a.type && y.type == b.type);
    by_rows(&(job){.dev = dev, .a = y, .b = a, .c = b}, y.rows, y.cols, add_task);
}

static void gelu_forward_task(void *context, int index, int thread)
{
    const job *const j = context;
    (void)thread;
    kernels_of(j->dev)->gelu_forward(piece_of(j->a, j, index), piece_of(j->b, j, index),
                                     piece_of(j->c, j, index));
}

static void check_gelu(el_tensor y, el_tensor slope, el_tensor x)
{
    assert(same_shape(y, x) && y.type == x.type &&
           (!slope.data || (same_shape(slope, x) && slope.type == x.type)));
}

static void gelu_forward(el_device *dev, el_tensor y, el_tensor slope, el_tensor x)
{
    check_gelu(y, slope, x);
    by_rows(&(job){.dev = dev, .a = y, .b = slope, .c = x}, y.rows, y.cols, gelu_forward_task);
}

static void gelu_backward_task(void *context, int index, int thread)
{
    const job *const j = context;
    (void)thread;
    kernels_of(j->dev)->gelu_backward(piece_of(j->a, j, index), piece_of(j->b, j, index),
                                      piece_of(j->c, j, index));
}

static void gelu_backward(el_device *dev, el_tensor dx, el_tensor dy, el_tensor slope)
{
    check_gelu(dx, slope, dy);
    by_rows(&(job){.dev = dev, .a = dx, .b = dy, .c = slope}, dx.rows, dx.cols, gelu_backward_task);
}

static void dropout_task(void *context, int index, int thread)
{
    const job *const j = context;
    (void)thread;
    kernels_of(j->dev)->dropout(piece_of(j->a, j, index), piece_of(j->b, j, index), dropout_of(j, index));
}

static void dropout(el_device *dev, el_tensor y, el_tensor x, el_dropout dropped)
{
    assert(same_shape(y, x) && y.type == x.type);
    if (dropped.rate > 0)
        by_rows(&(job){.dev = dev, .a = y, .b = x, .dropout = dropped}, y.rows, y.cols, dropout_task);
    else if (y.data != x.data)
        copy(dev, y, x);
}

/* Products. */

/* Rows in as many shares as there are threads, of like size, each in pieces of at most so many blocks; columns in pieces
 * of panels where rows are few.  So few that one piece could hold them are cut no more than threads need: each reads
 * weights of its own then, which take longer to come than such rows to multiply.  How a product is cut does not change
 * its sums, so the threads may have a say. */
enum { BLOCKS = 10, PRODUCT_PIECES = 16, EACH = 2, SHARE_ROWS = 4 /* a share has a multiple of so many */ };

typedef struct {
    int shares, each; /* row pieces of a share */
    int cols;         /* column pieces */
} product_cut;

static product_cut cut_of(int blocks, int panels, int threads)
{
    product_cut c = {.shares = 1};
    if (blocks > BLOCKS) {
        c.shares = least(blocks, threads);
        c.each = pieces_of(pieces_of(blocks, BLOCKS), c.shares);
    } else {
        c.each = least(blocks, pieces_of(EACH * threads, panels));
    }
    c.cols = least(panels, pieces_of(PRODUCT_PIECES, c.shares * c.each));
    return c;
}

typedef struct {
    el_device *dev;
    el_tensor y, x;
    const char *packed;
    const float *bias;
    bool accumulate;
    el_tensor gelu, slope; /* of y, where wanted */
    product_cut cut;
} product_job;

/* Where piece `index` of `pieces` of `count` things begins. */
static int begin_of(int index, int pieces, int count)
{
    return (int)((int64_t)index * count / pieces);
}

static el_tensor rectangle(el_tensor t, int top, int rows, int left, int cols)
{
    return el_piece_cols(el_piece_rows(t, top, rows), left, cols);
}

/* Where a share begins, and where row piece `r` of all shares does. */
static int share_row_of(const product_job *j, int share)
{
    const int row = begin_of(share, j->cut.shares, j->y.rows);
    return share < j->cut.shares ? row / SHARE_ROWS * SHARE_ROWS : row;
}

static int row_of(const product_job *j, int r)
{
    const int share = r / j->cut.each, block = kernels_of(j->dev)->block_rows;
    const int top = share_row_of(j, share), blocks = pieces_of(share_row_of(j, share + 1) - top, block);
    return top + begin_of(r % j->cut.each, j->cut.each, blocks) * block;
}

static void product_task(void *context, int index, int thread)
{
    const product_job *const j = context;
    const el_kernels *const k = kernels_of(j->dev);
    const product_cut cut = j->cut;
    const int r = index / cut.cols, c = index % cut.cols;
    const int top = row_of(j, r), rows = row_of(j, r + 1) - top;
    const int panels = pieces_of(j->y.cols, k->panel), panel = begin_of(c, cut.cols, panels);
    const int left = panel * k->panel,
              cols = least(begin_of(c + 1, cut.cols, panels) * k->panel, j->y.cols) - left;
    const el_tensor y = rectangle(j->y, top, rows, left, cols);
    k->product(y, el_piece_rows(j->x, top, rows), j->packed, panel, j->bias ? j->bias + left : NULL,
               j->accumulate, scratch_of(j->dev, thread));
    if (j->gelu.data) /* while y is in this thread's cache */
        k->gelu_forward(rectangle(j->gelu, top, rows, left, cols), rectangle(j->slope, top, rows, left, cols),
                        y);
}

static void product(product_job j)
{
    assert(j.y.rows == j.x.rows && j.packed && j.y.type == j.x.type);
    if (j.y.rows == 0 || j.y.cols == 0)
        return;
    const el_kernels *const k = kernels_of(j.dev);
    j.cut = cut_of(pieces_of(j.y.rows, k->block_rows), pieces_of(j.y.cols, k->panel), j.dev->threads);
    el_parallel(j.dev->threads, j.cut.shares * j.cut.each * j.cut.cols, product_task, &j);
}

static size_t prepared_bytes(el_device *dev, int rows, int cols, el_type type, bool training)
{
    const el_kernels *const k = kernels_of(dev);
    const size_t forward = (k->packed_bytes(cols, rows, type) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    return forward + (training ? k->packed_bytes(rows, cols, type) : 0);
}

/* The copy for dy W lies behind the one for x W^T. */
static char *second_copy(el_device *dev, el_tensor w, el_type type)
{
    return (char *)w.prepared + prepared_bytes(dev, w.rows, w.cols, type, false);
}

typedef struct {
    el_device *dev;
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
    kernels_of(j->dev)->pack(j->w.prepared, j->backward, j->w, j->type, first,
                             least(j->rows, j->w.rows - first));
}

/* In pieces of whole panels of rows and about PIECE numbers, each read once for both copies. */
static void prepare(el_device *dev, el_tensor w, el_type type, bool training)
{
    assert(w.prepared && (uintptr_t)w.prepared % EL_CACHE_LINE == 0 && w.type == EL_F32);
    const int panel = kernels_of(dev)->panel;
    prepare_job j = {.dev = dev, .w = w, .type = type, .rows = most(1, PIECE / w.cols / panel) * panel};
    j.backward = training ? second_copy(dev, w, type) : NULL;
    el_parallel(dev->threads, pieces_of(w.rows, j.rows), prepare_task, &j);
}

static product_job forward_job(el_device *dev, el_tensor y, el_tensor x, el_tensor w, el_tensor b)
{
    assert(x.cols == w.cols && y.cols == w.rows && (!b.data || (b.cols == y.cols && b.type == EL_F32)));
    return (product_job){.dev = dev, .y = y, .x = x, .packed = w.prepared, .bias = b.data};
}

static void linear_forward(el_device *dev, el_tensor y, el_tensor x, el_tensor w, el_tensor b)
{
    product(forward_job(dev, y, x, w, b));
}

static void linear_backward_input(el_device *dev, el_tensor dx, el_tensor dy, el_tensor w, bool accumulate)
{
    assert(dy.cols == w.rows && dx.cols == w.cols && w.prepared);
    product((product_job){
        .dev = dev, .y = dx, .x = dy, .packed = second_copy(dev, w, dy.type), .accumulate = accumulate});
}

static void linear_gelu_forward(el_device *dev, el_tensor y, el_tensor slope, el_tensor z, el_tensor x,
                                el_tensor w, el_tensor b)
{
    check_gelu(y, slope, z);
    product_job j = forward_job(dev, z, x, w, b);
    j.gelu = y;
    j.slope = slope;
    product(j);
}

/* Sums of columns: rows in pieces with sums of their own, which are then added in their order.  `width` sums
 * are kept for each piece. */
static int sum_pieces(job *j, int rows, int width)
{
    const int kept = most(1, least(SUM_PIECES, SUM_FLOATS / width));
    const int pieces = least(kept, pieces_of(rows, SUM_ROWS));
    j->rows = pieces_of(rows, most(1, pieces));
    return pieces_of(rows, j->rows);
}

static float *sums_of(const job *j, int index)
{
    return cpu_of(j->dev)->sums + (int64_t)index * j->count;
}

static void add_sums(const job *j, int pieces, el_tensor total, int first)
{
    const el_kernels *const k = kernels_of(j->dev);
    for (int i = 0; i < pieces; i++)
        k->column_sums(total.data, el_tensor_make(sums_of(j, i) + first, EL_F32, 1, total.cols));
}

typedef struct {
    el_device *dev;
    el_tensor dw, db, dy, x;
    int row_pieces, col_pieces;
} weight_job;

static void weight_task(void *context, int index, int thread)
{
    const weight_job *const j = context;
    const el_kernels *const k = kernels_of(j->dev);
    const int r = index % j->row_pieces, c = index / j->row_pieces;
    const int blocks = pieces_of(j->dw.rows, k->block_rows), panels = pieces_of(j->dw.cols, k->panel);
    const int top = begin_of(r, j->row_pieces, blocks) * k->block_rows;
    const int rows = least(begin_of(r + 1, j->row_pieces, blocks) * k->block_rows, j->dw.rows) - top;
    const int left = begin_of(c, j->col_pieces, panels) * k->panel;
    const int cols = least(begin_of(c + 1, j->col_pieces, panels) * k->panel, j->dw.cols) - left;
    k->product_weight(
        rectangle(j->dw, top, rows, left, cols), c == 0 ? el_piece_cols(j->db, top, rows) : el_tensor_none(),
        el_piece_cols(j->dy, top, rows), el_piece_cols(j->x, left, cols), scratch_of(j->dev, thread));
}

/* The columns that are packed in the time that one block of rows and one panel take; and how many more pieces than must
 * be are tried, of rows and of columns. */
enum { PACKED = 20, MORE = 8 };

/* In pieces that no thread waits for long, and for which little is packed twice: the least time of the busiest. */
static void cut_weight(weight_job *j)
{
    const el_kernels *const k = kernels_of(j->dev);
    const int blocks = pieces_of(j->dw.rows, k->block_rows), panels = pieces_of(j->dw.cols, k->panel);
    const int rows = pieces_of(blocks, EL_WEIGHT_ROWS / k->block_rows);
    const int cols = pieces_of(panels, EL_WEIGHT_COLUMNS / k->panel);
    int64_t shortest = INT64_MAX;
    for (int r = rows; r <= least(rows + MORE, blocks); r++)
        for (int c = cols; c <= least(cols + MORE, panels); c++) {
            const int64_t down = pieces_of(blocks, r), along = pieces_of(panels, c);
            const int64_t time = pieces_of(r * c, j->dev->threads) *
                                 (PACKED * down * along + down * k->block_rows + along * k->panel);
            if (time >= shortest)
                continue;
            shortest = time;
            j->row_pieces = r;
            j->col_pieces = c;
        }
}

static void linear_backward_weight(el_device *dev, el_tensor dw, el_tensor db, el_tensor dy, el_tensor x)
{
    assert(dw.rows == dy.cols && dw.cols == x.cols && dy.rows == x.rows && dy.type == x.type &&
           dw.type == EL_F32 && (!db.data || (db.cols == dw.rows && db.type == EL_F32)));
    weight_job j = {.dev = dev, .dw = dw, .db = db, .dy = dy, .x = x};
    cut_weight(&j);
    el_parallel(dev->threads, j.row_pieces * j.col_pieces, weight_task, &j);
}

/* Normalisation. */

typedef struct {
    job rows;
    el_tensor y, sum, stats, x, branch, gamma, beta;
} norm_job;

static void norm_forward_task(void *context, int index, int thread)
{
    const norm_job *const n = context;
    const job *const j = &n->rows;
    (void)thread;
    kernels_of(j->dev)->norm_forward(piece_of(n->y, j, index), piece_of(n->sum, j, index),
                                     piece_of(n->stats, j, index), piece_of(n->x, j, index),
                                     piece_of(n->branch, j, index), n->gamma, n->beta, j->real,
                                     dropout_of(j, index));
}

static void residual_norm_forward(el_device *dev, el_tensor y, el_tensor sum, el_tensor stats, el_tensor x,
                                  el_tensor branch, el_tensor gamma, el_tensor beta, double epsilon,
                                  el_dropout dropped)
{
    assert(same_shape(y, x) && y.type == x.type && stats.rows == x.rows && stats.cols == 2);
    assert(gamma.cols == x.cols && beta.cols == x.cols);
    norm_job n = {.rows = {.dev = dev, .real = epsilon, .dropout = dropped},
                  .y = y,
                  .sum = sum,
                  .stats = stats,
                  .x = x,
                  .branch = branch,
                  .gamma = gamma,
                  .beta = beta};
    by_rows(&n.rows, x.rows, x.cols, norm_forward_task);
}

static void layer_norm_forward(el_device *dev, el_tensor y, el_tensor stats, el_tensor x, el_tensor gamma,
                               el_tensor beta, double epsilon)
{
    residual_norm_forward(dev, y, el_tensor_none(), stats, x, el_tensor_none(), gamma, beta, epsilon,
                          (el_dropout){.rate = 0});
}

static void norm_backward_task(void *context, int index, int thread)
{
    const norm_job *const n = context;
    const job *const j = &n->rows;
    (void)thread;
    memset(sums_of(j, index), 0, (size_t)j->count * sizeof(float));
    kernels_of(j->dev)->norm_backward(piece_of(n->sum, j, index), piece_of(n->branch, j, index),
                                      sums_of(j, index), piece_of(n->y, j, index), piece_of(n->x, j, index),
                                      piece_of(n->stats, j, index), n->gamma, dropout_of(j, index));
}

static void residual_norm_backward(el_device *dev, el_tensor dsum, el_tensor dbranch, el_tensor dgamma,
                                   el_tensor dbeta, el_tensor dy, el_tensor sum, el_tensor stats,
                                   el_tensor gamma, el_dropout dropped)
{
    assert(same_shape(dsum, dy) && same_shape(dy, sum) && dy.type == sum.type && 2 * dy.cols <= SUM_FLOATS);
    if (dy.rows == 0)
        return;
    norm_job n = {.rows = {.dev = dev, .dropout = dropped, .count = 2 * dy.cols},
                  .y = dy,
                  .sum = dsum,
                  .stats = stats,
                  .x = sum,
                  .branch = dbranch,
                  .gamma = gamma};
    const int pieces = sum_pieces(&n.rows, dy.rows, 2 * dy.cols);
    el_parallel(dev->threads, pieces, norm_backward_task, &n);
    add_sums(&n.rows, pieces, dgamma, 0);
    add_sums(&n.rows, pieces, dbeta, dy.cols);
}

static void layer_norm_backward(el_device *dev, el_tensor dx, el_tensor dgamma, el_tensor dbeta, el_tensor dy,
                                el_tensor x, el_tensor stats, el_tensor gamma)
{
    residual_norm_backward(dev, dx, el_tensor_none(), dgamma, dbeta, dy, x, stats, gamma,
                           (el_dropout){.rate = 0});
}

/* Embeddings. */

static void embed_task(void *context, int index, int thread)
{
    const job *const j = context;
    (void)thread;
    const void *const *const lists = j->more;
    kernels_of(j->dev)->embed(piece_of(j->a, j, index), lists[0], lists[1], j->count, index * j->rows);
}

static void embed_forward(el_device *dev, el_tensor y, const el_tensor *tables, const int *const *indices,
                          int count)
{
    const void *const lists[2] = {tables, indices};
    by_rows(&(job){.dev = dev, .a = y, .more = lists, .count = count}, y.rows, y.cols, embed_task);
}

enum { SCATTERED = 64 }; /* columns in a piece: all rows, so that they are added in order */

static void scatter_task(void *context, int index, int thread)
{
    const job *const j = context;
    (void)thread;
    const int first = index * SCATTERED, cols = least(SCATTERED, j->b.cols - first);
    kernels_of(j->dev)->scatter(el_piece_cols(j->a, first, cols), el_piece_cols(j->b, first, cols), j->index);
}

static void embed_backward(el_device *dev, el_tensor dtable, el_tensor dy, const int *index)
{
    assert(dtable.cols == dy.cols);
    job j = {.dev = dev, .a = dtable, .b = dy, .index = index};
    el_parallel(dev->threads, pieces_of(dy.cols, SCATTERED), scatter_task, &j);
}

static void gather_task(void *context, int index, int thread)
{
    const job *const j = context;
    (void)thread;
    kernels_of(j->dev)->gather(piece_of(j->a, j, index), j->b, j->index + index * j->rows);
}

static void gather_forward(el_device *dev, el_tensor y, el_tensor x, const int *rows)
{
    assert(y.cols == x.cols && y.type == x.type);
    by_rows(&(job){.dev = dev, .a = y, .b = x, .index = rows}, y.rows, y.cols, gather_task);
}

static void gather_backward(el_device *dev, el_tensor dx, el_tensor dy, const int *rows)
{
    zero(dev, dx);
    embed_backward(dev, dx, dy, rows);
}

/* Attention. */

typedef struct {
    el_device *dev;
    el_attention attention;
} attention_job;

static void attention_forward_task(void *context, int index, int thread)
{
    const attention_job *const j = context;
    kernels_of(j->dev)->attention_forward(&j->attention, index, scratch_of(j->dev, thread));
}

static void attention_backward_task(void *context, int index, int thread)
{
    const attention_job *const j = context;
    kernels_of(j->dev)->attention_backward(&j->attention, index, scratch_of(j->dev, thread));
}

static void check_attention(el_device *dev, const el_attention *a)
{
    assert(a->qkv.cols == 3 * a->y.cols && a->y.cols % a->heads == 0 && a->lse.cols == a->heads);
    assert(a->y.type == a->qkv.type && a->lse.type == EL_F32);
    assert(a->layout.starts[a->layout.sequences] == a->qkv.rows);
    assert(a->dropout.rate == 0 || a->layout.longest <= a->width);
    assert(kernels_of(dev)->attention_scratch(a->layout.longest, a->y.cols / a->heads) <=
               cpu_of(dev)->scratch_bytes &&
           "reserve() has been called for sequences this long");
}

static void attend_all(attention_job *j, el_task *task)
{
    check_attention(j->dev, &j->attention);
    el_parallel(j->dev->threads, j->attention.layout.sequences * j->attention.heads, task, j);
}

static void attention_forward(el_device *dev, el_tensor y, el_tensor lse, el_tensor qkv, el_layout layout,
                              int heads, el_dropout dropped, int width)
{
    attention_job j = {.dev = dev,
                       .attention = {.y = y,
                                     .lse = lse,
                                     .qkv = qkv,
                                     .layout = layout,
                                     .heads = heads,
                                     .dropout = dropped,
                                     .width = width}};
    attend_all(&j, attention_forward_task);
}

static void attention_backward(el_device *dev, el_tensor dqkv, el_tensor dy, el_tensor y, el_tensor lse,
                               el_tensor qkv, el_layout layout, int heads, el_dropout dropped, int width)
{
    attention_job j = {.dev = dev,
                       .attention = {.y = y,
                                     .dy = dy,
                                     .lse = lse,
                                     .qkv = qkv,
                                     .dqkv = dqkv,
                                     .layout = layout,
                                     .heads = heads,
                                     .dropout = dropped,
                                     .width = width}};
    attend_all(&j, attention_backward_task);
}

/* Losses. */

typedef struct {
    job rows;
    el_tensor loss, dlogits, logits;
    int *guess, *sample;
    const int *target;
    const el_sampling *sampling;
} loss_job;

static void softmax_task(void *context, int index, int thread)
{
    const loss_job *const l = context;
    const job *const j = &l->rows;
    (void)thread;
    const int first = index * j->rows;
    el_sampling sampling = {.temperature = 1};
    if (l->sampling) {
        sampling = *l->sampling;
        sampling.first_row += (uint64_t)first;
    }
    kernels_of(j->dev)->softmax_loss(piece_of(l->loss, j, index), l->guess ? l->guess + first : NULL,
                                     l->sample ? l->sample + first : NULL, piece_of(l->dlogits, j, index),
                                     piece_of(l->logits, j, index), l->target + first,
                                     l->sampling ? &sampling : NULL, j->real);
}

static void softmax_loss(el_device *dev, el_tensor loss, int *guess, int *sample, el_tensor dlogits,
                         el_tensor logits, const int *target, const el_sampling *sampling, double scale)
{
    assert(!loss.data || (loss.type == EL_F32 && loss.rows == logits.rows));
    assert(!dlogits.data || (same_shape(dlogits, logits) && dlogits.type == logits.type));
    loss_job l = {.rows = {.dev = dev, .real = scale},
                  .loss = loss,
                  .dlogits = dlogits,
                  .logits = logits,
                  .guess = guess,
                  .sample = sample,
                  .target = target,
                  .sampling = sampling};
    by_rows(&l.rows, logits.rows, logits.cols, softmax_task);
}

static void logistic_task(void *context, int index, int thread)
{
    const loss_job *const l = context;
    const job *const j = &l->rows;
    (void)thread;
    kernels_of(j->dev)->logistic_loss(piece_of(l->loss, j, index), piece_of(l->dlogits, j, index),
                                      piece_of(l->logits, j, index), l->target + index * j->rows, j->real);
}

static void logistic_loss(el_device *dev, el_tensor loss, el_tensor dlogits, el_tensor logits,
                          const int *label, double scale)
{
    assert(logits.cols == 1);
    loss_job l = {.rows = {.dev = dev, .real = scale},
                  .loss = loss,
                  .dlogits = dlogits,
                  .logits = logits,
                  .target = label};
    by_rows(&l.rows, logits.rows, 16, logistic_task); /* a row costs as much as many numbers */
}

static void squared_task(void *context, int index, int thread)
{
    const loss_job *const l = context;
    const job *const j = &l->rows;
    const float *const target = j->more;
    (void)thread;
    kernels_of(j->dev)->squared_loss(piece_of(l->loss, j, index), piece_of(l->dlogits, j, index),
                                     piece_of(l->logits, j, index), target + index * j->rows, j->real);
}

static void squared_loss(el_device *dev, el_tensor loss, el_tensor dx, el_tensor x, const float *target,
                         double scale)
{
    assert(x.cols == 1);
    loss_job l = {
        .rows = {.dev = dev, .real = scale, .more = target}, .loss = loss, .dlogits = dx, .logits = x};
    by_rows(&l.rows, x.rows, 1, squared_task);
}

/* The optimizer. */

/* A matrix without gaps as rows of SQUARES numbers would be, were they there: pieces need not be rows. */
static el_tensor flat(el_tensor t)
{
    return t.stride == t.cols && (int64_t)t.rows * t.cols <= INT32_MAX
               ? el_tensor_make(t.data, t.type, 1, t.rows * t.cols)
               : t;
}

static el_tensor flat_piece(el_tensor t, int index)
{
    const int first = index * SQUARES;
    return el_piece_cols(t, first, least(SQUARES, t.cols - first));
}

static void squares_task(void *context, int index, int thread)
{
    const job *const j = context;
    double *const sums = (double *)(void *)cpu_of(j->dev)->sums;
    (void)thread;
    sums[index] =
        kernels_of(j->dev)->sum_squares(j->count ? piece_of(j->a, j, index) : flat_piece(j->a, index));
}

static double sum_squares(el_device *dev, el_tensor x)
{
    const double *const sums = (const double *)(const void *)cpu_of(dev)->sums;
    const el_tensor line = flat(x);
    job j = {.dev = dev, .a = line, .count = line.rows > 1};
    j.rows = most(most(1, SQUARES / most(1, x.cols)), pieces_of(x.rows, SUM_FLOATS / 2));
    const int pieces = j.count ? pieces_of(x.rows, j.rows) : pieces_of(line.cols, SQUARES);
    el_parallel(dev->threads, pieces, squares_task, &j);
    double total = 0;
    for (int i = 0; i < pieces; i++)
        total += sums[i];
    return total;
}

typedef struct {
    job rows;
    el_tensor value, m, v, gradient;
    el_adamw step;
} adamw_job;

static void adamw_task(void *context, int index, int thread)
{
    const adamw_job *const a = context;
    const job *const j = &a->rows;
    (void)thread;
    kernels_of(j->dev)->adamw(piece_of(a->value, j, index), piece_of(a->m, j, index),
                              piece_of(a->v, j, index), piece_of(a->gradient, j, index), a->step);
}

static void adamw(el_device *dev, el_tensor value, el_tensor m, el_tensor v, el_tensor gradient,
                  el_adamw step)
{
    assert(same_shape(value, m) && same_shape(value, v) && same_shape(value, gradient));
    adamw_job a = {.rows = {.dev = dev}, .value = value, .m = m, .v = v, .gradient = gradient, .step = step};
    by_rows(&a.rows, value.rows, value.cols, adamw_task);
}

static const el_device table = {
    .name = "cpu",
    .close = device_close,
    .alloc = device_alloc,
    .release = device_release,
    .copy_in = copy_in,
    .copy_out = copy_out,
    .reserve = reserve,
    .prepared_bytes = prepared_bytes,
    .prepare = prepare,
    .zero = zero,
    .copy = copy,
    .add = add,
    .linear_forward = linear_forward,
    .linear_backward_input = linear_backward_input,
    .linear_backward_weight = linear_backward_weight,
    .gelu_forward = gelu_forward,
    .gelu_backward = gelu_backward,
    .linear_gelu_forward = linear_gelu_forward,
    .dropout = dropout,
    .layer_norm_forward = layer_norm_forward,
    .layer_norm_backward = layer_norm_backward,
    .residual_norm_forward = residual_norm_forward,
    .residual_norm_backward = residual_norm_backward,
    .embed_forward = embed_forward,
    .embed_backward = embed_backward,
    .gather_forward = gather_forward,
    .gather_backward = gather_backward,
    .attention_forward = attention_forward,
    .attention_backward = attention_backward,
    .softmax_loss = softmax_loss,
    .logistic_loss = logistic_loss,
    .squared_loss = squared_loss,
    .sum_squares = sum_squares,
    .adamw = adamw,
};

el_status el_device_cpu(el_device **dev, int threads, const char *level)
{
    assert(threads >= 1);
    const el_kernels *const kernels = el_level_kernels(level);
    if (!kernels)
        return el_fail(EL_EUSAGE, "%s: not an instruction-set level (baseline, avx2, avx512, avx512_bf16)",
                       level);
    if (!el_level_available(kernels->level))
        return el_fail(EL_EUSAGE, "%s: this processor does not have it", level);
    cpu *const c = calloc(1, sizeof *c);
    if (!c)
        return el_fail(EL_ENOMEM, "cannot allocate a device");
    c->device = table;
    c->device.level = kernels->level;
    c->device.threads = threads;
    c->device.state = c;
    c->kernels = kernels;
    c->sums = aligned_alloc(ALIGNMENT, SUM_FLOATS * sizeof(float));
    el_status status = c->sums ? EL_OK : el_fail(EL_ENOMEM, "cannot allocate a device");
    if (!status)
        status = reserve_scratch(&c->device, kernels->product_scratch());
    if (status) {
        device_close(&c->device);
        return status;
    }
    *dev = &c->device;
    return EL_OK;
}
