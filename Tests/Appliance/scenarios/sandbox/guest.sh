#!/bin/bash
source /in/guest/library.sh

FOLDER=/var/lib/lenscap/spool/probed

install_rules_and_accounts
install_units
plug_camera
head -c 192000 /dev/zero >/run/silence.raw
plug_microphone /run/silence.raw
ip link add eth0 type dummy

install -o lenscap -m 0600 <(echo secret) /var/lib/lenscap/key/box.pem
install -d -o lenscap -g lenscap-recorder -m 1775 "$FOLDER"
install -o lenscap -g lenscap -m 0644 <(echo token) "$FOLDER/token.jws"
install -o lenscap-recorder -g lenscap-recorder -m 0644 <(echo sealed) "$FOLDER/object"
chmod 0755 /home/teacher
usermod --append --groups lenscap-teacher teacher

install -m 0755 -t /usr/lib/appliance /in/scenario/probe /in/guest/probe.sh
probes() {
    replace_program "$1.service" "ExecStart=/usr/lib/appliance/probe $FOLDER" "Restart=no" "WatchdogSec=0" \
        "StandardOutput=append:/run/probe-$1"
}
for unit in lenscapd lenscap-recorder@ lenscap-uploader; do
    probes "$unit"
done

# connect PERSON SOCKET: the person connects and closes again.
connect() {
    runuser -u "$1" -- python3 -c 'import socket, sys
socket.socket(socket.AF_UNIX).connect(sys.argv[1])' "$2"
}
finished() { [[ -e /run/probe-$1 ]] && grep -qx finished "/run/probe-$1"; }

systemctl start lenscapd-teacher.socket lenscapd-status.socket lenscapd-audit.socket lenscap-recorder.socket
for socket in teacher status audit; do
    check "$socket.sock is for its group" \
        test "$(stat -c '%U:%G %a' "/run/lenscap/$socket.sock")" = "root:lenscap-$socket 660"
done
check "a visitor cannot connect to the teacher's socket" refused connect visitor /run/lenscap/teacher.sock
check "a teacher cannot connect to the auditor's socket" refused connect teacher /run/lenscap/audit.sock
check "a teacher cannot connect to the recorder's socket" refused connect teacher /run/lenscap/recorder.sock
check "none of that started the authority" test ! -e /run/probe-lenscapd
check "a teacher in lenscap-teacher can connect" connect teacher /run/lenscap/teacher.sock
check "that starts the authority" wait_until 60 finished lenscapd
expect lenscapd \
    "is lenscap" \
    "sockets audit status teacher" \
    "can read the box key" \
    "can write the key folder" \
    "can read the activation log" \
    "can write the activation log" \
    "can list the spool" \
    "can add to the spool" \
    "can read a sealed file" \
    "can add to a recording" \
    "can delete the authority's files" \
    "can read the outbox" \
    "can hold the recorder's lock" \
    "can reach the recorder's socket" \
    "can hand a folder to the recorder's group" \
    "can ask whether the clock is synchronised" \
    "can read the boot id" \
    "can lock its memory"
mv "$FOLDER/token.gone" "$FOLDER/token.jws" || true

idle_authority
check "the authority can connect to the recorder's socket" connect lenscap /run/lenscap/recorder.sock
check "that starts a recorder" wait_until 60 finished lenscap-recorder@
expect lenscap-recorder@ \
    "is lenscap-recorder" \
    "sockets connection" \
    "can open a camera" \
    "can open a microphone" \
    "can list the spool" \
    "can read a sealed file" \
    "can add to a recording" \
    "can hold the recorder's lock" \
    "can ask for real-time scheduling" \
    "can lock its memory"

systemctl stop lenscapd.service
probes lenscapd

systemctl start lenscap-uploader.path
check "nothing has woken the uploader yet" test ! -e /run/probe-lenscap-uploader
install -d -o lenscap -g lenscap-recorder -m 1775 /var/lib/lenscap/spool/another
check "a new recording wakes the uploader" wait_until 60 finished lenscap-uploader
expect lenscap-uploader \
    "is lenscap-uploader" \
    "can open a network socket" \
    "can see a network device" \
    "can list the spool" \
    "can read a sealed file" \
    "can read the outbox" \
    "can write the outbox" \
    "can add to /run/lenscap"

systemctl start lenscapd-acknowledged.path
wait_until 20 refused systemctl is-active lenscapd.service
: >/run/probe-lenscapd
(umask 027 && runuser -u lenscap-uploader -- sh -c 'echo line >>/var/lib/lenscap/outbox/acknowledged')
check "an acknowledgement wakes the authority" wait_until 60 finished lenscapd
check "the authority can read the acknowledgements" runuser -u lenscap -- cat /var/lib/lenscap/outbox/acknowledged
check "no unit failed" test -z "$(systemctl list-units --failed --no-legend 'lenscap*')"
cp /run/probe-* /out/
