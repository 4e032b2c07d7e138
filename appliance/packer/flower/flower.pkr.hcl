# A password for this build only: the last provisioner disables all logins by password.
locals {
  password = uuidv4()

  role    = element(split("-", var.appliance_name), 1)
  sources = var.sources != "" ? var.sources : "../../appliances/${var.appliance_name}"

  # PyTorch includes the libraries of CUDA.
  usual_size = var.framework == "pytorch" ? "20000M" : "10000M"
  disk_size  = var.disk_size != "" ? var.disk_size : local.usual_size
}

# The CONTEXT disc for the build: one-context sets up the network and root's password.
source "null" "context" {
  communicator = "none"
}

build {
  sources = ["source.null.context"]

  provisioner "shell-local" {
    inline = [
      "mkdir -p ${var.input_dir}/context",
      "${var.input_dir}/gen_context ${local.password} > ${var.input_dir}/context/context.sh",
      "mkisofs -quiet -o ${var.input_dir}/${var.appliance_name}-context.iso -V CONTEXT -J -R ${var.input_dir}/context",
    ]
  }
}

source "qemu" "flower" {
  iso_url      = var.base
  iso_checksum = "none"

  disk_image       = true
  disk_size        = local.disk_size
  disk_interface   = "virtio"
  disk_cache       = "unsafe"
  format           = "qcow2"
  output_directory = var.output_dir
  vm_name          = var.appliance_name

  accelerator = var.accelerator
  cpus        = 2
  memory      = 2048
  net_device  = "virtio-net"
  headless    = var.headless
  qemu_binary = var.qemu_binary

  qemuargs = [
    ["-cpu", var.cpu],
    ["-serial", "file:${var.input_dir}/serial.log"],
    ["-cdrom", "${var.input_dir}/${var.appliance_name}-context.iso"],
    # The same address as ETH0_MAC in gen_context.
    ["-netdev", "user,id=net0,hostfwd=tcp:127.0.0.1:{{ .SSHHostPort }}-:22"],
    ["-device", "virtio-net-pci,netdev=net0,mac=00:11:22:33:44:55"],
  ]

  ssh_username     = "root"
  ssh_password     = local.password
  ssh_timeout      = var.ssh_timeout
  shutdown_command = "poweroff"
}

build {
  sources = ["source.qemu.flower"]

  # The one-apps framework, at its usual paths.
  provisioner "shell" {
    inline = [
      "install -d -m 0750 /etc/one-appliance /etc/one-appliance/service.d /etc/one-appliance/lib",
      "install -d -m 0755 /opt/one-appliance /opt/one-appliance/flower",
    ]
  }

  provisioner "file" {
    sources = [
      "${var.framework_dir}/scripts/net-90-service-appliance",
      "${var.framework_dir}/scripts/net-99-report-ready",
    ]
    destination = "/etc/one-appliance/"
  }

  provisioner "file" {
    sources = [
      "${var.framework_dir}/lib/common.sh",
      "${var.framework_dir}/lib/functions.sh",
    ]
    destination = "/etc/one-appliance/lib/"
  }

  provisioner "file" {
    source      = "${var.framework_dir}/service.sh"
    destination = "/etc/one-appliance/service"
  }

  # The appliance: the script that the framework calls, and what it installs.
  provisioner "file" {
    source      = "${local.sources}/appliance.sh"
    destination = "/etc/one-appliance/service.d/appliance.sh"
  }

  provisioner "file" {
    source      = "${local.sources}/"
    destination = "/opt/one-appliance/flower"
  }

  provisioner "shell" {
    scripts = ["${var.input_dir}/82-configure-context.sh"]
  }

  provisioner "shell" {
    environment_vars = [
      "FLOWER_ROLE=${local.role}",
      "FLOWER_VERSION=${var.flower_version}",
      "FLOWER_FRAMEWORK=${var.framework}",
    ]
    inline = ["/etc/one-appliance/service install && sync"]
  }

  # The last one that needs the password.
  provisioner "shell" {
    scripts = ["${var.input_dir}/81-configure-ssh.sh"]
  }

  post-processor "shell-local" {
    execute_command = ["bash", "-c", "{{.Vars}} {{.Script}}"]
    environment_vars = [
      "OUTPUT_DIR=${var.output_dir}",
      "APPLIANCE_NAME=${var.appliance_name}",
    ]
    scripts = [var.postprocess]
  }
}
