/* cublaslt - the library of a GPU that is not there: plain loops behind the same functions
 *
 * It checks what the real one would: that matrices are as long and as aligned as was said when they were asked about, that
 * strides are enough, and that a bias is of the type of D.  A shape is refused now and then, as the real one may.
 */
#include <stdlib.h>
#include <string.h>

#include <vector>

#include "el_cuda.h"

extern "C" {
#include "ops/cuda/cublaslt.h"
}

struct el_cublaslt_context {
    int none;
};
struct el_cublaslt_product {
    int compute, scale, a_transposed, b_transposed, epilogue, bias_type;
    const void *bias;
};
struct el_cublaslt_matrix {
    int type;
    uint64_t rows, cols;
    int64_t stride;
};
struct el_cublaslt_preferences {
    uint64_t workspace;
    uint32_t scheme, alignment[4];
};

enum { FAILED = 7, REFUSED = 15, MOST_ANSWERS = 3 };

static size_t version()
{
    return 130000;
}

static int create(el_cublaslt_handle *handle)
{
    *handle = new el_cublaslt_context;
    return 0;
}

static int destroy(el_cublaslt_handle handle)
{
    delete handle;
    return 0;
}

static int desc_create(el_cublaslt_desc *desc, int compute, int scale)
{
    *desc = new el_cublaslt_product{compute, scale, 0, 0, 1, 0, NULL};
    return compute == EL_CUBLAS_COMPUTE_32F && scale == EL_CUDA_R_32F ? 0 : FAILED;
}

static int desc_destroy(el_cublaslt_desc desc)
{
    delete desc;
    return 0;
}

static int set_int(int *to, const void *value, size_t bytes)
{
    if (bytes != sizeof *to)
        return FAILED;
    memcpy(to, value, bytes);
    return 0;
}

static int desc_set(el_cublaslt_desc desc, int attribute, const void *value, size_t bytes)
{
    switch (attribute) {
    case EL_CUBLASLT_DESC_TRANSA:
        return set_int(&desc->a_transposed, value, bytes);
    case EL_CUBLASLT_DESC_TRANSB:
        return set_int(&desc->b_transposed, value, bytes);
    case EL_CUBLASLT_DESC_EPILOGUE:
        return set_int(&desc->epilogue, value, bytes);
    case EL_CUBLASLT_DESC_BIAS_DATA_TYPE:
        return set_int(&desc->bias_type, value, bytes);
    case EL_CUBLASLT_DESC_BIAS_POINTER:
        memcpy(&desc->bias, value, sizeof desc->bias);
        return bytes == sizeof desc->bias ? 0 : FAILED;
    default:
        return FAILED;
    }
}

static int layout_create(el_cublaslt_layout *layout, int type, uint64_t rows, uint64_t cols, int64_t stride)
{
    *layout = new el_cublaslt_matrix{type, rows, cols, stride};
    return stride >= (int64_t)rows ? 0 : FAILED;
}

static int layout_destroy(el_cublaslt_layout layout)
{
    delete layout;
    return 0;
}

static int layout_set(el_cublaslt_layout layout, int attribute, const void *value, size_t bytes)
{
    uint64_t *const to = attribute == EL_CUBLASLT_LAYOUT_ROWS   ? &layout->rows
                         : attribute == EL_CUBLASLT_LAYOUT_COLS ? &layout->cols
                                                                : NULL;
    if (!to || bytes != sizeof *to)
        return FAILED;
    memcpy(to, value, bytes);
    return 0;
}

static int preference_create(el_cublaslt_preference *preference)
{
    *preference = new el_cublaslt_preferences{};
    return 0;
}

static int preference_destroy(el_cublaslt_preference preference)
{
    delete preference;
    return 0;
}

static int preference_set(el_cublaslt_preference preference, int attribute, const void *value, size_t bytes)
{
    void *to = NULL;
    if (attribute == EL_CUBLASLT_PREF_MAX_WORKSPACE_BYTES)
        to = &preference->workspace;
    else if (attribute == EL_CUBLASLT_PREF_REDUCTION_SCHEME_MASK)
        to = &preference->scheme;
    else if (attribute >= EL_CUBLASLT_PREF_MIN_ALIGNMENT_A_BYTES &&
             attribute <= EL_CUBLASLT_PREF_MIN_ALIGNMENT_D_BYTES)
        to = &preference->alignment[attribute - EL_CUBLASLT_PREF_MIN_ALIGNMENT_A_BYTES];
    if (!to || bytes != (to == &preference->workspace ? sizeof preference->workspace : sizeof(uint32_t)))
        return FAILED;
    memcpy(to, value, bytes);
    return 0;
}

static uint64_t rows_of(bool transposed, const el_cublaslt_matrix *m)
{
    return transposed ? m->cols : m->rows;
}

static bool fits(el_cublaslt_desc desc, el_cublaslt_layout a, el_cublaslt_layout b, el_cublaslt_layout d)
{
    return rows_of(desc->a_transposed, a) == d->rows && rows_of(!desc->b_transposed, b) == d->cols &&
           rows_of(!desc->a_transposed, a) == rows_of(desc->b_transposed, b) && a->type == b->type &&
           (desc->epilogue == 1 ||
            (desc->epilogue == EL_CUBLASLT_EPILOGUE_BIAS && desc->bias_type == d->type));
}

