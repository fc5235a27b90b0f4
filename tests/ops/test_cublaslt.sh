#!/bin/bash
# The names and numbers that we use of cuBLASLt are those of NVIDIA's cublasLt.h, where that header is found: in
# CUBLASLT_INCLUDE, or where CUDA puts it.
source=$(realpath "$(dirname "$0")/../../src")
for include in "$CUBLASLT_INCLUDE" /usr/local/cuda/include /usr/local/cuda/targets/*/include /usr/include; do
    [ -n "$include" ] && [ -f "$include/cublasLt.h" ] && break
    include=
done
if [ -z "$include" ]; then
    echo "skipped: there is no cublasLt.h here; CUBLASLT_INCLUDE may name its folder"
    exit 77
fi
"${CC:-cc}" -fsyntax-only -I"$source" -I"$include" -isystem /usr/local/cuda/include -x c - << 'EOF'
#include <cublasLt.h>
#include "ops/cuda/cublaslt.h"
#define SAME(ours, theirs) _Static_assert((int)ours == (int)theirs, #ours)
SAME(EL_CUBLAS_OP_N, CUBLAS_OP_N);
SAME(EL_CUBLAS_OP_T, CUBLAS_OP_T);
SAME(EL_CUBLAS_COMPUTE_32F, CUBLAS_COMPUTE_32F);
SAME(EL_CUDA_R_32F, CUDA_R_32F);
SAME(EL_CUDA_R_16BF, CUDA_R_16BF);
SAME(EL_CUBLASLT_DESC_TRANSA, CUBLASLT_MATMUL_DESC_TRANSA);
SAME(EL_CUBLASLT_DESC_TRANSB, CUBLASLT_MATMUL_DESC_TRANSB);
SAME(EL_CUBLASLT_DESC_EPILOGUE, CUBLASLT_MATMUL_DESC_EPILOGUE);
SAME(EL_CUBLASLT_DESC_BIAS_POINTER, CUBLASLT_MATMUL_DESC_BIAS_POINTER);
SAME(EL_CUBLASLT_DESC_BIAS_DATA_TYPE, CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE);
SAME(EL_CUBLASLT_EPILOGUE_BIAS, CUBLASLT_EPILOGUE_BIAS);
SAME(EL_CUBLASLT_LAYOUT_ROWS, CUBLASLT_MATRIX_LAYOUT_ROWS);
SAME(EL_CUBLASLT_LAYOUT_COLS, CUBLASLT_MATRIX_LAYOUT_COLS);
SAME(EL_CUBLASLT_PREF_MAX_WORKSPACE_BYTES, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES);
SAME(EL_CUBLASLT_PREF_REDUCTION_SCHEME_MASK, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK);
SAME(EL_CUBLASLT_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES);
SAME(EL_CUBLASLT_PREF_MIN_ALIGNMENT_B_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES);
SAME(EL_CUBLASLT_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES);
SAME(EL_CUBLASLT_PREF_MIN_ALIGNMENT_D_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES);
SAME(EL_CUBLASLT_REDUCTION_NONE, CUBLASLT_REDUCTION_SCHEME_NONE);
SAME(EL_CUBLASLT_REDUCTION_COMPUTE_TYPE, CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE);
_Static_assert(sizeof(el_cublaslt_algorithm) == sizeof(cublasLtMatmulAlgo_t), "an algorithm's size");
_Static_assert(sizeof(el_cublaslt_answer) == sizeof(cublasLtMatmulHeuristicResult_t), "an answer's size");
_Static_assert(offsetof(el_cublaslt_answer, workspace) == offsetof(cublasLtMatmulHeuristicResult_t, workspaceSize), "");
_Static_assert(offsetof(el_cublaslt_answer, status) == offsetof(cublasLtMatmulHeuristicResult_t, state), "");
EOF
