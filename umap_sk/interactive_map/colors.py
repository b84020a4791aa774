"""Colors of classes and of numbers on the page."""

# The first seven were chosen by eye, beginning with those of Okabe and Ito (2008). Each other one is the color farthest
# from all before it: the least of its distances in OKLab (Ottosson 2020) as people see it with all cones, and without
# those for long, middle or short waves (simulated as by Machado, Oliveira and Fernandes 2009).
PALETTE = (
    "1f77c4 ee9b1c 0f9b76 cf4a2c 6cc4f2 e88fc6 5b2a8c 7c3428 acd094 106470 7c94f4 e8701c ac4ca0 7cb870 ac2858 b87cc4 "
    "7c40a0 707c4c dcc44c 3458c4 8870e8 f4acc4 884c10 404c7c 70a04c a07ca0 34dce8 347c7c 64ace8 4c7c10 dc707c 10c4a0 "
    "94104c 884c88 949410 dca0ac 9458b8 888858 d0a058 ac64ac 88dc70 3494dc a0c470 7c4c40 703464 946470 d088b8 4c64d0 "
    "945840 64b84c 707cb8 b84c88 b8acdc 64a088 7cd0d0 f4ac10 c494dc 944070 7c3488 2840ac"
).split()
VIRIDIS = "440154 482878 3e4a89 31688e 26828e 1f9e89 35b779 6ece58 b5de2b fde725".split()
OTHER = "a4a9b1"
