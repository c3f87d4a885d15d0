package import Consent
package import LinuxSystem
internal import USBAuthorization

/// A source of a session and where this box opens it.
package struct GatedSource: Hashable, Sendable {
    package let source: RoomRecord.Source
    /// A node below `/dev`, an ALSA name, or `test:…`.
    package let path: String

    package init(source: RoomRecord.Source, path: String) {
        self.source = source
        self.path = path
    }

    /// `hw:` names a card, and after a comma its device.
    fileprivate var node: DeviceNode {
        guard path.hasPrefix("hw:") else { return .file(path) }
        return .soundCard(String(path.dropFirst(3).prefix { $0 != "," }))
    }
}

/// Lets USB devices reach the drivers for one session.
///
/// Thread-bound to the authority's loop; no call blocks.
package protocol DeviceGate: AnyObject {
    /// Called when something stands in the way of a device while the gate is open.
    var onProblem: ((AuthorityError) -> Void)? { get set }
    /// Authorises exactly the devices of these sources and waits until their nodes are there.
    func open(for sources: [GatedSource], then: @escaping (AuthorityError?) -> Void)
    /// Withdraws every device.
    func close(then: @escaping (AuthorityError?) -> Void)
}

/// USB's own authorisation, in sysfs.
///
/// While it is open, a device that was unplugged and is plugged in again is authorised again, and
/// nothing but the device of the room record is.
///
/// ## Concurrency model
/// Thread-bound to the loop. sysfs is reached through the gate's own work queue, since binding a
/// driver blocks: a close comes after whatever was asked before it.
package final class RoomGate: DeviceGate {
    private static let interval: Int64 = 250_000_000
    private static let nodeInterval: Int64 = 30_000_000
    /// How long drivers and udev may take to bring a node up.
    private static let nodeLimit: Int64 = 5_000_000_000

    package var onProblem: ((AuthorityError) -> Void)?

    private let loop: EventLoop
    private let queue: WorkQueue
    private let gate: USBGate
    /// Below a `--root`: `test:` devices stand in for nodes.
    private let isDemo: Bool
    private var passage: Passage?

    /// One opening.
    private final class Passage {
        let sources: [GatedSource]
        let deadline: Int64
        var timer: EventLoop.Token?
        var isBusy = false
        var told: Set<String> = []

        init(_ sources: [GatedSource], deadline: Int64) {
            self.sources = sources
            self.deadline = deadline
        }
    }

    package init(loop: EventLoop, queue: WorkQueue, sysfs: String, isDemo: Bool) {
        self.loop = loop
        self.queue = queue
        gate = USBGate(sysfs: sysfs)
        self.isDemo = isDemo
    }

    package func open(
        for sources: [GatedSource],
        then: @escaping (AuthorityError?) -> Void
    ) {
        let bound = sources.filter { $0.source.device != nil }
        guard !bound.isEmpty else { return then(nil) }
        let passage = Passage(bound, deadline: Clock.bootTime.now() + Self.nodeLimit)
        self.passage = passage
        let gate = gate
        queue.perform {
            gate.authorize(bound)
        } then: { failure in
            guard self.passage === passage else { return }
            if let failure { return then(failure) }
            self.awaitNodes(passage, then)
        }
    }

    package func close(then: @escaping (AuthorityError?) -> Void) {
        if let timer = passage?.timer { loop.cancel(timer) }
        passage = nil
        let gate = gate
        queue.perform {
            gate.withdrawAll()
        } then: { problems in
            then(problems.first.map { .device(source: "", reason: "gate", message: "\($0)") })
        }
    }

    private func awaitNodes(_ passage: Passage, _ then: @escaping (AuthorityError?) -> Void) {
        let (gate, isDemo, sources) = (gate, isDemo, passage.sources)
        queue.perform {
            gate.missingNode(of: sources, isDemo: isDemo)
        } then: { missing in
            guard self.passage === passage else { return }
            guard let missing else {
                self.keep(passage)
                return then(nil)
            }
            guard Clock.bootTime.now() < passage.deadline else { return then(missing) }
            passage.timer = self.loop.schedule(after: Self.nodeInterval) {
                self.awaitNodes(passage, then)
            }
        }
    }

    /// Looks from time to time whether a device came back.
    private func keep(_ passage: Passage) {
        passage.timer = loop.schedule(after: Self.interval) { self.keep(passage) }
        guard !passage.isBusy else { return }
        passage.isBusy = true
        let (gate, sources) = (gate, passage.sources)
        queue.perform {
            gate.restore(sources)
        } then: { problems in
            guard self.passage === passage else { return }
            passage.isBusy = false
            for problem in problems where passage.told.insert("\(problem)").inserted {
                self.onProblem?(problem)
            }
        }
    }
}

/// Calls that may block.
extension USBGate {
    fileprivate func authorize(_ sources: [GatedSource]) -> AuthorityError? {
        var done: Set<USBIdentity> = []
        for gated in sources {
            guard let device = gated.source.device else { continue }
            let identity = USBIdentity(device)
            // A camera with a microphone is one device and two sources.
            guard done.insert(identity).inserted else { continue }
            do throws(USBError) {
                try authorize(identity)
            } catch { return .gate(gated.source.name, error) }
        }
        return nil
    }

    /// Authorises again what was unplugged and is back.
    fileprivate func restore(_ sources: [GatedSource]) -> [AuthorityError] {
        var problems: [AuthorityError] = []
        for identity in Set(sources.compactMap { $0.source.device.map(USBIdentity.init) }) {
            do throws(USBError) {
                guard try !isAuthorized(identity) else { continue }
                try authorize(identity)
            } catch {
                // Nothing there is the pipeline's to say: it has a gap.
                if case .absent = error { continue }
                let name = sources.first { $0.source.device.map(USBIdentity.init) == identity }
                problems.append(.gate(name?.source.name ?? "", error))
            }
        }
        return problems
    }

    /// The first source whose node is not there or is another device's.
    fileprivate func missingNode(of sources: [GatedSource], isDemo: Bool) -> AuthorityError? {
        for gated in sources where !(isDemo && gated.path.hasPrefix("test:")) {
            guard let device = gated.source.device else { continue }
            do throws(USBError) {
                try requireOwner(USBIdentity(device), of: gated.node)
            } catch { return .gate(gated.source.name, error) }
        }
        return nil
    }
}

extension USBIdentity {
    init(_ device: RoomRecord.USBDevice) {
        self.init(
            port: device.port,
            vendor: device.vendor,
            product: device.product,
            serial: device.serial
        )
    }
}

extension AuthorityError {
    fileprivate static func gate(_ source: String, _ error: USBError) -> AuthorityError {
        let reason =
            switch error {
            case .absent: "absent"
            case .stranger, .otherOwner: "stranger"
            case .ungated: "ungated"
            case .noNode: "no-node"
            case .notPermitted, .notAsAsked, .kernelCallFailed: "gate"
            }
        return .device(source: source, reason: reason, message: "\(error)")
    }
}
