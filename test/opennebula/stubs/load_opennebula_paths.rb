# The server requires this file; this test does not need it.
