"""A small Flower for tests: what the launcher and the agent see of the real one. gRPC is the real one."""
