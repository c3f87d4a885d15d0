"""The appliance test of Lenscap: boots Debian in QEMU and proves the programs on real kernel devices."""