/* What an algorithm remembers: the alignments that it counts on.  Rows of 13 columns are refused, and of 65. */
static int ask(el_cublaslt_handle, el_cublaslt_desc desc, el_cublaslt_layout a, el_cublaslt_layout b,
               el_cublaslt_layout c, el_cublaslt_layout d, el_cublaslt_preference preference, int wanted,
               el_cublaslt_answer *answers, int *found)
{
    *found = 0;
    if (wanted < 1 || c != d || !fits(desc, a, b, d) ||
        (preference->scheme & ~(unsigned)EL_CUBLASLT_REDUCTION_COMPUTE_TYPE) != 0)
        return FAILED;
    if (a->rows == 13 || b->rows == 13 || a->rows == 65)
        return REFUSED;
    *found = wanted < MOST_ANSWERS ? wanted : MOST_ANSWERS;
    for (int n = 0; n < *found; n++) {
        answers[n] = {};
        for (int i = 0; i < 4; i++)
            answers[n].algorithm.data[i] = preference->alignment[i];
        answers[n].algorithm.data[4] = (uint64_t)n;
    }
    return 0;
}

static float element(const void *data, int type, int64_t at)
{
    return type == EL_CUDA_R_32F ? ((const float *)data)[at] : el_host_half(((const uint16_t *)data)[at], 0);
}

static void store(void *data, int type, int64_t at, float value)
{
    if (type == EL_CUDA_R_32F)
        ((float *)data)[at] = value;
    else
        ((uint16_t *)data)[at] = el_host_bf16(value);
}

/* op(m) in float, `rows` numbers after one another for each place of the sum. */
static std::vector<float> opened(const void *data, const el_cublaslt_matrix &m, bool transposed,
                                 uint64_t rows, uint64_t depth)
{
    std::vector<float> all(rows * depth);
    for (uint64_t k = 0; k < depth; k++)
        for (uint64_t i = 0; i < rows; i++)
            all[k * rows + i] =
                element(data, m.type,
                        transposed ? (int64_t)i * m.stride + (int64_t)k : (int64_t)k * m.stride + (int64_t)i);
    return all;
}

struct operands {
    el_cublaslt_product desc;
    el_cublaslt_matrix a, b, d;
    const void *a_data, *b_data;
    void *d_data;
    float beta;
};

static void compute(const operands &o)
{
    const uint64_t depth = rows_of(!o.desc.a_transposed, &o.a), rows = o.d.rows, cols = o.d.cols;
    const std::vector<float> a = opened(o.a_data, o.a, o.desc.a_transposed, rows, depth);
    const std::vector<float> b = opened(o.b_data, o.b, !o.desc.b_transposed, cols, depth);
    for (uint64_t j = 0; j < cols; j++) {
        std::vector<float> sums(rows);
        for (uint64_t k = 0; k < depth; k++)
            for (uint64_t i = 0; i < rows; i++)
                sums[i] += a[k * rows + i] * b[k * cols + j];
        for (uint64_t i = 0; i < rows; i++) {
            const int64_t at = (int64_t)j * o.d.stride + (int64_t)i;
            if (o.beta != 0)
                sums[i] += o.beta * element(o.d_data, o.d.type, at);
            if (o.desc.epilogue == EL_CUBLASLT_EPILOGUE_BIAS)
                sums[i] += element(o.desc.bias, o.d.type, (int64_t)i);
            store(o.d_data, o.d.type, at, sums[i]);
        }
    }
}

static bool is_aligned(const void *data, const el_cublaslt_matrix *m, uint64_t alignment)
{
    const uint64_t bytes = m->type == EL_CUDA_R_32F ? 4 : 2;
    return alignment > 0 && (uint64_t)(uintptr_t)data % alignment == 0 &&
           (uint64_t)m->stride * bytes % alignment == 0 && m->stride >= (int64_t)m->rows;
}

/* Nothing is asked about a bias's alignment, so the real one may count on that of any memory. */
static bool is_bias(el_cublaslt_desc desc)
{
    return desc->epilogue != EL_CUBLASLT_EPILOGUE_BIAS || (desc->bias && (uintptr_t)desc->bias % 16 == 0);
}

static int multiply(el_cublaslt_handle, el_cublaslt_desc desc, const void *alpha, const void *a,
                    el_cublaslt_layout a_layout, const void *b, el_cublaslt_layout b_layout, const void *beta,
                    const void *c, el_cublaslt_layout c_layout, void *d, el_cublaslt_layout d_layout,
                    const el_cublaslt_algorithm *algorithm, void *workspace, size_t, void *stream)
{
    if (*(const float *)alpha != 1 || c != d || c_layout != d_layout || !workspace ||
        (uintptr_t)workspace % 16 || !fits(desc, a_layout, b_layout, d_layout) ||
        !is_aligned(a, a_layout, algorithm->data[0]) || !is_aligned(b, b_layout, algorithm->data[1]) ||
        !is_aligned(d, d_layout, algorithm->data[3]) || algorithm->data[4] >= MOST_ANSWERS || !is_bias(desc))
        abort(); /* a mistake of ours, that the real one might not see */
    const operands o = {*desc, *a_layout, *b_layout, *d_layout, a, b, d, *(const float *)beta};
    el_host_later((cudaStream_t)stream, [=] { compute(o); });
    return 0;
}

el_status el_cublaslt_open(el_cublaslt *blas)
{
    *blas = {blas,           version,       create,         destroy,    desc_create,       desc_destroy,
             desc_set,       layout_create, layout_destroy, layout_set, preference_create, preference_destroy,
             preference_set, ask,           multiply};
    return EL_OK;
}

void el_cublaslt_close(el_cublaslt *blas)
{
    *blas = {};
}
