# Events of VMs: there are none.
