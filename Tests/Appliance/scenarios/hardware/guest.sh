#!/bin/bash
source /in/guest/library.sh

# --- The first boot installs the rules, so that the second finds a box that was set up. ---

names() {
    local gated
    for gated in vhci_hcd.0 "$1"; do
        echo "SUBSYSTEM==\"usb\", ENV{DEVTYPE}==\"usb_device\", KERNELS==\"$gated\", TAG+=\"lenscap-gate\""
    done
    cat <<'RULES'
SUBSYSTEM=="leds", KERNEL=="*::scrolllock", TAG+="lenscap-lamp"
SUBSYSTEM=="video4linux", ATTR{index}=="0", ENV{ID_PATH}=="platform-vhci_hcd.0-usb-0:1:1.0", ATTRS{serial}=="front", SYMLINK+="lenscap/front"
SUBSYSTEM=="video4linux", ATTR{index}=="0", ATTRS{serial}=="loose", SYMLINK+="lenscap/loose"
SUBSYSTEM=="sound", KERNEL=="card*", ATTRS{serial}=="loose", ATTR{id}="loose"
RULES
}
# controller: QEMU's xHCI, whose devices are there from the start.
controller() { basename "$(dirname "$(readlink -f /sys/bus/pci/drivers/xhci_hcd/*:*/usb1)")"; }
if [[ $BOOT == 1 ]]; then
    install_rules_and_accounts
    install_units
    names "$(controller)" >/etc/udev/rules.d/71-lenscap-names.rules
    install -m 0755 -t /usr/lib/appliance /in/scenario/{probe,stand-in,stop-inputs} /in/guest/probe.sh
    exit 0
fi

# --- The gate. ---

