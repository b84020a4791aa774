"""Products of matrices, eigenvectors and principal directions, with the same bits for any BLAS and any processor."""
