#!/bin/bash
source /in/guest/library.sh
source /in/guest/school.sh

SECONDS_OF_LESSON=$(</in/seconds)

install_box
plug_microphone /in/beeps.raw
lamp=$(plug_lamp)
plug_stop_inputs
# Hundred thousandths of the length of a second, on both sides of the loopback: 500 millionths slow.
shift_rate() { amixer -q -c Loopback cset iface=PCM,name='PCM Rate Shift 100000',device="$1" 100050; }
check "the sound card's clock is off" shift_rate 0
check "on both sides" shift_rate 1

start_units
wait_until 60 test -s /var/lib/lenscap/key/box.pem
enrol --camera front --microphone desk
start_lesson --camera front --microphone desk --duration $((SECONDS_OF_LESSON + 60))
check "the box records" wait_until 60 says recording
sleep "$SECONDS_OF_LESSON"
state >/out/status.json
check "the teacher can stop" stop_lesson
check "the recording reaches the account" wait_until 180 delivered
hand_over
