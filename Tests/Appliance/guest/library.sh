# What scenarios share inside the guest; sourced by their guest.sh. Its checks are counted by the host.
# shellcheck shell=bash
set -eu -o pipefail
trap 'echo "stopped at ${BASH_SOURCE[0]##*/}:$LINENO: $BASH_COMMAND (status $?)"' ERR

# say TEXT…: a line of the scenario's log, with the time since boot.
say() {
    printf '[%s] %s\n' "$(cut -d' ' -f1 /proc/uptime)" "$*"
}

# check SENTENCE COMMAND…: the sentence holds when the command succeeds. Never ends the scenario.
check() {
    local sentence=$1 found
    shift
    if found=$("$@" 2>&1); then
        printf 'pass\t%s\t\n' "$sentence" >>/out/checks
        say "pass: $sentence"
    else
        found=$(tr '\n\t' '  ' <<<"$found")
        printf 'fail\t%s\t%s\n' "$sentence" "${found:-$*}" >>/out/checks
        say "FAIL: $sentence: ${found:-$*}"
    fi
}

# refused COMMAND…: the command fails.
refused() {
    if "$@"; then
        echo "it succeeded: $*"
        return 1
    fi
    return 0
}

# wait_until SECONDS COMMAND…: polls until the command succeeds.
wait_until() {
    local limit=$1 began=$SECONDS
    shift
    until "$@" >/dev/null 2>&1; do
        if ((SECONDS - began >= limit)); then
            echo "not within $limit s: $*"
            return 1
        fi
        sleep 0.2
    done
}

# property UNIT NAME: one property of a unit.
property() {
    systemctl show --property "$2" --value "$1"
}

# holders NODE: the process ids that have a device node open, found as root in /proc/PID/fd.
# Device numbers are compared, so that another name of the same node is found too. One stat for all
# of them: a process for each descriptor takes ten seconds under emulation.
holders() {
    local wanted
    wanted=$(stat -L -c '%t:%T' "$1")
    { stat -L -c '%F|%t:%T|%n' /proc/[0-9]*/fd/* 2>/dev/null || true; } |
        awk -F '[|/]' -v wanted="$wanted" '$1 == "character special file" && $2 == wanted { print $5 }' | sort -u
}

# untouched NODE…: nobody has any of these nodes open.
untouched() {
    local node pids
    for node in "$@"; do
        pids=$(holders "$node") || return 1
        if [[ -n $pids ]]; then
            echo "$node is open in $(ps -o comm= -p "${pids//$'\n'/,}" | tr '\n' ' ')"
            return 1
        fi
    done
}

# user_of PID: the name of the user a process runs as.
user_of() {
    ps -o user:32= -p "$1" | tr -d ' '
}

# without_network PID: the process sees no network device but a loopback.
without_network() {
    local devices
    devices=$(sed '1,2d; s/:.*//; s/ //g' "/proc/$1/net/dev")
    [[ $devices == lo ]] || { echo "it sees: $devices"; return 1; }
}

# install_rules_and_accounts: users, groups, folders and device rules as a package would install them.
install_rules_and_accounts() {
    install -D -m 0644 -t /usr/lib/sysusers.d /in/systemd/sysusers.d/*.conf
    install -D -m 0644 -t /usr/lib/tmpfiles.d /in/systemd/tmpfiles.d/*.conf
    systemd-sysusers
    systemd-tmpfiles --create
    # These take the place of others' files of the same name, which only a file in /etc can do.
    install -D -m 0644 -t /etc/udev/rules.d /in/udev/60-persistent-v4l.rules /in/udev/90-alsa-restore.rules
    install -D -m 0644 -t /usr/lib/udev/rules.d /in/udev/72-lenscap.rules
    udevadm control --reload
}

# install_units: the units, known to systemd but not started.
install_units() {
    install -D -m 0644 -t /usr/lib/systemd/system /in/systemd/*.service /in/systemd/*.socket \
        /in/systemd/*.path /in/systemd/*.timer
    local folder
    for folder in alsa-restore.service.d user-.slice.d; do
        install -D -m 0644 -t "/usr/lib/systemd/system/$folder" "/in/systemd/$folder"/*
    done
    systemctl daemon-reload
}

# start_units: as after the package's installation and at every boot.
start_units() {
    systemctl enable --quiet --now lenscapd-{teacher,status,audit}.socket lenscap-recorder.socket \
        lenscapd-acknowledged.path lenscap-uploader.path lenscap-uploader.timer
    # Enabled as well as started: its boot-time start is what recovers after a crash.
    systemctl enable --quiet --now lenscapd.service
}

# replace_program UNIT LINE…: runs the unit, sandbox and all, with these lines in the place of its ExecStart=. Most
# stand-ins cannot answer a watchdog: WatchdogSec=0. None says that it is ready.
replace_program() {
    local unit=$1
    shift
    mkdir -p "/run/systemd/system/$unit.d"
    printf '%s\n' "[Service]" "Type=exec" "ExecStart=" "$@" >"/run/systemd/system/$unit.d/stand-in.conf"
    systemctl daemon-reload
}

# idle_authority: a lenscapd that does nothing, because a recorder lives only beside one.
idle_authority() {
    replace_program lenscapd.service "ExecStart=sleep infinity" "WatchdogSec=0"
    systemctl start lenscapd.service
}

# install_programs: the programs of the run, each able to find its libraries here.
install_programs() {
    local program target
    for program in /in/programs/*; do
        target=/usr/libexec/lenscap
        [[ ${program##*/} == lenscap ]] && target=/usr/bin
        install -D -m 0755 -t "$target" "$program"
        check "${program##*/} finds every library it needs on Debian 12" \
            refused grep 'not found' <(ldd "$target/${program##*/}")
    done
}

