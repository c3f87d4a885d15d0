#!/bin/bash
source /in/guest/library.sh
source /in/guest/school.sh

SECONDS_OF_LESSON=24

install_box
plug_camera
plug_microphone /in/tone.raw
lamp=$(plug_lamp)
plug_stop_inputs

start_units
check "the first start makes the box key" wait_until 60 test -s /var/lib/lenscap/key/box.pem
check "the box key is the authority's alone" \
    test "$(stat -c '%U %a' /var/lib/lenscap/key/box.pem)" = "lenscap 600"
say "enrolling"
enrol --camera front --microphone desk
check "the school, the box and the teacher are enrolled" test -s /etc/lenscap/trust/room.json
check "an empty room is idle" wait_until 30 says idle
check "nobody holds camera or microphone before the start" untouched /dev/lenscap/front /dev/lenscap/desk
check "a visitor cannot reach the teacher's socket" refused as visitor lenscap stop

start_lesson --camera front --microphone desk --duration 120
check "the box says that it records" wait_until 60 says recording
began=$EPOCHREALTIME
in_use() { [[ -n $(holders /dev/lenscap/front) && -n $(holders /dev/lenscap/desk) ]]; }
check "camera and microphone are open now" wait_until 10 in_use
lit() { [[ $(<"/sys/class/leds/$lamp/brightness") != 0 ]]; }
check "the lamp is lit" lit

recorder=$(holders /dev/lenscap/front)
authority=$(property lenscapd.service MainPID)
check "one process holds the camera" test "$(wc -w <<<"$recorder")" = 1
check "the same process holds the microphone" test "$(holders /dev/lenscap/desk)" = "$recorder"
ps -eo user:20,pid,comm,args | grep '[l]enscap' >/out/processes.txt
check "it is lenscap-recorder, running as lenscap-recorder" \
    test "$(user_of "$recorder") $(ps -o comm= -p "$recorder")" = "lenscap-recorder lenscap-recorde"
check "systemd watches that it lives, and binds it to the authority" \
    test "$(property "lenscap-recorder@*.service" WatchdogUSec) $(property "lenscap-recorder@*.service" BindsTo)" = \
    "2s lenscapd.service"
check "the authority is another process of another user" \
    test "$(user_of "$authority") $authority" != "lenscap-recorder $recorder"
check "the authority runs as lenscap" test "$(user_of "$authority")" = lenscap
check "the recorder has no network" without_network "$recorder"
check "the authority has no network" without_network "$authority"
check "the recorder holds no capability" grep -qx $'CapEff:\t0000000000000000' "/proc/$recorder/status"

sleep "$SECONDS_OF_LESSON"
check "it still records" says recording
ended=$EPOCHREALTIME
check "the teacher can stop" stop_lesson
check "the devices are closed when stop returns" untouched /dev/lenscap/front /dev/lenscap/desk
echo "$ended $began" | awk '{ printf "%.2f\n", $1 - $2 }' >/out/seconds
check "the lamp is dark" wait_until 10 refused lit
check "the recorder ends" wait_until 30 refused test -d "/proc/$recorder"

check "the recording reaches the account, its log last" wait_until 180 delivered
kept() { ls /var/lib/lenscap/spool | grep -v '\.deleted$'; }
check "the box keeps nothing that was delivered" wait_until 60 refused kept
check "nobody holds camera or microphone at the end" untouched /dev/lenscap/front /dev/lenscap/desk

hand_over
log_is_sound() { as auditor lenscap log --verify --tokens "$ACCOUNT"/*/*/token.jws-* >/out/log.txt; }
check "the auditor finds the activation log sound and the token behind its session" log_is_sound
check "the log tells of one session" grep -q " 1 sessions" /out/log.txt
# Each group reaches its own socket and no other.
check "the technician cannot read the log" refused as technician lenscap log
check "the technician cannot reach the teacher's socket" refused as technician lenscap stop
check "the teacher cannot read the status" refused as teacher lenscap status
check "the teacher cannot read the log" refused as teacher lenscap log
check "the auditor cannot reach the teacher's socket" refused as auditor lenscap stop
check "the auditor cannot read the status" refused as auditor lenscap status
check "a visitor cannot read the status" refused as visitor lenscap status
check "a visitor cannot read the log" refused as visitor lenscap log

systemctl list-units --all --no-legend 'lenscap*' >/out/units.txt
restarts() { journalctl --boot --unit lenscapd.service --unit 'lenscap-recorder@*' | grep -E 'Watchdog|Main process exited|restart job'; }
check "no watchdog bit, nothing had to be started again" refused restarts
check "no unit failed" test -z "$(systemctl list-units --failed --no-legend 'lenscap*')"
