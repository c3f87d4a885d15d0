import Authority
import Testing

/// Walks every sequence of events and holds the machine to its promises.
@Suite struct SessionMachineTests {
    private static let events: [SessionMachine.Event] = [
        .verified(sources: ["desk", "front"]), .prepared, .prepareFailed, .stopsArmed,
        .stopsFailed, .lampLit, .lampFailed, .gateOpened, .gateFailed, .launchFailed,
        .sourceOpened("desk"), .sourceOpened("front"), .stop(.stopped), .stop(.key),
        .devicesClosed, .recorderFailed, .recorderGone, .stopOverdue, .gateClosed, .lampDark,
        .sealed,
    ]

    /// The world beside the machine: what its actions have set going and its events have told.
    ///
    /// It is not trusting: a device may be open from the launch until the recorder is gone or has
    /// said otherwise, USB from the moment it is asked for until it is known to be withdrawn, and
    /// the lamp may be dark from the moment that is asked for.
    private struct World: Hashable {
        var isVerified = false
        var areStopsArmed = false
        var isLampLit = false
        var mayHaveUSB = false
        var isUSBAuthorised = false
        var mayHaveOpenDevices = false
        var mayHaveRecorder = false
        var isAborted = false
        var hasRecords = false
        var isSealing = false

        mutating func see(_ event: SessionMachine.Event, in state: SessionMachine.State) {
            switch event {
            case .verified where state == .idle: isVerified = true
            case .prepared:
                if case .preparing = state { hasRecords = true }
            case .stopsArmed where state == .arming: areStopsArmed = true
            case .lampLit where state == .lighting: isLampLit = true
            case .gateOpened where state == .openingGate: isUSBAuthorised = true
            case .gateClosed:
                // Whatever was asked for before has been withdrawn.
                if case .closing = state { (mayHaveUSB, isUSBAuthorised) = (false, false) }
            case .devicesClosed: mayHaveOpenDevices = false
            case .recorderGone: (mayHaveOpenDevices, mayHaveRecorder) = (false, false)
            default: break
            }
        }

        mutating func perform(_ action: SessionMachine.Action) -> String? {
            switch action {
            case .prepareRecords: return isVerified ? nil : "records without a verified start"
            case .armStops: return hasRecords ? nil : "stop inputs before the records"
            case .lightLamp:
                return areStopsArmed && hasRecords ? nil : "lamp before stop inputs or records"
            case .openGate:
                mayHaveUSB = true
                return isLampLit ? nil : "gate before the lamp"
            case .launchRecorder:
                (mayHaveOpenDevices, mayHaveRecorder) = (true, true)
                return isVerified && areStopsArmed && isLampLit && isUSBAuthorised
                    ? nil : "devices too early"
            case .closeGate:
                return mayHaveOpenDevices && !isAborted ? "gate closed over open devices" : nil
            case .darkenLamp:
                if mayHaveOpenDevices || mayHaveRecorder { return "dark with a recorder alive" }
                if mayHaveUSB { return "dark before USB was withdrawn" }
                isLampLit = false
                return nil
            case .sealRecords:
                defer { isSealing = true }
                return hasRecords && !isSealing ? nil : "sealed twice or nothing"
            case .announceEnded:
                defer { self = World() }
                return isSealing && isClosedAndDark ? nil : "ended without a seal, open or lit"
            case .announceFailed:
                defer { self = World() }
                return !hasRecords && isClosedAndDark ? nil : "records left without an end"
            case .abortRecorder:
                isAborted = true
                return nil
            case .announceStarted, .sendStop: return nil
            }
        }

        private var isClosedAndDark: Bool {
            !isLampLit && !mayHaveUSB && !mayHaveOpenDevices && !mayHaveRecorder
        }
    }

    private struct Place: Hashable {
        var machine = SessionMachine()
        var world = World()

        /// The place after `event`, the actions, and the promise that was broken, if one was.
        func after(_ event: SessionMachine.Event) -> (Place, Set<SessionMachine.Action>, String?) {
            var next = self
            next.world.see(event, in: machine.state)
            let actions = next.machine.handle(event)
            var broken: String?
            for action in actions { broken = broken ?? next.world.perform(action) }
            let world = next.world
            if next.machine.mayHaveOpenDevices,
                !(world.isVerified && world.areStopsArmed && world.isLampLit
                    && world.isUSBAuthorised)
            {
                broken = broken ?? "devices without start, stop, lamp or USB"
            }
            if world.mayHaveOpenDevices && !world.isLampLit { broken = broken ?? "dark lamp" }
            if next.machine.state == .idle && world != World() {
                broken = broken ?? "idle with something left"
            }
            return (next, Set(actions), broken)
        }
    }

