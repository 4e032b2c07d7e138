# Variables that build.sh of one-apps passes for every appliance.
variable "appliance_name" {
  type        = string
  default     = "flower-superlink"
  description = "flower-superlink or flower-supernode: the part after the hyphen is the role of the image."
}

variable "input_dir" {
  type = string
}

variable "output_dir" {
  type = string
}

variable "headless" {
  type    = bool
  default = true
}

variable "version" {
  type    = string
  default = ""
}

variable "distro" {
  type    = string
  default = ""
}

variable "arch" {
  type    = string
  default = "x86_64"
}

# Variables of this appliance.
variable "flower_version" {
  type        = string
  default     = ""
  description = "The Flower of the image. Empty: that of the flower-context package."
}

variable "framework" {
  type        = string
  default     = "none"
  description = "Installed beside Flower and numpy: none, pytorch, tensorflow or sklearn."
}

variable "base" {
  type        = string
  default     = "../one-apps/export/ubuntu2404.qcow2"
  description = "A one-apps base image: debian12, debian13 or ubuntu2404."
}

variable "sources" {
  type        = string
  default     = ""
  description = "Folder with install.sh, appliance.sh and packages.sha256 (appliances/NAME of the marketplace). A flower-context package in it has precedence over packages.sha256. If it has a folder wheels, Flower is installed from it, without a package index."
}

variable "framework_dir" {
  type        = string
  default     = "../one-apps/appliances"
  description = "The one-apps service framework."
}

variable "postprocess" {
  type    = string
  default = "packer/postprocess.sh"
}

variable "accelerator" {
  type    = string
  default = "kvm"
}

variable "cpu" {
  type    = string
  default = "host"
}

variable "qemu_binary" {
  type    = string
  default = "qemu-system-x86_64"
}

variable "disk_size" {
  type        = string
  default     = ""
  description = "Size of the disk, not of the file. Empty: as the framework needs."
}

variable "ssh_timeout" {
  type    = string
  default = "900s"
}
