internal import Consent
internal import LinuxSystem
package import Varlink

/// `org.lenscap.Status`: the box's health for technicians.
///
/// It tells what was committed to the disk and never whose it is.
///
/// Thread-bound to the authority's loop.
package final class StatusService {
    private let box: Box

    package init(box: Box) {
        self.box = box
    }

    package var interface: VarlinkInterface {
        VarlinkInterface(
            description: InterfaceText.status,
            methods: [
                VarlinkMethod("Status") { self.status($0) },
                VarlinkMethod("Monitor") { self.monitor($0) },
            ]
        )
    }

    private func status(_ call: VarlinkCall) {
        guard call.parameters(as: NoParameters.self) != nil else { return }
        box.read { reading in
            call.reply(StatusInterface.HealthReply(health: self.health(reading)))
        }
    }

    private func monitor(_ call: VarlinkCall) {
        guard call.parameters(as: NoParameters.self) != nil else { return }
        guard call.wantsMore else { return status(call) }
        var isReading = false
        let tell = {
            // Changes that come while the disk is being read are in the next answer.
            guard !isReading else { return }
            isReading = true
            self.box.read { reading in
                isReading = false
                call.reply(continuing: StatusInterface.HealthReply(health: self.health(reading)))
            }
        }
        let observer = box.observe(tell)
        call.connection.onClose { self.box.removeObserver(observer) }
        tell()
    }

    private func health(_ reading: Box.Reading) -> StatusInterface.Health {
        let view = box.session.view
        let inventory = reading.inventory
        let report = reading.report
        let trust = try? reading.trust.get()
        return StatusInterface.Health(
            version: box.settings.version,
            state: state(trust),
            committedSeconds: box.session.isIdle ? nil : view.committed,
            lamp: box.session.lampState.rawValue,
            sources: sources(view, trust),
            backlog: StatusInterface.Backlog(
                recordings: inventory.recordings,
                objects: inventory.objects,
                bytes: inventory.bytes,
                oldestSeconds: inventory.oldest.map { max(0, Clock.unixSeconds() - $0) },
                lastError: report.flatMap { $0.lastError.isEmpty ? nil : $0.lastError },
                nextTry: report.flatMap { $0.nextTry == 0 ? nil : $0.nextTry }
            ),
            diskFree: inventory.available,
            diskNeeded: diskNeeded(trust),
            clockTrusted: Clock.isSynchronized,
            roomRecord: trust?.room.hash,
            revocations: trust?.revocations?.sequence,
            revocationsAge: trust?.revocations.map { max(0, Clock.unixSeconds() - $0.issued) },
            pendingUpdates: nil,
            problems: problems(reading)
        )
    }

    private func state(_ trust: Trust?) -> String {
        guard box.session.isIdle else { return "recording" }
        let isSound = trust != nil && (try? box.log.get()) != nil
        return isSound && box.session.lampState != .failed ? "idle" : "fault"
    }

    /// For the longest lesson that the room record allows, with all of its sources.
    private func diskNeeded(_ trust: Trust?) -> Int {
        guard let room = trust?.room.record else { return box.settings.admission.reserve }
        return box.settings.admission.needed(
            seconds: room.maximumDuration,
            cameras: room.sources.count { $0.kind == .camera },
            microphones: room.sources.count { $0.kind == .microphone }
        )
    }

    private func sources(_ view: SessionView, _ trust: Trust?) -> [StatusInterface.SourceHealth] {
        (trust?.room.record.sources ?? []).map { source in
            let live = view.sources.first { $0.name == source.name }
            return StatusInterface.SourceHealth(
                name: source.name,
                kind: source.kind.rawValue,
                present: true,
                inUse: live != nil && box.session.isUsingDevices,
                frames: live?.frames ?? 0,
                dropped: live?.dropped ?? 0,
                gaps: live?.gaps ?? 0,
                driftPpm: live?.drift.map { Double($0) / 1000 },
                offsetMs: live?.offset.map { Double($0) / 1000 },
                check: live?.check ?? []
            )
        }
    }

    private func problems(_ reading: Box.Reading) -> [StatusInterface.Problem] {
        var problems = box.problems.map { StatusInterface.Problem($0) }
        if case .failure(let error) = reading.trust {
            problems.append(StatusInterface.Problem(error))
        }
        if case .success(let trust) = reading.trust, !trust.rejectedCards.isEmpty {
            problems.append(
                StatusInterface.Problem(
                    code: "cards",
                    message: "\(trust.rejectedCards.count) installed cards are not valid",
                    advice: "look at them with lenscap card show"
                )
            )
        }
        if let problem = reading.inventory.problem {
            problems.append(
                StatusInterface.Problem(
                    code: "spool",
                    message: problem,
                    advice: "mend the disk or its permissions"
                )
            )
        }
        return problems
    }
}

extension StatusInterface.Problem {
    init(_ error: AuthorityError) {
        let advice: String =
            switch error.recovery {
            case .personMustAct(let hint): hint
            case .retry, .restartStage: "it is tried again by itself"
            case .endSession: "the session was ended; start again"
            }
        self.init(code: error.code, message: "\(error)", advice: advice)
    }
}

extension AuthorityError {
    /// A stable code for `status`.
    var code: String {
        switch self {
        case .refused(let refusal): refusal.reason.rawValue
        case .busy: "busy"
        case .device: "device"
        case .noSpace, .diskFull: "space"
        case .indicator: "indicator"
        case .spool: "spool"
        case .system: "system"
        case .notHere: "not-here"
        case .ended: "ended"
        }
    }
}
