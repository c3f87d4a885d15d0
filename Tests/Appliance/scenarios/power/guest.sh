#!/bin/bash
source /in/guest/library.sh
source /in/guest/school.sh

# The box keeps its data on a disk whose every write is logged outside.
mkdir -p /var/lib/lenscap
mount /dev/disk/by-id/virtio-lenscap-data /var/lib/lenscap

# What plays the tone must not put it there; everybody else's memory may be swapped.
systemctl set-property --runtime appliance.service MemorySwapMax=0
install_box
plug_camera
plug_microphone /in/tone.raw
lamp=$(plug_lamp)
plug_stop_inputs

# number NAME PID: a line of /proc/PID/status.
number() { awk -v name="$1:" '$1 == name { print $2 }' "/proc/$2/status"; }
# In a slice of the teacher's own, where a login session is.
start_one() {
    systemd-run --quiet --scope --slice="user-$(id -u teacher).slice" runuser -u teacher -- env HOME=/home/teacher \
        lenscap start --camera front --microphone desk --duration 180 --purpose reflection \
        --sign-with "lenscap sign --yes" >>/out/start.log 2>&1 &
}

# What the camera itself delivers, to know it again. This folder is the host's, no disk of the guest.
v4l2-ctl -d /dev/lenscap/front --set-fmt-video=width=640,height=360,pixelformat=YUYV --stream-mmap --stream-count=3 \
    --stream-to=/out/picture.raw >/dev/null

# Memory that is short, a swap that is eager, and cores that are kept.
fallocate --length 512M /swap
chmod 600 /swap
mkswap --quiet /swap
swapon /swap
sysctl --quiet vm.swappiness=200
mkdir -p -m 1777 /var/crash
sysctl --quiet kernel.core_pattern=/var/crash/core.%e.%p fs.suid_dumpable=0

start_units
check "the first start makes the box key" wait_until 60 test -s /var/lib/lenscap/key/box.pem
# What is recorded stays here.
HOLD=600 enrol --camera front --microphone desk
cp /run/box.jwk /out/box.jwk
check "an empty room is idle" wait_until 30 says idle

start_one
check "the box says that it records" wait_until 60 says recording
held() { [[ -n $(holders /dev/lenscap/front) ]]; }
check "its recorder holds the camera" wait_until 30 held
touch /out/recording
recorder=$(holders /dev/lenscap/front)
authority=$(property lenscapd.service MainPID)

# More memory than there is, in turn: everybody's is wanted.
systemd-run --quiet --scope --unit=hungry python3 -c '
pages = bytearray(1900 << 20)
while True:
    for at in range(0, len(pages), 4096):
        pages[at] = 1' &
swapped() { (($(awk 'NR > 1 { print $4 }' /proc/swaps) > 100000)); }
check "other memory is swapped" wait_until 60 swapped
sleep 5
for process in "$recorder" "$authority"; do
    check "nothing of $(ps -o comm= -p "$process") is swapped" test "$(number VmSwap "$process")" = 0
    check "all that it uses is locked" test "$(number VmLck "$process")" -gt "$(number VmRSS "$process")"
    check "only root may look into it" test "$(stat -c %U "/proc/$process/mem")" = root
done
systemctl stop hungry.scope

sleep 16
stop_lesson
check "the lesson is sealed" wait_until 60 says idle
sync
touch /out/ended

start_one
check "the box records again" wait_until 60 says recording
sleep 5
recorder=$(holders /dev/lenscap/front)
prlimit --pid "$recorder" --core=unlimited:unlimited
(ulimit -c unlimited && exec sleep 60) &
other=$!
wait_until 10 grep -qx sleep "/proc/$other/comm"
kill -ABRT "$other" "$recorder"
check "the killed recorder is gone" wait_until 60 says idle
check "another program's crash leaves a core" compgen -G "/var/crash/core.sleep.*"
check "the recorder's crash leaves none" refused compgen -G "/var/crash/core.lenscap*"
check "it says nothing of its memory" refused grep -E 'Crash|Registers|Backtrac' <(journalctl --boot -u 'lenscap-recorder@*')

cp -r /etc/lenscap /out/etc
cp -r /home/teacher/.config/lenscap /out/teacher
swapoff /swap
umount -l /var/lib/lenscap || true
sync
