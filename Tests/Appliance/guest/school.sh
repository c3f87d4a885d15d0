# A school for scenarios that record: its people, its papers, and the commands they use. Sourced after library.sh, it
# is the one place that knows how the commands are spelled.
# shellcheck shell=bash

ACCOUNT=/srv/lenscap/account
TEACHER_IDENTITY=/home/teacher/.config/lenscap/identity.txt

as() {
    local person=$1
    shift
    runuser -u "$person" -- env HOME="/home/$person" "$@"
}

# install_box: programs, units, rules and the scenario's lenscap.toml, people in their groups, and an account. Does not
# start anything.
install_box() {
    install_rules_and_accounts
    install_units
    install_programs
    install -D -m 0644 /in/scenario/lenscap.toml /etc/lenscap/lenscap.toml
    echo "I record my own lessons, for myself." >/etc/lenscap/agreement.en.md
    usermod --append --groups lenscap-teacher teacher
    usermod --append --groups lenscap-status technician
    usermod --append --groups lenscap-audit auditor
    install -d -o lenscap-uploader -g lenscap-uploader -m 0750 "$ACCOUNT"
    install -o lenscap-uploader -m 0640 /dev/null "$ACCOUNT/.lenscap-account"
    mkdir -p /etc/systemd/system/lenscap-uploader.service.d
    cp /in/systemd/examples/lenscap-uploader-directory.conf /etc/systemd/system/lenscap-uploader.service.d/
    systemctl daemon-reload
}

# enrol SOURCE-OPTION…: the school's one authority, the box with lamp $lamp and the appliance's stop key, and one
# teacher. Papers go from hand to hand as copies. HOLD: how many seconds a recording stays in the box, 0 unless told.
enrol() {
    local key=/home/registrar/registrar.pem desk=/home/registrar/desk agreement=/etc/lenscap/agreement.en.md
    lenscap box show >/run/box.jwk
    as registrar mkdir -p "$desk/cards"
    as registrar lenscap key new --output "$key"
    as registrar lenscap trust make --member "registrar=$key" --threshold 1 --output "$desk/authorities.json"
    as registrar lenscap trust approve --key "$key" "$desk/authorities.json"
    as registrar lenscap room make --box /run/box.jwk --room "Room 1" "$@" \
        --indicator "$lamp" --stop "key:Appliance key:128" --authorities "$desk/authorities.json" \
        --agreement "$agreement" --hold "${HOLD:-0}" --output "$desk/room.json"
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

# start_lesson OPTION…: in the background, until it is stopped.
start_lesson() {
    as teacher lenscap start "$@" --purpose reflection --sign-with "lenscap sign --yes" >/out/start.log 2>&1 &
}

stop_lesson() {
    as teacher lenscap stop
}

state() {
    as technician lenscap status --json
}

# says WORD: the box's own state.
says() { state | grep -q "\"state\" *: *\"$1\""; }

delivered() { compgen -G "$ACCOUNT/*/*/log-*"; }

# hand_over: what the account holds, and the teacher's key to it, for the host to judge.
hand_over() {
    chmod -R a+rX "$ACCOUNT"
    cp -r "$ACCOUNT" /out/account
    cp "$TEACHER_IDENTITY" /out/identity.txt
}
