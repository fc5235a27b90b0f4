/* cublaslt - what we use of cuBLASLt, opened at run time
 *
 * The library is of half a gigabyte and not on every machine that has a driver, and its versions 12 and 13 have one
 * interface: so it is found when a device is opened, not linked.  Names and numbers are those of NVIDIA's cublasLt.h;
 * tests/ops/test_cublaslt.sh compares them with that header where it is found.
 */
#ifndef EL_OPS_CUBLASLT_H
#define EL_OPS_CUBLASLT_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct el_cublaslt_context *el_cublaslt_handle;
typedef struct el_cublaslt_product *el_cublaslt_desc;           /* cublasLtMatmulDesc_t */
typedef struct el_cublaslt_matrix *el_cublaslt_layout;          /* cublasLtMatrixLayout_t */
typedef struct el_cublaslt_preferences *el_cublaslt_preference; /* cublasLtMatmulPreference_t */

/* cublasLtMatmulAlgo_t, cublasLtMatmulHeuristicResult_t */
typedef struct {
    uint64_t data[8];
} el_cublaslt_algorithm;
typedef struct {
    el_cublaslt_algorithm algorithm;
    size_t workspace;
    int status;
    float waves;
    int reserved[4];
} el_cublaslt_answer;

enum {
    EL_CUBLAS_OP_N = 0,
    EL_CUBLAS_OP_T = 1,
    EL_CUBLAS_COMPUTE_32F = 68,
    EL_CUDA_R_32F = 0,
    EL_CUDA_R_16BF = 14,
    /* cublasLtMatmulDescAttributes_t */
    EL_CUBLASLT_DESC_TRANSA = 3,
    EL_CUBLASLT_DESC_TRANSB = 4,
    EL_CUBLASLT_DESC_EPILOGUE = 7,
    EL_CUBLASLT_DESC_BIAS_POINTER = 8,
    EL_CUBLASLT_DESC_BIAS_DATA_TYPE = 26,
    /* cublasLtEpilogue_t */
    EL_CUBLASLT_EPILOGUE_BIAS = 4,
    /* cublasLtMatrixLayoutAttribute_t */
    EL_CUBLASLT_LAYOUT_ROWS = 2,
    EL_CUBLASLT_LAYOUT_COLS = 3,
    /* cublasLtMatmulPreferenceAttributes_t */
    EL_CUBLASLT_PREF_MAX_WORKSPACE_BYTES = 1,
    EL_CUBLASLT_PREF_REDUCTION_SCHEME_MASK = 3,
    EL_CUBLASLT_PREF_MIN_ALIGNMENT_A_BYTES = 5,
    EL_CUBLASLT_PREF_MIN_ALIGNMENT_B_BYTES = 6,
    EL_CUBLASLT_PREF_MIN_ALIGNMENT_C_BYTES = 7,
    EL_CUBLASLT_PREF_MIN_ALIGNMENT_D_BYTES = 8,
    /* cublasLtReductionScheme_t */
    EL_CUBLASLT_REDUCTION_NONE = 0,
    EL_CUBLASLT_REDUCTION_COMPUTE_TYPE = 2
};

/* A status is 0 where all went well. */
typedef struct {
    void *library;
    size_t (*version)(void);
    int (*create)(el_cublaslt_handle *handle);
    int (*destroy)(el_cublaslt_handle handle);
    int (*desc_create)(el_cublaslt_desc *desc, int compute, int scale);
    int (*desc_destroy)(el_cublaslt_desc desc);
    int (*desc_set)(el_cublaslt_desc desc, int attribute, const void *value, size_t bytes);
    int (*layout_create)(el_cublaslt_layout *layout, int type, uint64_t rows, uint64_t cols, int64_t stride);
    int (*layout_destroy)(el_cublaslt_layout layout);
    int (*layout_set)(el_cublaslt_layout layout, int attribute, const void *value, size_t bytes);
    int (*preference_create)(el_cublaslt_preference *preference);
    int (*preference_destroy)(el_cublaslt_preference preference);
    int (*preference_set)(el_cublaslt_preference preference, int attribute, const void *value, size_t bytes);
    int (*ask)(el_cublaslt_handle handle, el_cublaslt_desc desc, el_cublaslt_layout a, el_cublaslt_layout b,
               el_cublaslt_layout c, el_cublaslt_layout d, el_cublaslt_preference preference, int wanted,
               el_cublaslt_answer *answers, int *found);
    int (*multiply)(el_cublaslt_handle handle, el_cublaslt_desc desc, const void *alpha, const void *a,
                    el_cublaslt_layout a_layout, const void *b, el_cublaslt_layout b_layout, const void *beta,
                    const void *c, el_cublaslt_layout c_layout, void *d, el_cublaslt_layout d_layout,
                    const el_cublaslt_algorithm *algorithm, void *workspace, size_t workspace_bytes,
                    void *stream);
} el_cublaslt;

/* Finds the library: where the system looks (LD_LIBRARY_PATH among it), where CUDA puts it, and where pip does.  EL_EFAILED
 * says how to get it. */
el_status el_cublaslt_open(el_cublaslt *blas);
void el_cublaslt_close(el_cublaslt *blas); /* accepts a zeroed one */

#endif
