/// Why a session ends; the raw value stands in the recording's `end` leaf.
package enum StopCause: String, Sendable, CaseIterable {
    /// Somebody called Stop.
    case stopped
    /// The lesson's duration is over.
    case duration
    /// The room's closed time began.
    case closedTime = "closed-time"
    /// The key that started it was revoked.
    case revoked
    /// A device or the pipeline failed and nothing is left to record.
    case failed
    /// The recorder ended without a word, or the authority did.
    case interrupted
    /// The authority was told to shut down.
    case shutdown
}

/// One session from a verified start to its sealed end.
///
/// A pure value: events in, actions out.
///
/// What it keeps, whatever the order of events: devices may be open only between `launchRecorder`
/// and the recorder's word (or end) that they are closed; in that time a verified start stands
/// behind the session, the lamp was lit before and the USB gate opened before; afterwards the gate
/// closes and the lamp goes dark, in that order; and a session that wrote records seals them.
package struct SessionMachine: Sendable {
    package enum State: Hashable, Sendable {
        case idle
        /// The receipt and the folder are being written; no device is open.
        case preparing(cancelled: StopCause?)
        case lighting
        case openingGate
        /// The recorder is opening devices.
        case opening(missing: Set<String>)
        case recording
        /// The recorder was told to stop; its devices may still be open.
        case stopping(StopCause)
        /// Devices are closed, the lamp is dark; the recorder seals what it holds.
        case finishing(StopCause)
        /// The recorder is gone; the end is being written.
        case sealing
    }

    package enum Event: Hashable, Sendable {
        case verified(sources: Set<String>)
        case prepared
        case prepareFailed
        case lampLit
        case lampFailed
        case gateOpened
        case gateFailed
        case launchFailed
        case sourceOpened(String)
        case stop(StopCause)
        case devicesClosed
        case recorderFailed
        case recorderGone
        /// The recorder did not close its devices in time.
        case stopOverdue
        case sealed
    }

    package enum Action: Hashable, Sendable {
        case prepareRecords
        case lightLamp
        case openGate
        case launchRecorder
        /// Every source is open: the session has started.
        case announceStarted
        case sendStop(StopCause)
        /// Close the connection: the recorder closes its devices and ends.
        case abortRecorder
        case closeGate
        case darkenLamp
        case sealRecords(StopCause)
        /// Nothing was written; only tell the caller.
        case announceFailed
        case announceEnded
    }

    package private(set) var state = State.idle
    /// The sources of the verified start.
    private var sources: Set<String> = []

    package init() {}

    /// Whether a device may be open now.
    package var mayHaveOpenDevices: Bool {
        switch state {
        case .opening, .recording, .stopping: true
        case .idle, .preparing, .lighting, .openingGate, .finishing, .sealing: false
        }
    }

    /// Events that mean nothing in the present state change nothing.
    package mutating func handle(_ event: Event) -> [Action] {
        switch state {
        case .idle: whenIdle(event)
        case .preparing(let cancelled): whenPreparing(event, cancelled)
        case .lighting: whenLighting(event)
        case .openingGate: whenOpeningGate(event)
        case .opening(let missing): whenOpening(event, missing)
        case .recording: whenRecording(event)
        case .stopping(let cause): whenStopping(event, cause)
        case .finishing(let cause): whenFinishing(event, cause)
        case .sealing: whenSealing(event)
        }
    }

    private mutating func whenIdle(_ event: Event) -> [Action] {
        guard case .verified(let names) = event else { return [] }
        state = .preparing(cancelled: nil)
        sources = names
        return [.prepareRecords]
    }

    private mutating func whenPreparing(_ event: Event, _ cancelled: StopCause?) -> [Action] {
        switch event {
        case .prepared:
            if let cancelled {
                state = .sealing
                return [.sealRecords(cancelled)]
            }
            state = .lighting
            return [.lightLamp]
        case .prepareFailed:
            state = .idle
            return [.announceFailed]
        case .stop(let cause):
            state = .preparing(cancelled: cause)
            return []
        default:
            return []
        }
    }

    private mutating func whenLighting(_ event: Event) -> [Action] {
        switch event {
        case .lampLit:
            state = .openingGate
            return [.openGate]
        case .lampFailed:
            return seal(.failed)
        case .stop(let cause):
            return seal(cause)
        default:
            return []
        }
    }

    private mutating func whenOpeningGate(_ event: Event) -> [Action] {
        switch event {
        case .gateOpened:
            state = .opening(missing: sources)
            return [.launchRecorder]
        case .gateFailed, .lampFailed:
            return seal(.failed)
        case .stop(let cause):
            return seal(cause)
        default:
            return []
        }
    }

    private mutating func whenOpening(_ event: Event, _ missing: Set<String>) -> [Action] {
        switch event {
        case .sourceOpened(let name):
            let rest = missing.subtracting([name])
            guard rest.isEmpty, !missing.isEmpty else {
                state = .opening(missing: rest)
                return []
            }
            state = .recording
            return [.announceStarted]
        case .launchFailed:
            return seal(.failed)
        default:
            return whenRecording(event)
        }
    }

    private mutating func whenRecording(_ event: Event) -> [Action] {
        switch event {
        case .stop(let cause):
            state = .stopping(cause)
            return [.sendStop(cause)]
        case .lampFailed, .recorderFailed:
            state = .stopping(.failed)
            return [.sendStop(.failed)]
        case .devicesClosed:
            // The recorder ended by itself: no source left, or its own deadline.
            return finish(.failed)
        case .recorderGone:
            return seal(.interrupted)
        default:
            return []
        }
    }

    private mutating func whenStopping(_ event: Event, _ cause: StopCause) -> [Action] {
        switch event {
        case .devicesClosed: finish(cause)
        case .recorderGone: seal(cause)
        case .stopOverdue: [.abortRecorder]
        default: []
        }
    }

    private mutating func whenFinishing(_ event: Event, _ cause: StopCause) -> [Action] {
        switch event {
        case .recorderGone:
            state = .sealing
            return [.sealRecords(cause)]
        case .stopOverdue:
            return [.abortRecorder]
        default:
            return []
        }
    }

    private mutating func whenSealing(_ event: Event) -> [Action] {
        guard event == .sealed else { return [] }
        state = .idle
        return [.announceEnded]
    }

    private mutating func finish(_ cause: StopCause) -> [Action] {
        state = .finishing(cause)
        return [.closeGate, .darkenLamp]
    }

    private mutating func seal(_ cause: StopCause) -> [Action] {
        state = .sealing
        return [.closeGate, .darkenLamp, .sealRecords(cause)]
    }
}
