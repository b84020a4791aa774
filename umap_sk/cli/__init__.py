"""The command line, with a file for each command. It may import everything, and nothing imports it."""
