# A separate file: Debian's Packer 1.6 includes the QEMU builder and does not support this block.
packer {
  required_plugins {
    qemu = {
      version = ">= 1.1.0"
      source  = "github.com/hashicorp/qemu"
    }
  }
}