    /// A machine and its world have finitely many states, so walking from each of them once covers
    /// sequences of every length.
    @Test("Every sequence of events, however long, keeps every promise")
    func everySequence() {
        var known: Set<Place> = [Place()]
        var waiting: [(Place, [SessionMachine.Event])] = [(Place(), [])]
        var steps = 0
        var seen: Set<SessionMachine.Action> = []
        while let (place, path) = waiting.popLast() {
            for event in Self.events {
                let (next, actions, broken) = place.after(event)
                steps += 1
                seen.formUnion(actions)
                #expect(broken == nil, "\(broken ?? ""): \(path + [event])")
                if known.insert(next).inserted { waiting.append((next, path + [event])) }
            }
        }
        #expect(steps == known.count * Self.events.count)
        let states = Set(known.map(\.machine.state))
        #expect(states.contains(.recording) && states.contains(.sealing))
        #expect(states.contains(.closing(.key, isGateClosed: true, isRecorderGone: false)))
        #expect(seen.contains(.abortRecorder) && seen.contains(.announceFailed))
    }

    @Test("A recorder that does not stop in time loses its USB devices before it is gone")
    func overdue() {
        var machine = SessionMachine()
        for event: SessionMachine.Event in [
            .verified(sources: ["front"]), .prepared, .stopsArmed, .lampLit, .gateOpened,
            .sourceOpened("front"), .stop(.key),
        ] { _ = machine.handle(event) }
        #expect(machine.handle(.stopOverdue) == [.abortRecorder, .closeGate])
        #expect(machine.handle(.gateClosed).isEmpty && machine.mayHaveOpenDevices)
        #expect(machine.handle(.recorderGone) == [.closeGate])
    }

    /// Whatever the hardware and the recorder do, a stop comes to its end once they answer.
    @Test("From every state a stop and the answers that are due lead to the closed, dark end")
    func everyStopEnds() {
        var known: Set<Place> = [Place()]
        var waiting = [Place()]
        while let place = waiting.popLast() {
            var last = place.machine
            for event: SessionMachine.Event in [
                .stop(.stopped), .prepared, .devicesClosed, .gateClosed, .recorderGone,
                .gateClosed, .lampDark, .sealed,
            ] { _ = last.handle(event) }
            #expect(last.state == .idle, "from \(place.machine.state)")
            for event in Self.events {
                let (next, _, _) = place.after(event)
                if known.insert(next).inserted { waiting.append(next) }
            }
        }
        #expect(known.count > 40, "the walk did not happen: \(known.count)")
    }

    @Test("A lesson goes the whole way and ends dark")
    func wholeWay() {
        var machine = SessionMachine()
        #expect(machine.handle(.verified(sources: ["front"])) == [.prepareRecords])
        #expect(machine.handle(.prepared) == [.armStops])
        #expect(machine.handle(.stopsArmed) == [.lightLamp])
        #expect(machine.handle(.lampLit) == [.openGate])
        #expect(machine.handle(.gateOpened) == [.launchRecorder])
        #expect(machine.handle(.sourceOpened("front")) == [.announceStarted])
        #expect(machine.state == .recording)
        #expect(machine.handle(.stop(.stopped)) == [.sendStop(.stopped)])
        #expect(machine.handle(.devicesClosed) == [.closeGate])
        #expect(machine.handle(.gateClosed).isEmpty)
        #expect(machine.handle(.recorderGone) == [.darkenLamp])
        #expect(machine.handle(.lampDark) == [.sealRecords(.stopped)])
        #expect(machine.handle(.sealed) == [.announceEnded])
        #expect(machine.state == .idle)
    }

    @Test("A stop during the preparations opens nothing and leaves a sealed record")
    func earlyStop() {
        var machine = SessionMachine()
        _ = machine.handle(.verified(sources: ["front"]))
        #expect(machine.handle(.stop(.stopped)).isEmpty)
        #expect(machine.handle(.prepared) == [.closeGate])
        #expect(machine.handle(.gateClosed) == [.darkenLamp])
        #expect(machine.handle(.lampDark) == [.sealRecords(.stopped)])
    }

    @Test("A source that opens twice does not stand for another")
    func everySourceMustOpen() {
        var machine = started(sources: ["a", "b"])
        #expect(machine.handle(.sourceOpened("a")).isEmpty)
        #expect(machine.handle(.sourceOpened("a")).isEmpty)
        #expect(machine.state == .opening(missing: ["b"]))
        #expect(machine.handle(.sourceOpened("b")) == [.announceStarted])
    }

    @Test("A recorder that ends without a word interrupts the session")
    func recorderDies() {
        var machine = started(sources: ["a"])
        _ = machine.handle(.sourceOpened("a"))
        #expect(machine.handle(.recorderGone) == [.closeGate])
        #expect(machine.handle(.gateClosed) == [.darkenLamp])
        #expect(machine.handle(.lampDark) == [.sealRecords(.interrupted)])
    }

    @Test("A lamp that goes out stops the session for that reason")
    func lampFails() {
        var machine = started(sources: ["a"])
        #expect(machine.handle(.lampFailed) == [.sendStop(.lamp)])
    }

    private func started(sources: Set<String>) -> SessionMachine {
        var machine = SessionMachine()
        for event: SessionMachine.Event in [
            .verified(sources: sources), .prepared, .stopsArmed, .lampLit, .gateOpened,
        ] { _ = machine.handle(event) }
        return machine
    }
}
