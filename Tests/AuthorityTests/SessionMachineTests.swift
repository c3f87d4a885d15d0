import Authority
import Testing

/// Walks every sequence of events up to a depth and holds the machine to its promises.
@Suite struct SessionMachineTests {
    private static let events: [SessionMachine.Event] = [
        .verified(sources: ["desk", "front"]), .prepared, .prepareFailed, .lampLit, .lampFailed,
        .gateOpened, .gateFailed, .launchFailed, .sourceOpened("desk"), .sourceOpened("front"),
        .stop(.stopped), .devicesClosed, .recorderFailed, .recorderGone, .stopOverdue, .sealed,
    ]

    /// The world beside the machine, moved by its actions and checked after each.
    private struct World {
        var isVerified = false
        var isLampLit = false
        var isGateOpen = false
        /// Between the launch and the word that the devices are closed.
        var mayHaveOpenDevices = false
        var hasRecords = false
        var isSealing = false

        mutating func see(_ event: SessionMachine.Event, in state: SessionMachine.State) {
            switch event {
            case .verified where state == .idle: isVerified = true
            case .prepared: hasRecords = hasRecords || isPreparing(state)
            case .devicesClosed, .recorderGone: mayHaveOpenDevices = false
            case .launchFailed where state != .recording: mayHaveOpenDevices = false
            default: break
            }
        }

        private func isPreparing(_ state: SessionMachine.State) -> Bool {
            if case .preparing = state { true } else { false }
        }

        mutating func perform(_ action: SessionMachine.Action, _ path: [SessionMachine.Event]) {
            switch action {
            case .lightLamp:
                #expect(isVerified && hasRecords, "lamp before the records: \(path)")
                isLampLit = true
            case .openGate:
                #expect(isLampLit, "gate before the lamp: \(path)")
                isGateOpen = true
            case .launchRecorder:
                #expect(isVerified && isLampLit && isGateOpen, "devices too early: \(path)")
                mayHaveOpenDevices = true
            case .closeGate:
                #expect(!mayHaveOpenDevices, "gate closed over open devices: \(path)")
                isGateOpen = false
            case .darkenLamp:
                #expect(!mayHaveOpenDevices, "open devices under a dark lamp: \(path)")
                #expect(!isGateOpen, "dark before the gate: \(path)")
                isLampLit = false
            case .sealRecords:
                #expect(hasRecords && !isSealing, "sealed twice or nothing: \(path)")
                isSealing = true
            case .announceEnded:
                #expect(isSealing, "ended without a seal: \(path)")
                self = World()
            case .announceFailed:
                #expect(!hasRecords, "records left without an end: \(path)")
                self = World()
            case .prepareRecords, .announceStarted, .sendStop, .abortRecorder:
                break
            }
        }
    }

    @Test("Every sequence of events up to eight keeps every promise")
    func everySequence() {
        var visited = 0
        var states: Set<SessionMachine.State> = []
        walk(SessionMachine(), World(), [], depth: 8, &visited, &states)
        // The walk cuts sequences whose last event changed nothing: they are shorter ones.
        #expect(visited > 500, "the walk did not happen: \(visited)")
        #expect(states.contains(.recording) && states.contains(.sealing))
        #expect(states.contains(.finishing(.stopped)))
    }

    private func walk(
        _ machine: SessionMachine,
        _ world: World,
        _ path: [SessionMachine.Event],
        depth: Int,
        _ visited: inout Int,
        _ states: inout Set<SessionMachine.State>
    ) {
        states.insert(machine.state)
        guard depth > 0 else { return }
        for event in Self.events {
            var nextMachine = machine
            var nextWorld = world
            let nextPath = path + [event]
            nextWorld.see(event, in: machine.state)
            let actions = nextMachine.handle(event)
            for action in actions { nextWorld.perform(action, nextPath) }
            visited += 1
            if nextMachine.mayHaveOpenDevices {
                #expect(nextWorld.isVerified && nextWorld.isLampLit && nextWorld.isGateOpen)
            }
            if nextMachine.state == .idle {
                #expect(!nextWorld.isLampLit && !nextWorld.isGateOpen)
                #expect(!nextWorld.mayHaveOpenDevices)
            }
            if actions.isEmpty && nextMachine.state == machine.state { continue }
            walk(nextMachine, nextWorld, nextPath, depth: depth - 1, &visited, &states)
        }
    }

    @Test("A lesson goes the whole way and ends dark")
    func wholeWay() {
        var machine = SessionMachine()
        #expect(machine.handle(.verified(sources: ["front"])) == [.prepareRecords])
        #expect(machine.handle(.prepared) == [.lightLamp])
        #expect(machine.handle(.lampLit) == [.openGate])
        #expect(machine.handle(.gateOpened) == [.launchRecorder])
        #expect(machine.handle(.sourceOpened("front")) == [.announceStarted])
        #expect(machine.state == .recording)
        #expect(machine.handle(.stop(.stopped)) == [.sendStop(.stopped)])
        #expect(machine.handle(.devicesClosed) == [.closeGate, .darkenLamp])
        #expect(machine.handle(.recorderGone) == [.sealRecords(.stopped)])
        #expect(machine.handle(.sealed) == [.announceEnded])
        #expect(machine.state == .idle)
    }

    @Test("A stop during the preparations opens nothing and leaves a sealed record")
    func earlyStop() {
        var machine = SessionMachine()
        _ = machine.handle(.verified(sources: ["front"]))
        #expect(machine.handle(.stop(.stopped)).isEmpty)
        #expect(machine.handle(.prepared) == [.sealRecords(.stopped)])
    }

    @Test("A source that opens twice does not stand for another")
    func everySourceMustOpen() {
        var machine = SessionMachine()
        for event: SessionMachine.Event in [
            .verified(sources: ["a", "b"]), .prepared, .lampLit, .gateOpened, .sourceOpened("a"),
            .sourceOpened("a"),
        ] { _ = machine.handle(event) }
        #expect(machine.state == .opening(missing: ["b"]))
        #expect(machine.handle(.sourceOpened("b")) == [.announceStarted])
    }

    @Test("A recorder that ends without a word interrupts the session")
    func recorderDies() {
        var machine = SessionMachine()
        for event: SessionMachine.Event in [
            .verified(sources: ["a"]), .prepared, .lampLit, .gateOpened, .sourceOpened("a"),
        ] { _ = machine.handle(event) }
        #expect(
            machine.handle(.recorderGone)
                == [.closeGate, .darkenLamp, .sealRecords(.interrupted)]
        )
    }
}
