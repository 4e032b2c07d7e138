"""A small Flower app for a federation that flower-context has started."""
