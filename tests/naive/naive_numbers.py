"""Slow, obvious twins of the number kernels: Python integers modulo 2^64. They import nothing from the package."""

WORD = 2**64


def mix(value):
    """Return Splitmix64's output for the counter `value` (Steele, Lea, Flood 2014)."""
    z = (value + 0x9E3779B97F4A7C15) % WORD
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) % WORD
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) % WORD
    return z ^ (z >> 31)


def next_random(state):
    """Return the next state of Knuth's 64-bit linear congruential generator (MMIX)."""
    return (state * 6364136223846793005 + 1442695040888963407) % WORD


def below(state, count):
    """Return the upper 32 bits as a fraction of 2^32, times `count`, rounded down."""
    return (state // 2**32) * count // 2**32


def block_seed(seed, epoch, block):
    """Return the first random state of a block of rows in an epoch."""
    return mix(seed ^ ((epoch * 2**40) % WORD) ^ block)
