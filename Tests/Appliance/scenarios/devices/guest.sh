#!/bin/bash
source /in/guest/library.sh

FOLDER=/var/lib/lenscap/spool/stand-in

# The stand-in recorder: frames and sound with ordinary tools, into the folder $1, under the name $2.
cat >/usr/lib/appliance/record <<'SCRIPT'
#!/bin/bash
set -eu
arecord -q -D hw:Loopback,1 -f S16_LE -r 48000 -c 2 -d 10 "$1/$2.wav" &
sound=$!
v4l2-ctl -d /dev/lenscap/front --set-fmt-video width=640,height=360,pixelformat=YUYV --set-parm 15
v4l2-ctl -d /dev/lenscap/front --stream-mmap --stream-count 150 --stream-to "$1/$2.yuv" --verbose >"$1/$2.frames" 2>&1
wait "$sound"
touch "$1/$2.done"
# As long as its connection, like the real one.
[[ -z ${LISTEN_FDS:-} ]] || cat <&3
SCRIPT
chmod 0755 /usr/lib/appliance/record

cannot_replace() {
    refused runuser -u lenscap-recorder -- rm -f "$1" && refused runuser -u lenscap-recorder -- mv "$1" "$1.moved"
}

install_rules_and_accounts
install_units
plug_camera
plug_microphone /in/tone.raw

check "the camera belongs to lenscap-devices alone" \
    test "$(stat -L -c '%U:%G %a' /dev/lenscap/front)" = "root:lenscap-devices 660"
check "the microphone belongs to lenscap-devices alone" \
    test "$(stat -L -c '%U:%G %a' /dev/lenscap/desk)" = "root:lenscap-devices 660"
udevadm info /dev/lenscap/front /dev/lenscap/desk >/out/devices.txt
check "nobody at the seat is given the camera or the microphone" \
    refused grep -E '^E: CURRENT_TAGS=.*:uaccess:' /out/devices.txt
check "udev did not open the camera to ask its name" refused grep ID_V4L_ /out/devices.txt
for person in visitor teacher lenscap lenscap-uploader; do
    check "$person cannot open the camera" refused runuser -u "$person" -- sh -c ': </dev/lenscap/front'
done
check "the recorder can open the camera" runuser -u lenscap-recorder -- sh -c ': </dev/lenscap/front'
check "nobody holds the camera or the microphone" untouched /dev/lenscap/front /dev/lenscap/desk

say "recording as root, without a sandbox"
/usr/lib/appliance/record /tmp plain
mv /tmp/plain.* /out/

say "recording in the sandbox of lenscap-recorder@.service, started by a connection to its socket"
replace_program lenscap-recorder@.service "ExecStart=/usr/lib/appliance/record $FOLDER sandbox" \
    "WatchdogSec=0"
idle_authority
install -d -o lenscap -g lenscap-recorder -m 1775 "$FOLDER"
install -o lenscap -g lenscap -m 0644 /dev/null "$FOLDER/token.jws"
install -o lenscap -g lenscap -m 0600 /dev/null /var/lib/lenscap/key/box.pem
systemctl start lenscap-recorder.socket
check "the recorder's socket is the authority's alone" \
    test "$(stat -c '%U:%G %a' /run/lenscap/recorder.sock)" = "lenscap:lenscap 600"
cat >/usr/lib/appliance/connect <<'SCRIPT'
import socket, sys
connection = socket.socket(socket.AF_UNIX)
connection.connect("/run/lenscap/recorder.sock")
connection.settimeout(float(sys.argv[1]))
raise SystemExit(connection.recv(1) != b"")
SCRIPT
as_authority=(setpriv --reuid lenscap --regid lenscap --clear-groups)
"${as_authority[@]}" python3 /usr/lib/appliance/connect 600 &
authority=$!
check "a connection of the authority starts a recorder" wait_until 30 pidof v4l2-ctl
streaming() { [[ $(holders /dev/lenscap/front) == "$(pidof v4l2-ctl)" ]]; }
check "the camera is open in the recorder alone" wait_until 10 streaming
recorder=$(property 'lenscap-recorder@*.service' MainPID)
check "it runs as lenscap-recorder" test "$(user_of "$recorder")" = lenscap-recorder
check "it has no network" without_network "$recorder"
check "it holds no capability" grep -qx $'CapEff:\t0000000000000000' "/proc/$recorder/status"
check "it can gain no privilege" grep -qx $'NoNewPrivs:\t1' "/proc/$recorder/status"
check "its system calls are filtered" grep -qx $'Seccomp:\t2' "/proc/$recorder/status"
check "the authority's key folder is closed to it" refused nsenter -t "$recorder" -m test -e /var/lib/lenscap/key/box.pem
check "a second connection is closed at once" "${as_authority[@]}" python3 /usr/lib/appliance/connect 30
check "it got no second recorder" test "$(property 'lenscap-recorder@*.service' MainPID)" = "$recorder"
check "the recording in the sandbox ends" wait_until 60 test -e "$FOLDER/sandbox.done"
kill "$authority"
check "the recorder ends with its connection" wait_until 20 refused test -d "/proc/$recorder"
check "the camera is closed afterwards" wait_until 10 untouched /dev/lenscap/front
check "a recorder cannot remove or replace the authority's files" cannot_replace "$FOLDER/token.jws"
check "the uploader can read what the recorder wrote" \
    runuser -u lenscap-uploader -- cat "$FOLDER/sandbox.frames"
check "the uploader cannot add to the spool" \
    refused runuser -u lenscap-uploader -- touch "$FOLDER/x" /var/lib/lenscap/spool/x
check "a visitor cannot look into the spool" refused runuser -u visitor -- ls /var/lib/lenscap/spool
cp "$FOLDER"/sandbox.* /out/
