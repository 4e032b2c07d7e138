# The server asks for it; nothing here needs it.
