/// What a session needs of the room besides cameras and microphones.
package struct RoomHardware {
    package let lamp: any Lamp
    package let gate: any DeviceGate
    package let stopInputs: any StopInputs

    package init(lamp: any Lamp, gate: any DeviceGate, stopInputs: any StopInputs) {
        self.lamp = lamp
        self.gate = gate
        self.stopInputs = stopInputs
    }
}
