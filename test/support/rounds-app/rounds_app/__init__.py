"""An app for tests: its settings say which part fails."""
