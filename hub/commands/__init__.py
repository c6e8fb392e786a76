"""The verbs of the command line, one noun a module. Thin: they read arguments, call, print."""
