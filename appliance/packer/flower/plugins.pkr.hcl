# A file of its own: Packer 1.6, Debian's, has the QEMU builder inside and does not know this block.
packer {
  required_plugins {
    qemu = {
      version = ">= 1.1.0"
      source  = "github.com/hashicorp/qemu"
    }
  }
}