# plug_camera: a virtual camera, node /dev/lenscap/front.
plug_camera() {
    install_rule 71-appliance-camera.rules \
        'SUBSYSTEM=="video4linux", ATTR{name}=="vivid-000-vid-cap", SYMLINK+="lenscap/front"'
    modprobe vivid n_devs=1 node_types=0x1
    udevadm settle
    wait_until 10 test -e /dev/lenscap/front
}

# plug_microphone FILE: a loopback sound card whose capture side (hw:Loopback,1) hears FILE over and over,
# raw 16-bit samples at 48 kHz with two channels (and accepts nothing else); node /dev/lenscap/desk.
plug_microphone() {
    install_rule 71-appliance-microphone.rules \
        'SUBSYSTEM=="sound", KERNEL=="pcmC*D1c", ATTRS{id}=="Loopback", SYMLINK+="lenscap/desk"'
    modprobe snd-aloop pcm_substreams=1
    udevadm settle
    wait_until 10 test -e /dev/lenscap/desk
    # The player is a background process of the scenario and ends with it.
    (while :; do cat "$1"; done) | aplay -q -D hw:Loopback,0 -t raw -f S16_LE -r 48000 -c 2 &
}

# plug_lamp: the keyboard's scroll-lock light is the box's lamp; prints its name.
plug_lamp() {
    install_rule 71-appliance-lamp.rules 'SUBSYSTEM=="leds", KERNEL=="*::scrolllock", TAG+="lenscap-lamp"'
    udevadm trigger --action=add --subsystem-match=leds --settle
    basename /sys/class/leds/*::scrolllock
}

# prepare_usb: vhci_hcd's controllers and the drivers of cameras and microphones, ready for plug_usb.
prepare_usb() {
    install -D -m 0755 -t /usr/lib/appliance /in/virtual-usb
    ip link set lo up
    modprobe -a vhci_hcd uvcvideo snd-usb-audio
    udevadm settle
}

# plug_usb NAME OPTION…: a virtual USB device (usb/virtual-usb.c has the options) with NAME as its serial number, which
# reports to /out/NAME.usb. Returns when udev has dealt with it, authorised or not.
declare -A usb_devices
plug_usb() {
    local name=$1
    shift
    /usr/lib/appliance/virtual-usb --report "/out/$name.usb" --serial "$name" "$@" &
    usb_devices[$name]=$!
    wait_until 20 usb_folder "$name"
    udevadm settle
}

# usb_folder NAME: the device in sysfs.
usb_folder() {
    local file
    file=$(grep -lxF "$1" /sys/bus/usb/devices/*/serial) && dirname "$file"
}

# usb_said NAME WORD…: the device reported this since it was plugged in last.
usb_said() {
    local name=$1
    shift
    tac "/out/$name.usb" | sed '/ plugged-in /q' | grep -F " $*"
}

signal_usb() {
    kill -s "$2" "${usb_devices[$1]}"
}

# unplug_usb NAME: pulls it out and returns when the kernel knows it.
unplug_usb() {
    kill "${usb_devices[$1]}" 2>/dev/null || true
    wait "${usb_devices[$1]}" 2>/dev/null || true
    unset "usb_devices[$1]"
    wait_until 20 refused usb_folder "$1"
}

# plug_stop_inputs: a key named "Appliance key" and a GPIO chip, which move_input moves.
plug_stop_inputs() {
    install_rule 71-appliance-stop.rules 'SUBSYSTEM=="input", KERNEL=="event*", ATTRS{name}=="Appliance key", TAG+="lenscap-stop"
SUBSYSTEM=="gpio", KERNEL=="gpiochip*", DRIVERS=="cp2112", TAG+="lenscap-stop"'
    modprobe -a uinput uhid evdev hid-cp2112
    # Before everything else: hardware answers also when the machine is busy.
    chrt --fifo 10 /in/guest/virtual-inputs /run/inputs &
    wait_until 30 test -e /dev/gpiochip0
    udevadm settle
}

# move_input key 0|1, move_input line NUMBER 0|1
move_input() {
    echo "$*" >/run/inputs
}

# watch_opens: counts from now on every open of a camera, media, sound or raw USB node, by anybody, under any name.
watch_opens() {
    local probe
    echo 0 >/sys/kernel/tracing/tracing_on
    : >/sys/kernel/tracing/trace
    [[ -e /sys/kernel/tracing/events/opens ]] || for probe in v4l2_open media_open snd_open usbdev_open; do
        echo "p:opens/$probe $probe" >>/sys/kernel/tracing/kprobe_events
    done
    echo 1 >/sys/kernel/tracing/events/opens/enable
    echo 1 >/sys/kernel/tracing/tracing_on
}

# opens: what watch_opens saw, a line each: program-pid and the kind of node.
opens() {
    sed -n 's/^ *\([^ ]*\) .*: \([a-z0-9_]*_open\): .*/\1 \2/p' /sys/kernel/tracing/trace
}

# expect UNIT LINE…: the probe in the unit's sandbox (guest/probe.sh) printed these lines into /run/probe-UNIT and no
# other `can`.
expect() {
    local unit=$1 line
    shift
    for line; do
        check "$unit: $line" grep -qxF "$line" "/run/probe-$unit"
    done
    check "$unit: can do nothing else" refused grep -vxF -f <(printf '%s\n' "$@") <(grep '^can ' "/run/probe-$unit")
}

install_rule() {
    printf '%s\n' "$2" >"/etc/udev/rules.d/$1"
    udevadm control --reload
}
