import Authority
import Consent
import Glibc
import LinuxSystem
import Testing

extension EndToEndTests {
    @Suite struct Hardware {
        /// A record with lamp, button and a camera bound to its socket.
        private func furnish(_ record: inout RoomRecord) {
            record.indicator = RoomRecord.Indicator(led: Furniture.lamp, isSensed: false)
            record.stopInputs = [
                RoomRecord.StopInput(kind: .key, device: Furniture.button, code: 167)
            ]
            let device = RoomRecord.USBDevice(
                port: Furniture.port,
                vendor: "046d",
                product: "0825",
                serial: Furniture.serial
            )
            record.sources[1] = RoomRecord.Source(name: "front", kind: .camera, device: device)
        }

        private func withFurniture(
            _ body: (Classroom, School, Furniture) throws -> Void
        ) throws {
            try withClassroom { room in
                let furniture = try Furniture(room)
                try room.startAuthority()
                let school = try School(room) { self.furnish(&$0) }
                try body(room, school, furniture)
            }
        }

        private func refusal(_ room: Classroom) throws -> Outcome {
            try room.lenscap("start", "--detach", "--yes")
        }

        @Test("In a lesson the lamp is lit and the camera authorised, before and after neither")
        func lesson() throws {
            try withFurniture { room, _, furniture in
                #expect(!furniture.isLit && !furniture.isAuthorized)
                try room.startLesson()
                try room.waitForCommitted(2)
                #expect(furniture.isLit && furniture.isAuthorized)
                #expect(try room.health().lamp == "driven")
                try room.stopLesson()
                #expect(!furniture.isLit && !furniture.isAuthorized)
                #expect(try room.health().lamp == "dark")
            }
        }

        @Test(
            "A lamp that goes out, or that something else takes, ends the lesson",
            arguments: [0, 1]
        )
        func lampFails(how: Int) throws {
            try withFurniture { room, _, furniture in
                let recording = try room.startLesson()
                if how == 0 { try furniture.switchLampOff() } else { try furniture.breakLamp() }
                try eventually("the end") { try room.ending(recording) }
                #expect(try room.ending(recording) == "lamp")
                try room.waitForIdle()
                #expect(!furniture.isAuthorized)
                #expect(try room.health().problems.contains { $0.code == "indicator" })
            }
        }

        @Test("Without its lamp nothing starts, and the teacher is told why")
        func noLamp() throws {
            try withFurniture { room, _, furniture in
                try furniture.removeLamp()
                let outcome = try self.refusal(room)
                #expect(outcome.code != 0)
                #expect(outcome.errors.contains("there is no LED"))
                #expect(!furniture.isAuthorized)
            }
        }

        @Test("A lamp that is said to be sensed needs an input that senses it")
        func notSensed() throws {
            try withFurniture { room, school, furniture in
                try school.install { record in
                    record.indicator = RoomRecord.Indicator(led: Furniture.lamp, isSensed: true)
                    record.sequence = 2
                }
                let outcome = try self.refusal(room)
                #expect(outcome.code != 0)
                #expect(outcome.errors.contains("no input that senses it"))
                #expect(!furniture.isLit && !furniture.isAuthorized)
            }
        }

        @Test("The button ends the lesson for its own reason, and another key does not")
        func button() throws {
            try withFurniture { room, _, furniture in
                let recording = try room.startLesson()
                try furniture.pressButton(30)
                try room.waitForCommitted(2)
                try furniture.pressButton()
                try room.waitForIdle()
                #expect(try room.ending(recording) == "key")
                #expect(!furniture.isLit && !furniture.isAuthorized)
            }
        }

        @Test("A missing button refuses the start")
        func noButton() throws {
            try withFurniture { room, _, furniture in
                try Tool.succeed("rm", ["\(room.root)/dev/input/event0"])
                let outcome = try self.refusal(room)
                #expect(outcome.code != 0)
                #expect(outcome.errors.contains("[stop-input]"))
                #expect(!furniture.isLit && !furniture.isAuthorized)
            }
        }

        @Test("Another camera in the socket stays out and is named; the right one is let in again")
        func stranger() throws {
            try withFurniture { room, _, furniture in
                try furniture.plugIn(serial: "B0002")
                let outcome = try self.refusal(room)
                #expect(outcome.code != 0)
                #expect(outcome.errors.contains("B0002"))
                #expect(!furniture.isLit && !furniture.isAuthorized)
                try furniture.plugIn(serial: Furniture.serial)
                try room.startLesson()
                #expect(furniture.isAuthorized)
                // Pulled and put back: unauthorised at first.
                try furniture.plugIn(serial: Furniture.serial)
                try eventually("the camera's return") { furniture.isAuthorized }
                try furniture.plugIn(serial: "B0002")
                try room.waitForCommitted(4)
                #expect(!furniture.isAuthorized)
                #expect(try room.health().problems.contains { $0.message.contains("B0002") })
                try room.stopLesson()
            }
        }

        @Test("After the authority's death the lamp stays lit until a new one has put all in order")
        func authorityDies() throws {
            try withClassroom { room in
                let furniture = try Furniture(room)
                let authority = try room.startAuthority()
                _ = try School(room) { self.furnish(&$0) }
                try room.startLesson()
                authority.signal(SIGKILL)
                try eventually("the recorder's end") { try room.isRecorderLockFree() }
                #expect(furniture.isLit && furniture.isAuthorized)
                try room.startAuthority()
                try eventually("order") { !furniture.isLit && !furniture.isAuthorized }
                try room.startLesson()
                #expect(furniture.isLit && furniture.isAuthorized)
                try room.stopLesson()
            }
        }
    }
}
