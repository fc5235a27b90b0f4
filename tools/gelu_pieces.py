#!/usr/bin/env python3
"""The constants of gelu in src/ops/cpu/kernels/elementwise.c: g(z) = z Phi(-z) by polynomials in pieces.

    tools/gelu_pieces.py 16 5        16 pieces of degree 5, and how far they are off

Piece k is around z = k / density; what is 1 / density further is u = 1.  The derivative of each polynomial interpolates g'
at the zeros of a Chebyshev polynomial, and its constant makes the largest errors of g equal.  Errors are those of
single precision, without fused operations.
"""
import math
import sys

import numpy
from numpy import float32 as single

REACH = 5.49
pieces, degree = int(sys.argv[1]), int(sys.argv[2])
density = (pieces - 0.5) / 5.5
normal = numpy.vectorize(lambda z: 0.5 * math.erfc(z / math.sqrt(2)))  # Phi(-z)


def g(z):
    return z * normal(z)


def g_slope(z):
    return normal(z) - z * numpy.exp(-z * z / 2) / math.sqrt(2 * math.pi)


table = numpy.zeros((degree + 1, pieces), single)
zeros = numpy.cos((numpy.arange(degree) + 0.5) * math.pi / degree) / 2
for k in range(pieces):
    slope = numpy.linalg.solve(numpy.vander(zeros, increasing=True), g_slope((k + zeros) / density) / density)
    table[1:, k] = slope / numpy.arange(1, degree + 1)
    u = numpy.linspace(-0.5, 0.5, 2001)
    off = g((k + u) / density) - sum(table[d, k] * u**d for d in range(degree + 1))
    table[0, k] = (off.max() + off.min()) / 2 if k else 0  # gelu(0) is 0

print(f"static const float DENSITY = {single(density):.8f}f, REACH = {REACH}f;")
print(f"static const float PIECES[DEGREE + 1][{pieces}] = {{")
for row in table:
    print("    {" + ", ".join(f"{value:.8e}f" if abs(value) > 1e-12 else "0" for value in row) + "},")
print("};")

z = numpy.linspace(0, 8, 200001).astype(single)
near = numpy.minimum(z, single(REACH))
piece = numpy.rint(near * single(density)).astype(int)
u = (near.astype(float) * single(density) - piece).astype(single)
value, slope = table[degree][piece], numpy.zeros_like(z)
for d in range(degree - 1, -1, -1):
    slope = slope * u + value
    value = value * u + table[d][piece]
print(f"largest errors: gelu {abs(value - g(z)).max():.1e}, slope {abs(slope * single(density) - g_slope(z)).max():.1e}",
      file=sys.stderr)
