#!/bin/bash
source /in/guest/library.sh

install_rules_and_accounts
install_units
install_programs
install -D -m 0644 /in/scenario/lenscap.toml /etc/lenscap/lenscap.toml
install -m 0644 /in/scenario/names.rules /etc/udev/rules.d/71-lenscap-names.rules
udevadm control --reload

# A disk of its own, which can be made to hang.
truncate -s 400M /root/disk
disk=$(losetup --find --show /root/disk)
mkfs.ext4 -q "$disk"
dmsetup create lenscap --table "0 $(blockdev --getsz "$disk") linear $disk 0"
mount /dev/mapper/lenscap /var/lib/lenscap
systemd-tmpfiles --create

prepare_usb
plug_lamp
plug_stop_inputs
start_units
wait_until 60 test -s /var/lib/lenscap/key/box.pem

# The rest takes thousands of events and sessions by the dozen: too much for a shell under emulation.
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=/in:/in/scenario exec python3 -m classroom
