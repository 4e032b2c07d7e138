"""A Flower app that attacks the VM it runs on."""
