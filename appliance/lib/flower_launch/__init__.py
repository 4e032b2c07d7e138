"""What flower-launch.py is made of. Standard library only; gRPC and Flower are imported once the plan is in force."""
