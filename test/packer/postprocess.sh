#!/bin/sh
# Stands for one-apps' postprocess.sh, which empties and shrinks the disk with libguestfs: that needs a kernel of its own.
set -eu
qemu-img check -q "$OUTPUT_DIR/$APPLIANCE_NAME"
