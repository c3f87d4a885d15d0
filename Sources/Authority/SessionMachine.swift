/// Why a session ends; the raw value stands in the recording's `end` leaf and in the log.
package enum StopCause: String, Sendable, CaseIterable {
    /// Somebody called Stop.
    case stopped
    /// A configured key was pressed.
    case key
    /// A configured line became active: a button, the fire alarm's relay.
    case line
    /// A stop input cannot be read any more.
    case inputLost = "input-lost"
    /// The lamp is not lit, or nobody can say that it is.
    case lamp
    /// The lesson's duration is over.
    case duration
    /// The room's closed time began.
    case closedTime = "closed-time"
    /// The key that started it was revoked.
    case revoked
    /// The disk ran full, or so low that the lesson's end would not fit.
    case space
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
/// and the recorder's end; in that time a verified start stands behind the session, every stop
/// input is armed, the lamp was lit before and USB was authorised after the lamp; afterwards USB is
/// withdrawn, the recorder is gone and the lamp goes dark, and only when the first two are done;
/// and a session that wrote records seals them.
package struct SessionMachine: Hashable, Sendable {
    package enum State: Hashable, Sendable {
        case idle
        /// The receipt and the folder are being written; no device is open.
        case preparing(cancelled: StopCause?)
        /// The stop inputs are being opened.
        case arming
        case lighting
        case openingGate
        /// The recorder is opening devices.
        case opening(missing: Set<String>)
        case recording
        /// The recorder was told to stop; its devices may still be open.
        case stopping(StopCause)
        /// The recorder says that its devices are closed, or it is gone; the lamp stays lit.
        case closing(StopCause, isGateClosed: Bool, isRecorderGone: Bool)
        /// USB is withdrawn and no recorder lives.
        case darkening(StopCause)
        /// The lamp is dark; the end is being written.
        case sealing
    }

    package enum Event: Hashable, Sendable {
        case verified(sources: Set<String>)
        case prepared
        case prepareFailed
        case stopsArmed
        case stopsFailed
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
        /// The recorder did not do in time what it was told.
        case stopOverdue
        case gateClosed
        case lampDark
        case sealed
    }

    package enum Action: Hashable, Sendable {
        case prepareRecords
        case armStops
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
        case .idle, .preparing, .arming, .lighting, .openingGate, .closing, .darkening, .sealing:
            false
        }
    }

    /// Events that mean nothing in the present state change nothing.
    package mutating func handle(_ event: Event) -> [Action] {
        switch state {
        case .idle: whenIdle(event)
        case .preparing(let cancelled): whenPreparing(event, cancelled)
        case .arming: whenArming(event)
        case .lighting: whenLighting(event)
        case .openingGate: whenOpeningGate(event)
        case .opening(let missing): whenOpening(event, missing)
        case .recording: whenRecording(event)
        case .stopping(let cause): whenStopping(event, cause)
        case .closing(let cause, let isGateClosed, let isRecorderGone):
            whenClosing(event, cause, isGateClosed, isRecorderGone)
        case .darkening(let cause): whenDarkening(event, cause)
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
            if let cancelled { return close(cancelled) }
            state = .arming
            return [.armStops]
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

    private mutating func whenArming(_ event: Event) -> [Action] {
        switch event {
        case .stopsArmed:
            state = .lighting
            return [.lightLamp]
        case .stopsFailed:
            return close(.failed)
        case .stop(let cause):
            return close(cause)
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
            return close(.lamp)
        case .stop(let cause):
            return close(cause)
        default:
            return []
        }
    }

    private mutating func whenOpeningGate(_ event: Event) -> [Action] {
        switch event {
        case .gateOpened:
            state = .opening(missing: sources)
            return [.launchRecorder]
        case .gateFailed:
            return close(.failed)
        case .lampFailed:
            return close(.lamp)
        case .stop(let cause):
            return close(cause)
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
            // Whether it runs all the same is told by its lock.
            state = .stopping(.failed)
            return [.abortRecorder]
        default:
            return whenRecording(event)
        }
    }

    private mutating func whenRecording(_ event: Event) -> [Action] {
        switch event {
        case .stop(let cause):
            return stop(cause)
        case .lampFailed:
            return stop(.lamp)
        case .recorderFailed:
            return stop(.failed)
        case .devicesClosed:
            // The recorder ended by itself: no source left, or its own deadline.
            return close(.failed, isRecorderGone: false)
        case .recorderGone:
            return close(.interrupted)
        default:
            return []
        }
    }

    private mutating func whenStopping(_ event: Event, _ cause: StopCause) -> [Action] {
        switch event {
        case .devicesClosed: close(cause, isRecorderGone: false)
        case .recorderGone: close(cause)
        // It may be stuck in the kernel with its devices open: no driver is left to them.
        case .stopOverdue: [.abortRecorder, .closeGate]
        default: []
        }
    }

    private mutating func whenClosing(
        _ event: Event,
        _ cause: StopCause,
        _ isGateClosed: Bool,
        _ isRecorderGone: Bool
    ) -> [Action] {
        switch event {
        case .gateClosed:
            return darken(cause, isGateClosed: true, isRecorderGone: isRecorderGone)
        case .recorderGone:
            return darken(cause, isGateClosed: isGateClosed, isRecorderGone: true)
        case .stopOverdue where !isRecorderGone:
            return [.abortRecorder]
        default:
            return []
        }
    }

    private mutating func whenDarkening(_ event: Event, _ cause: StopCause) -> [Action] {
        guard event == .lampDark else { return [] }
        state = .sealing
        return [.sealRecords(cause)]
    }

    private mutating func whenSealing(_ event: Event) -> [Action] {
        guard event == .sealed else { return [] }
        state = .idle
        return [.announceEnded]
    }

    private mutating func stop(_ cause: StopCause) -> [Action] {
        state = .stopping(cause)
        return [.sendStop(cause)]
    }

    private mutating func close(_ cause: StopCause, isRecorderGone: Bool = true) -> [Action] {
        state = .closing(cause, isGateClosed: false, isRecorderGone: isRecorderGone)
        return [.closeGate]
    }

    /// Dark only when USB is withdrawn and no recorder lives.
    private mutating func darken(
        _ cause: StopCause,
        isGateClosed: Bool,
        isRecorderGone: Bool
    ) -> [Action] {
        guard isGateClosed && isRecorderGone else {
            state = .closing(cause, isGateClosed: isGateClosed, isRecorderGone: isRecorderGone)
            return []
        }
        state = .darkening(cause)
        return [.darkenLamp]
    }
}
