#!/bin/bash
source /in/guest/library.sh
source /in/guest/school.sh

ROUNDS=$(</in/rounds)

install_box
install -m 0644 /in/scenario/names.rules /etc/udev/rules.d/71-lenscap-names.rules
udevadm control --reload
prepare_usb
modprobe vivid n_devs=1 node_types=0x1
lamp=$(plug_lamp)
plug_stop_inputs

# Each camera has a controller of its own: where two devices of one wake up at once, vhci_hcd may lose one of them.
# Over a bulk endpoint first, then over an isochronous one, and so on in turn.
declare -A formats=([front]=yuyv [back]=mjpeg) ports=([front]=0 [back]=30) times=([front]=0 [back]=0)
plug() {
    local endpoint=()
    ((times[$1] % 2 == 0)) || endpoint=(--isochronous)
    times[$1]=$((times[$1] + 1))
    plug_usb "$1" --camera --format "${formats[$1]}" --size 320x240 --rate 15 --port "${ports[$1]}" "${endpoint[@]}"
}
plug_desk() { plug_usb desk --microphone --ppm 300 --port 1; }
plug front
plug back
plug_desk
wait_until 20 test -e /dev/lenscap/front -a -e /dev/lenscap/back -a -e /dev/lenscap/side
card() { [[ -e /proc/asound/desk ]]; }
wait_until 20 card

start_units
wait_until 60 test -s /var/lib/lenscap/key/box.pem
enrol --camera front --camera back --camera side --microphone desk
start_lesson --camera front --camera back --camera side --microphone desk --duration $((120 + ROUNDS * 30))
check "the box records" wait_until 60 says recording
sleep 6
recorder=$(property 'lenscap-recorder@*.service' MainPID)

# --- What happens to the devices. Each time is one line of /out/outages: begin and end of what was done, and what. ---

clock() { awk '/^now at/ { printf "%.3f", $3 / 1e9 }' /proc/timer_list; }
# outage WHAT COMMAND…: the command breaks a device and mends it again.
outage() {
    local what=$1 began
    shift
    began=$(clock)
    "$@"
    echo "$began $(clock) $what" >>/out/outages
}
camera_node() { [[ -e /dev/lenscap/$1 ]]; }
pull_camera() {
    unplug_usb "$1"
    sleep "$2"
    plug "$1"
    wait_until 20 camera_node "$1"
}
pull_desk() {
    unplug_usb desk
    sleep "$1"
    plug_desk
    wait_until 20 card
}
pull_both() {
    unplug_usb "$1"
    pull_desk "$2"
    plug "$1"
    wait_until 20 camera_node "$1"
}
freeze() {
    signal_usb "$1" USR1
    sleep "$2"
    signal_usb "$1" USR2
}
# unbind NAME DRIVER SECONDS: takes the driver off all of the device's interfaces that it has, and puts it back.
unbind() {
    local interface driver=/sys/bus/usb/drivers/$2 first=""
    for interface in "$(usb_folder "$1")"/*:1.*; do
        interface=${interface##*/}
        [[ -e $driver/$interface ]] || continue
        # The driver takes and leaves the other interfaces with the first.
        first=${first:-$interface}
        echo "$interface" >"$driver/unbind"
    done
    sleep "$3"
    echo "$first" >"$driver/bind"
}
# vivid's own faults, by its controls. It takes a second open for that, which holds no picture.
fault() {
    v4l2-ctl -d /dev/lenscap/side -c "$1"
    sleep 1
}

v4l2-ctl -d /dev/lenscap/side -L >/out/controls.txt
for ((round = 0; round < ROUNDS; round++)); do
    say "round $round"
    camera=$( (((round / 4 + round / 8) % 2)) && echo back || echo front)
    case $((round % 8)) in
    0 | 4) outage "$camera pulled" pull_camera "$camera" 1 ;;
    1) outage "desk pulled" pull_desk 1 ;;
    2) outage "$camera frozen" freeze "$camera" 4 ;;
    3) outage "$camera unbound" unbind "$camera" uvcvideo 1 ;;
    5) outage "desk unbound" unbind desk snd-usb-audio 1 ;;
    6) outage "desk frozen" freeze desk 8 ;;
    7) outage "$camera desk pulled" pull_both "$camera" 2 ;;
    esac
    case $((round % 8)) in
    0) fault inject_v4l2_buf_flag_error=1 ;;
    1) fault inject_fatal_streaming_error=1 ;;
    2) fault percentage_of_dropped_buffers=30 ;;
    3) fault percentage_of_dropped_buffers=0 ;;
    4) fault inject_vidioc_qbuf_error=1 ;;
    5) fault wrap_timestamp=1 ;;
    6) fault disconnect=1 ;;
    7) fault inject_vidioc_streamon_error=1 && fault inject_vidioc_reqbufs_error=1 && fault disconnect=1 ;;
    esac || say "vivid did not take its fault"
    sleep 6
done
state >/out/status.json
check "it still records" says recording
check "in the same process" test "$(property 'lenscap-recorder@*.service' MainPID)" = "$recorder"
grep -E '^(VmRSS|Threads)' "/proc/$recorder/status" >/out/recorder.txt
ls "/proc/$recorder/fd" | wc -l >>/out/recorder.txt
check "the teacher can stop" stop_lesson
check "the recording reaches the account" wait_until 180 delivered
hand_over
check "no unit failed" test -z "$(systemctl list-units --failed --no-legend 'lenscap*')"
