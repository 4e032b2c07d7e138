# Events of VMs: none occur.
