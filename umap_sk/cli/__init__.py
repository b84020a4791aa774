"""The command line, one file a command. It imports everything; nothing imports it."""
