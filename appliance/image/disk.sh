#!/bin/sh
# disk.sh ROOT DISK [SIZE]: makes a disk that boots by BIOS and by UEFI from the root file system in the folder ROOT.
#
# DISK is a sparse raw file of SIZE (default: the size of ROOT and at least 1.25 GiB more). It has a GPT, a partition for
# GRUB with a BIOS, an EFI system partition with GRUB at the default path, and the root file system last, so that it can grow.
# No file system is mounted and no loop device is used, so this works in a container: mke2fs fills the file system from the
# folder, and GRUB's files are written to the sectors at which the firmware and GRUB read them.
set -eu
root=${1:?usage: disk.sh ROOT DISK [SIZE]} disk=${2:?usage: disk.sh ROOT DISK [SIZE]}
size=${3:-$((($(du -xsm "$root" | cut -f 1) + 1280 + 1023) / 1024))G}
grub=/usr/lib/grub
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

core_at=2048          # sectors of 512 bytes: the BIOS boot partition
core_sectors=2048
efi_at=4096
efi_sectors=16384
root_at=20480
uuid=$(cat /proc/sys/kernel/random/uuid)

# /vmlinuz and /initrd.img (Ubuntu: in /boot) are links to the newest kernel, so grub.cfg never changes.
links=/
[ -L "$root/vmlinuz" ] || links=/boot/
cat >"$work/grub.cfg" <<GRUB
set timeout=0
search --no-floppy --fs-uuid --set=root $uuid
linux ${links}vmlinuz root=UUID=$uuid ro console=tty0 console=ttyS0,115200
initrd ${links}initrd.img
boot
GRUB
echo "UUID=$uuid / ext4 errors=remount-ro 0 1" >"$work/fstab"

rm -f "$disk"
truncate -s "$size" "$disk"
sfdisk --quiet "$disk" <<LAYOUT
label: gpt
start=$core_at, size=$core_sectors, type=21686148-6449-6E6F-744E-656564454649, name=grub
start=$efi_at, size=$efi_sectors, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, name=efi
start=$root_at, type=0FC63DAF-8483-4772-8E79-3D69D8477DE4, name=root
LAYOUT
# Two mebibytes at the end are kept for the second table.
blocks=$(( ($(stat -c %s "$disk") / 512 - root_at - 4096) / 8 ))
# GRUB 2.06 does not read file systems with these two newer features.
mke2fs -q -t ext4 -b 4096 -U "$uuid" -L flower -m 1 -O ^metadata_csum_seed,^orphan_file \
  -E "offset=$((root_at * 512)),lazy_itable_init=1,lazy_journal_init=1,root_owner=0:0" -d "$root" "$disk" "$blocks"

# Files that name this disk are written into the file system only, because containers boot from the folder.
debugfs -w -f /dev/stdin "$disk?offset=$((root_at * 512))" >/dev/null 2>"$work/debugfs" <<FILES
mkdir /boot/grub
cd /boot/grub
write $work/grub.cfg grub.cfg
cd /etc
rm fstab
write $work/fstab fstab
FILES
debugfs -R 'cat /etc/fstab' "$disk?offset=$((root_at * 512))" 2>/dev/null | grep -q "$uuid" || { cat "$work/debugfs" >&2; exit 1; }

cat >"$work/early.cfg" <<GRUB
search.fs_uuid $uuid root
set prefix=(\$root)/boot/grub
configfile (\$root)/boot/grub/grub.cfg
GRUB
modules='part_gpt ext2 search search_fs_uuid linux configfile normal boot echo'
# shellcheck disable=SC2086 # One word for each module.
grub-mkimage -O i386-pc -d "$grub/i386-pc" -p /boot/grub -c "$work/early.cfg" -o "$work/core.img" biosdisk $modules
# shellcheck disable=SC2086
grub-mkimage -O x86_64-efi -d "$grub/x86_64-efi" -p /boot/grub -c "$work/early.cfg" -o "$work/bootx64.efi" fat efi_gop $modules
mkfs.vfat -n EFI -C "$work/efi.img" $((efi_sectors / 2)) >/dev/null
mmd -i "$work/efi.img" ::/EFI ::/EFI/BOOT
mcopy -i "$work/efi.img" "$work/bootx64.efi" ::/EFI/BOOT/BOOTX64.EFI
dd if="$work/efi.img" of="$disk" bs=512 seek="$efi_at" conv=notrunc,sparse status=none

number() { # number VALUE BYTES: little-endian
  value=$1
  for _ in $(seq "$2"); do
    # shellcheck disable=SC2059 # The format is the escape sequence of one byte.
    printf "\\$(printf %03o $((value % 256)))"
    value=$((value / 256))
  done
}
put() { dd of="$1" bs=1 seek="$2" conv=notrunc status=none; }

# The sector at which each stage of GRUB finds the next one. grub-bios-setup writes the same in a running system.
cp "$grub/i386-pc/boot.img" "$work/boot.img"
number "$core_at" 8 | put "$work/boot.img" $((0x5c))
number $((core_at + 1)) 8 | put "$work/core.img" $((0x1f4))
dd if="$work/boot.img" of="$disk" bs=440 count=1 conv=notrunc status=none
dd if="$work/core.img" of="$disk" bs=512 seek="$core_at" conv=notrunc status=none