attribute() { stat -L -c '%U:%G %a' "$1"; }
# closed BUS…: the hub's own default and who may change it.
closed() {
    local bus
    for bus; do
        [[ $(<"$bus/authorized_default") == 0 && $(attribute "$bus/authorized_default") == "root:lenscap 664" ]] || {
            echo "$bus: $(<"$bus/authorized_default"), $(attribute "$bus/authorized_default")"
            return 1
        }
    done
}
# devices CONTROLLER CLASS: USB devices on it that are hubs (`hub`) or not (`other`), without root hubs.
devices() {
    local file class
    for file in /sys/bus/usb/devices/[0-9]*/bDeviceClass; do
        [[ $(readlink -f "$file") == *"/$1/"* ]] || continue
        class=other
        [[ $(<"$file") != 09 ]] || class=hub
        [[ $class != "$2" ]] || dirname "$file"
    done
}
# all_have NAME VALUE FOLDER…: there is one at least, and each has this attribute.
all_have() {
    local name=$1 value=$2 folder
    shift 2
    (($#)) || { echo "there is none"; return 1; }
    for folder; do
        [[ $(<"$folder/$name") == "$value" ]] || { echo "$folder/$name is $(<"$folder/$name")"; return 1; }
    done
}

udevadm settle
xhci=$(controller)
say "controller $xhci: hubs $(devices "$xhci" hub | wc -l), other devices $(devices "$xhci" other | wc -l)"
check "at boot the root hubs of a gated controller are closed" closed /sys/bus/pci/devices/"$xhci"/usb[0-9]*
mapfile -t present < <(devices "$xhci" other)
check "one of its devices is behind a hub" grep -q '\.' <<<"${present[*]##*/}"
check "at boot its devices are withdrawn" all_have authorized 0 "${present[@]}"
check "and its hubs are not" all_have authorized 1 $(devices "$xhci" hub)
check "so the sound card among them has no node" refused compgen -G '/dev/snd/pcm*'

prepare_usb
check "the root hubs of a gated controller that comes later are closed" \
    closed /sys/bus/platform/devices/vhci_hcd.0/usb[0-9]*
other=$(echo /sys/bus/platform/devices/vhci_hcd.1/usb[0-9]* | cut -d' ' -f1)
check "other controllers are left alone" \
    test "$(<"$other/authorized_default") $(attribute "$other/authorized_default")" = "1 root:root 644"

watch_opens
plug_usb front --camera --microphone --product "Front camera"
front=$(usb_folder front)
node=/dev/$(sed -n 's/^DEVNAME=//p' "$front/uevent")
nodes() { compgen -G '/dev/video*' || compgen -G '/dev/media*' || compgen -G '/dev/snd/pcm*'; }
nodes_besides_loose() { (($(compgen -G '/dev/video*' | wc -l) > 2)); }
sleep 1
check "a device plugged into the gate has no driver and no node" refused nodes
check "it is not authorised" test "$(<"$front/authorized")" = 0
check "the host did not configure it" refused usb_said front configured
check "its identity can be read" \
    test "$(cat "$front"/{idVendor,idProduct,serial,product} | paste -s -d ' ')" = "1209 0001 front Front camera"
check "the authority's group may authorise it, and nobody else" \
    test "$(attribute "$front/authorized")" = "root:lenscap 664"
check "its raw node is root's alone" test "$(attribute "$node")" = "root:root 600"
nobody_opened() { [[ -z $(opens) ]] || { opens; return 1; }; }
authorise() { runuser -u "$1" -- sh -c "echo $2 >'$front/authorized'"; }
for person in visitor teacher lenscap-recorder lenscap-uploader; do
    check "$person cannot authorise it" refused authorise "$person" 1
done
check "lenscap can" authorise lenscap 1
check "then its camera has a node" wait_until 20 test -e /dev/lenscap/front
check "and its microphone" wait_until 20 compgen -G '/dev/snd/pcmC*c'
udevadm settle
check "both are for the recorder" test "$(attribute /dev/lenscap/front) $(attribute /dev/snd/pcmC*c)" = \
    "root:lenscap-devices 660 root:lenscap-devices 660"
check "its raw node is still root's alone" test "$(attribute "$node")" = "root:root 600"
sleep 2
check "lenscap can withdraw it" authorise lenscap 0
check "then its nodes are gone" wait_until 20 refused nodes
unplug_usb front
check "nobody opened a camera, sound or raw USB node from plugging to pulling out" nobody_opened

plug_usb loose --port 30 --camera --microphone
check "a device elsewhere has nodes at once" wait_until 20 test -e /dev/lenscap/loose
loose=$(usb_folder loose)
udevadm settle
raw=/dev/$(sed -n 's/^DEVNAME=//p' "$loose/uevent")
check "its raw node is root's alone, too" test "$(attribute "$raw")" = "root:root 600"
watch_opens
: </dev/lenscap/loose
check "an open is seen where there is one" test "$(opens)" = "bash-$$ v4l2_open"

# milliseconds BEGAN COMMAND…: how long after BEGAN (of `now`) it succeeds.
now() { echo "${EPOCHREALTIME/./}"; }
milliseconds() {
    local began=$1
    shift
    until "$@" >/dev/null 2>&1; do
        (($(now) - began < 20000000)) || return 1
        sleep 0.01
    done
    echo $((($(now) - began) / 1000))
}
replug() {
    local cycle began authorised withdrawn pulled
    for cycle in 1 2 3 4 5; do
        plug_usb front --camera --microphone || return 1
        front=$(usb_folder front)
        refused test -e /dev/lenscap/front || return 1
        began=$(now)
        echo 1 >"$front/authorized"
        authorised=$(milliseconds "$began" test -e /dev/lenscap/front) || return 1
        began=$(now)
        echo 0 >"$front/authorized"
        withdrawn=$(milliseconds "$began" refused test -e /dev/lenscap/front) || return 1
        echo 1 >"$front/authorized"
        wait_until 20 test -e /dev/lenscap/front || return 1
        began=$(now)
        kill "${usb_devices[front]}"
        pulled=$(milliseconds "$began" refused test -e /dev/lenscap/front) || return 1
        unplug_usb front
        say "cycle $cycle: node $authorised ms after authorising," \
            "gone $withdrawn ms after withdrawing, $pulled ms after pulling" >>/out/timing
    done
}
check "five times plugged, authorised, withdrawn, authorised, pulled out" replug
cat /out/timing
plug_usb front --port 1
echo 1 >"$(usb_folder front)/authorized"
check "in another socket it has a node" wait_until 20 nodes_besides_loose
check "but not its name" refused test -e /dev/lenscap/front
unplug_usb front

# --- Lamp and stop inputs. ---

plug_stop_inputs
lamp=$(echo /sys/class/leds/*::scrolllock)
check "the lamp is the authority's to light" test "$(attribute "$lamp/brightness") $(attribute "$lamp/trigger")" = \
    "root:lenscap 664 root:lenscap 664"
# input NAME: the node of an input device.
input() {
    local file
    file=$(grep -l "$1" /sys/class/input/event*/device/name)
    file=${file%/device/name}
    echo "/dev/input/${file##*/}"
}
key=$(input "Appliance key")
check "the stop key's node is the authority's to read" test "$(attribute "$key")" = "root:lenscap 640"
check "the stop line's chip is the authority's to read" test "$(attribute /dev/gpiochip0)" = "root:lenscap 640"

say "a probe in the place of lenscapd"
keyboard=$(input "AT Translated")
chmod 0666 /dev/lenscap/loose /dev/snd/pcm*c "$raw" /dev/vda /dev/uhid \
    /sys/module/usbcore/parameters/autosuspend
check "a visitor could open what is open to everybody" runuser -u visitor -- sh -c ': </dev/lenscap/loose'
plug_usb front --camera
replace_program lenscapd.service "ExecStart=/usr/lib/appliance/probe $(usb_folder front) $loose $key $keyboard" \
    "Restart=no" "WatchdogSec=0" "StandardOutput=append:/run/probe-lenscapd" \
    "StandardError=append:/out/probe-lenscapd.errors"
systemctl start lenscapd.service
finished() { grep -qx finished /run/probe-lenscapd; }
press() {
    until finished; do
        move_input key 1
        move_input line 3 0
        sleep 0.5
        move_input key 0
        move_input line 3 1
        sleep 0.5
    done
}
export -f press finished move_input
check "the probe ends" timeout 120 bash -c press
expect lenscapd \
    "can light the lamp" \
    "can authorise a gated device and withdraw it" \
    "can keep the gate closed" \
    "can see a press and an edge"
check "it is not refused these for want of trying" test "$(grep -c '^cannot ' /run/probe-lenscapd)" = 14
wait_until 20 refused systemctl is-active lenscapd.service
unplug_usb front

# --- Authority and recorder, as systemd sees them. ---

trace=/run/trace
# begin RECORDER-OPTION: an authority, and a recorder by its connection.
begin() {
    replace_program lenscapd.service "ExecStart=/usr/lib/appliance/stand-in authority" "StandardError=append:$trace"
    replace_program lenscap-recorder@.service "ExecStart=/usr/lib/appliance/stand-in recorder $1" \
        "StandardError=append:$trace"
    systemctl stop lenscapd.service
    : >$trace
    touch /run/recording
    systemctl start lenscapd.service
    wait_until 60 grep -qx "recorder starts" $trace
    rm /run/recording
    authority=$(property lenscapd.service MainPID)
    recorder=$(property 'lenscap-recorder@*.service' MainPID)
}
gone() { [[ ! -d /proc/$1 ]]; }
traced() { diff <(printf '%s\n' "$@") $trace; }
# timed WHAT COMMAND…: succeeds within 20 s; how long it took goes into the log.
timed() {
    local what=$1 time
    shift
    time=$(milliseconds "$(now)" "$@") || return 1
    say "$what after $time ms" >>/out/timing
}
restarted() { grep -c "authority starts" $trace | grep -qx 2; }
systemctl start lenscap-recorder.socket

begin ""
kill -KILL "$authority"
check "a recorder ends when its authority is killed" timed "recorder of a killed authority gone" gone "$recorder"
check "the authority is started again" wait_until 30 restarted
check "first the old recorder is asked and ends, then the authority starts again; no recorder does" \
    traced "authority starts" "recorder starts" "recorder is asked to end" "recorder ends" "authority starts"

begin stubborn
kill -KILL "$authority"
check "a recorder that does not want to end is killed" \
    timed "stubborn recorder of a killed authority gone" gone "$recorder"
check "the authority starts again only then" wait_until 30 restarted
check "so it never meets an old recorder" \
    traced "authority starts" "recorder starts" "recorder is asked to end" "authority starts"

begin ""
kill -STOP "$recorder"
kill -KILL "$authority"
check "a suspended recorder ends when its authority is killed" \
    timed "suspended recorder of a killed authority gone" gone "$recorder"
wait_until 30 restarted

begin ""
systemctl stop lenscapd.service
check "stopping lenscapd ends the recorder before the authority is asked to end" \
    traced "authority starts" "recorder starts" "recorder is asked to end" "recorder ends" \
    "authority is asked to end" "authority ends"

begin ""
kill -STOP "$recorder"
check "the watchdog kills a suspended recorder" timed "suspended recorder gone" gone "$recorder"
check "its authority lives on" test "$(property lenscapd.service MainPID)" = "$authority"

begin ""
kill -STOP "$authority"
check "the watchdog kills a suspended authority" timed "suspended authority gone" gone "$authority"
check "and with it ends its recorder" timed "then its recorder gone" gone "$recorder"
wait_until 30 restarted

# --- The virtual USB device under the real drivers, beside the gate. ---

unplug_usb loose
# film NAME WIDTH HEIGHT FORMAT RATE COUNT DEVICE-OPTION…: pictures of a device of its own, into /out/NAME.
film() {
    local name=$1 width=$2 height=$3 format=$4 rate=$5 count=$6
    shift 6
    plug_usb loose --port 30 --size "${width}x$height" --rate "$rate" "$@" || return 1
    wait_until 20 test -e /dev/lenscap/loose || return 1
    timeout 60 v4l2-ctl -d /dev/lenscap/loose --set-fmt-video "width=$width,height=$height,pixelformat=$format" \
        --stream-mmap --stream-count "$count" --stream-to "/out/$name" --verbose >"/out/$name.frames" 2>&1 || return 1
    # Taken back after the last picture, as the device saw it.
    wait_until 10 usb_said loose "video streaming-off" || return 1
    mv /out/loose.usb "/out/$name.usb"
    unplug_usb loose
}
check "YUYV over a bulk endpoint" film yuyv-bulk 640 360 YUYV 15 45
check "MJPEG over a bulk endpoint" film mjpeg-bulk 1280 720 MJPG 30 90 --jpeg-bytes 100000
check "YUYV over an isochronous endpoint" film yuyv-isochronous 640 360 YUYV 15 45 --isochronous
check "MJPEG over an isochronous endpoint" film mjpeg-isochronous 1280 720 MJPG 30 90 --isochronous \
    --format mjpeg

# listen NAME CHANNELS SECONDS DEVICE-OPTION…
listen() {
    local name=$1 channels=$2 seconds=$3
    shift 3
    plug_usb loose --port 30 --microphone --channels "$channels" "$@" || return 1
    wait_until 20 test -e /proc/asound/loose || return 1
    timeout 60 arecord -q -D hw:loose -f S16_LE -r 48000 -c "$channels" -d "$seconds" "/out/$name.wav" || return 1
    mv /out/loose.usb "/out/$name.usb"
    unplug_usb loose
}
check "a microphone of one channel" listen mono 1 6
check "a microphone of two channels with a fast clock" listen stereo 2 6 --ppm 10000
check "a microphone beside a camera" listen beside 1 3 --camera

plug_usb loose --port 30 --format yuyv --size 640x360 --rate 15
wait_until 20 test -e /dev/lenscap/loose
v4l2-ctl -d /dev/lenscap/loose --stream-mmap --stream-to /run/frozen.yuv >/dev/null 2>&1 &
viewer=$!
size() { stat -c %s /run/frozen.yuv; }
grown() { (($(size) > $1)); }
check "pictures come" wait_until 20 grown 460800
signal_usb loose USR1
wait_until 10 usb_said loose frozen
sleep 1
before=$(size)
sleep 3
check "a frozen camera sends none" test "$(size)" = "$before"
check "its reader waits" kill -0 "$viewer"
signal_usb loose USR2
check "once resumed it sends them again" wait_until 20 grown $((before + 460800))
signal_usb loose USR1
wait_until 10 usb_said loose frozen
kill "$viewer"
check "a frozen camera can be closed" wait_until 20 gone "$viewer"
unplug_usb loose

plug_usb loose --port 30 --format yuyv --size 640x360 --rate 15 --unplug-after 30
wait_until 20 test -e /dev/lenscap/loose
timeout 60 v4l2-ctl -d /dev/lenscap/loose --stream-mmap --stream-to /out/pulled-out --verbose \
    >/out/pulled-out.frames 2>&1 || true
check "a camera that is pulled out ends its reader" wait_until 20 refused pidof v4l2-ctl
check "and has no node" wait_until 20 refused test -e /dev/lenscap/loose
cp /run/probe-lenscapd /out/
cat /out/timing
