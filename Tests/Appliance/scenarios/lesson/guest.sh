#!/bin/bash
source /in/guest/library.sh

SECONDS_OF_LESSON=24
ACCOUNT=/srv/lenscap/account

# --- The command line. Everything that knows its spelling is in this part. ---

as() {
    local person=$1
    shift
    runuser -u "$person" -- env HOME="/home/$person" "$@"
}

# The school's one authority, the box and one teacher. Papers go from hand to hand as copies.
enrol() {
    local key=/home/registrar/registrar.pem desk=/home/registrar/desk agreement=/etc/lenscap/agreement.en.md
    lenscap box show >/run/box.jwk
    as registrar mkdir -p "$desk/cards"
    as registrar lenscap key new --output "$key"
    as registrar lenscap trust make --member "registrar=$key" --threshold 1 --output "$desk/authorities.json"
    as registrar lenscap trust approve --key "$key" "$desk/authorities.json"
    as registrar lenscap room make --box /run/box.jwk --room "Room 1" --camera front --microphone desk \
        --indicator "$lamp" --stop "key:Appliance key:128" --authorities "$desk/authorities.json" --agreement "$agreement" --hold 0 --output "$desk/room.json"
    as registrar lenscap room approve --key "$key" "$desk/room.json"

    as teacher lenscap key new
    as teacher lenscap card make --account "file://$ACCOUNT" --agreement "$agreement" --trained 2026-01-01 \
        --expires 2099-12-31 --output /home/teacher/card.json --yes
    install -o registrar /home/teacher/card.json "$desk/cards/teacher.json"
    as registrar lenscap card approve --key "$key" "$desk/cards/teacher.json"

    lenscap trust import "$desk"
    install -o teacher -t /home/teacher "$desk/authorities.json" "$desk/room.json"
    as teacher lenscap room import --authorities /home/teacher/authorities.json /home/teacher/room.json
}

start_lesson() {
    as teacher lenscap start --camera front --microphone desk --duration 120 --purpose reflection \
        --sign-with "lenscap sign --yes" >/out/start.log 2>&1 &
}

stop_lesson() {
    as teacher lenscap stop
}

state() {
    as technician lenscap status --json
}

# says WORD: the box's own state.
says() { state | grep -q "\"state\" *: *\"$1\""; }

TEACHER_IDENTITY=/home/teacher/.config/lenscap/identity.txt

# --- The lesson. ---

install_rules_and_accounts
install_units
install_programs
install -D -m 0644 /in/scenario/lenscap.toml /etc/lenscap/lenscap.toml
install -D -m 0644 /in/scenario/agreement.en.md /etc/lenscap/agreement.en.md
usermod --append --groups lenscap-teacher teacher
usermod --append --groups lenscap-status technician
usermod --append --groups lenscap-audit auditor
plug_camera
plug_microphone /in/tone.raw
lamp=$(plug_lamp)
plug_stop_inputs

install -d -o lenscap-uploader -g lenscap-uploader -m 0750 "$ACCOUNT"
install -o lenscap-uploader -m 0640 /dev/null "$ACCOUNT/.lenscap-account"
mkdir -p /etc/systemd/system/lenscap-uploader.service.d
cp /in/systemd/examples/lenscap-uploader-directory.conf /etc/systemd/system/lenscap-uploader.service.d/
systemctl daemon-reload

start_units
check "the first start makes the box key" wait_until 60 test -s /var/lib/lenscap/key/box.pem
check "the box key is the authority's alone" \
    test "$(stat -c '%U %a' /var/lib/lenscap/key/box.pem)" = "lenscap 600"
say "enrolling"
enrol
check "the school, the box and the teacher are enrolled" test -s /etc/lenscap/trust/room.json
check "an empty room is idle" wait_until 30 says idle
check "nobody holds camera or microphone before the start" untouched /dev/lenscap/front /dev/lenscap/desk
check "a visitor cannot reach the teacher's socket" refused as visitor lenscap stop

start_lesson
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

delivered() { compgen -G "$ACCOUNT/*/*/log-*"; }
check "the recording reaches the account, its log last" wait_until 180 delivered
kept() { ls /var/lib/lenscap/spool | grep -v '\.deleted$'; }
check "the box keeps nothing that was delivered" wait_until 60 refused kept
check "nobody holds camera or microphone at the end" untouched /dev/lenscap/front /dev/lenscap/desk

log_is_sound() { as auditor lenscap log --verify --tokens "$ACCOUNT"/*/*/token.jws-* >/out/log.txt; }
chmod -R a+rX "$ACCOUNT"
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

cp -r "$ACCOUNT" /out/account
cp "$TEACHER_IDENTITY" /out/identity.txt
systemctl list-units --all --no-legend 'lenscap*' >/out/units.txt
restarts() { journalctl --boot --unit lenscapd.service --unit 'lenscap-recorder@*' | grep -E 'Watchdog|Main process exited|restart job'; }
check "no watchdog bit, nothing had to be started again" refused restarts
check "no unit failed" test -z "$(systemctl list-units --failed --no-legend 'lenscap*')"
