"""Products of matrices, eigenvectors and principal directions, to the same bits with any BLAS and on any processor."""
