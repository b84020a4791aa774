"""The command line that the modules share."""

import argparse


def parser(module, description):
    """An argument parser for ``python -m benchmarks.<module>`` whose help is the module's docstring."""
    return argparse.ArgumentParser(
        prog=f"python -m benchmarks.{module}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
