"""The parts of flower-launch.py. Standard library only; gRPC and Flower are imported once the plan is in force."""
