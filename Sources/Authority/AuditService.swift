internal import CryptoPrimitives
internal import TransparencyLog
package import Varlink

/// `org.lenscap.Audit`: the activation log, for a staff representative.
///
/// Thread-bound to the authority's loop.
package final class AuditService {
    private static let chunk = 64

    private let box: Box

    package init(box: Box) {
        self.box = box
    }

    package enum Messages {
        package static let name = "org.lenscap.Audit"

        package struct Checkpoint: Codable, Sendable {
            package var size: Int
            package var note: String
        }

        package struct CheckpointReply: Codable, Sendable {
            package var checkpoint: Checkpoint
        }

        package struct LogParameters: Codable, Sendable {
            package var from: Int
            package var to: Int?

            package init(from: Int, to: Int?) {
                self.from = from
                self.to = to
            }
        }

        package struct LogReply: Codable, Sendable {
            package var index: Int
            package var entry: String
        }

        package struct ConsistencyParameters: Codable, Sendable {
            package var old: Int
            package var new: Int
        }

        package struct ConsistencyReply: Codable, Sendable {
            package var proof: [String]
        }
    }

    package var interface: VarlinkInterface {
        VarlinkInterface(
            description: InterfaceText.audit,
            methods: [
                VarlinkMethod("Checkpoint") { self.checkpoint($0) },
                VarlinkMethod("Log") { self.log($0) },
                VarlinkMethod("Consistency") { self.consistency($0) },
            ]
        )
    }

    private func checkpoint(_ call: VarlinkCall) {
        guard call.parameters(as: NoParameters.self) != nil else { return }
        guard let log = log(for: call) else { return }
        let (size, note) = log.checkpoint
        call.reply(
            Messages.CheckpointReply(
                checkpoint: Messages.Checkpoint(
                    size: size,
                    note: String(decoding: note, as: UTF8.self)
                )
            )
        )
    }

    /// One entry; with `more` all from `from` on, up to `to`, or without one as they come.
    private func log(_ call: VarlinkCall) {
        guard let asked = call.parameters(as: Messages.LogParameters.self),
            let log = log(for: call)
        else { return }
        let size = log.checkpoint.size
        let end = asked.to ?? (call.wantsMore ? Int.max : asked.from + 1)
        guard asked.from >= 0, asked.from < end, end <= size || asked.to == nil,
            call.wantsMore || asked.from < size
        else {
            return call.fail(Messages.name + ".NotFound", ["what": "entries \(asked.from) on"])
        }
        send(call, log, from: asked.from, to: end)
    }

    private func send(_ call: VarlinkCall, _ log: ActivationLog, from: Int, to end: Int) {
        guard call.isOpen else { return }
        let lines = log.lines(from: from, count: min(AuditService.chunk, end - from))
        for (offset, line) in lines.enumerated() {
            let index = from + offset
            let reply = Messages.LogReply(
                index: index,
                entry: String(decoding: line, as: UTF8.self)
            )
            if index == end - 1 { return call.reply(reply) }
            call.reply(continuing: reply)
        }
        let next = from + lines.count
        if lines.count == AuditService.chunk {
            call.whenDrained { self.send(call, log, from: next, to: end) }
        } else {
            followUp(call, log, from: next, to: end)
        }
    }

    /// Waits for the next entry.
    private func followUp(_ call: VarlinkCall, _ log: ActivationLog, from: Int, to end: Int) {
        var observer: UInt64 = 0
        observer = box.observe {
            guard log.checkpoint.size > from else { return }
            self.box.removeObserver(observer)
            self.send(call, log, from: from, to: end)
        }
        call.connection.onClose { self.box.removeObserver(observer) }
    }

    private func consistency(_ call: VarlinkCall) {
        guard let asked = call.parameters(as: Messages.ConsistencyParameters.self),
            let log = log(for: call)
        else { return }
        guard let proof = log.consistency(from: asked.old, to: asked.new) else {
            return call.fail(
                Messages.name + ".NotFound",
                ["what": "states \(asked.old) and \(asked.new)"]
            )
        }
        call.reply(Messages.ConsistencyReply(proof: proof.path.map { Base64URL.encode($0) }))
    }

    private func log(for call: VarlinkCall) -> ActivationLog? {
        switch box.log {
        case .success(let log): return log
        case .failure(let error):
            call.fail(Messages.name + ".NotFound", ["what": "\(error)"])
            return nil
        }
    }
}
