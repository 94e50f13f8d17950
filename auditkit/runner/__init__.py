"""Runner: templates, batches and reports, run from the command line or a notebook."""
