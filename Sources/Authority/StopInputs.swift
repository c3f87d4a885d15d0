package import Consent
internal import DigitalInput
package import LinuxSystem

/// The keys and lines of the room whose press stops a session.
///
/// Thread-bound to the authority's loop; no call blocks.
package protocol StopInputs: AnyObject {
    /// Called with the cause when one is pressed, or cannot be read any more.
    var onStop: ((StopCause, AuthorityError?) -> Void)? { get set }
    /// Opens every input; `then` gets nil when all are there and none is pressed.
    func arm(_ inputs: [RoomRecord.StopInput], then: @escaping (AuthorityError?) -> Void)
    func disarm()
}

/// evdev keys and GPIO lines.
///
/// ## Concurrency model
/// Thread-bound to the loop. Every input is looked at every 20 ms on a work queue, since a driver
/// may block: one that does not answer in time is as good as pressed. Keys are read on the loop as
/// well, without blocking, as soon as the kernel has events; the look also finds a key whose events
/// another program has grabbed.
package final class RoomStopInputs: StopInputs {
    private static let interval: Int64 = 20_000_000
    private static let patience: Int64 = 1_000_000_000

    package var onStop: ((StopCause, AuthorityError?) -> Void)?

    private let loop: EventLoop
    private let queue: WorkQueue
    private let sysfs: String
    private let devices: String
    /// Below a `--root`, where a pipe stands in for an event node.
    private let acceptsPipe: Bool
    private var armed: Armed?

    /// What is open, for one session.
    private final class Armed {
        let inputs: [DigitalInput]
        var watches: [EventLoop.Token] = []
        var timer: EventLoop.Token?
        var lookBegan: Int64?

        init(_ inputs: [DigitalInput]) { self.inputs = inputs }
    }

    package init(
        loop: EventLoop,
        queue: WorkQueue,
        sysfs: String,
        devices: String,
        acceptsPipe: Bool
    ) {
        self.loop = loop
        self.queue = queue
        self.sysfs = sysfs
        self.devices = devices
        self.acceptsPipe = acceptsPipe
    }

    package func arm(
        _ inputs: [RoomRecord.StopInput],
        then: @escaping (AuthorityError?) -> Void
    ) {
        disarm()
        guard !inputs.isEmpty else { return then(nil) }
        let (sysfs, devices, acceptsPipe) = (sysfs, devices, acceptsPipe)
        queue.perform { () -> Result<[DigitalInput], AuthorityError> in
            var open: [DigitalInput] = []
            do throws(InputError) {
                for input in inputs {
                    let opened = try DigitalInput(
                        InputSelector(input),
                        sysfs: sysfs,
                        devices: devices,
                        acceptsPipe: acceptsPipe
                    )
                    guard try !opened.isActive() else { return .failure(.pressed(input)) }
                    open.append(opened)
                }
                return .success(open)
            } catch { return .failure(.input(error)) }
        } then: { result in
            switch result {
            case .success(let open):
                self.watch(open)
                then(nil)
            case .failure(let error):
                then(error)
            }
        }
    }

    package func disarm() {
        guard let armed else { return }
        for watch in armed.watches { loop.cancel(watch) }
        if let timer = armed.timer { loop.cancel(timer) }
        self.armed = nil
    }

    private func watch(_ open: [DigitalInput]) {
        let armed = Armed(open)
        self.armed = armed
        for key in open {
            guard let raw = key.raw else { continue }
            armed.watches.append(loop.watch(raw, .readable) { _ in self.read(key) })
        }
        look(armed)
    }

    private func read(_ key: DigitalInput) {
        do throws(InputError) {
            if try key.takePress() { stop(.key, nil) }
        } catch { stop(.inputLost, .input(error)) }
    }

    private func look(_ armed: Armed) {
        armed.timer = loop.schedule(after: Self.interval) { self.look(armed) }
        let now = Clock.bootTime.now()
        if let began = armed.lookBegan {
            guard now - began > Self.patience else { return }
            return stop(
                .inputLost,
                .device(source: "", reason: "stop-input", message: "A stop input does not answer.")
            )
        }
        armed.lookBegan = now
        let inputs = armed.inputs
        queue.perform { () -> Result<StopCause?, AuthorityError> in
            do throws(InputError) {
                for input in inputs {
                    if try input.isActive() { return .success(input.cause) }
                    if try input.takePress() { return .success(input.cause) }
                }
                return .success(nil)
            } catch { return .failure(.input(error)) }
        } then: { result in
            guard self.armed === armed else { return }
            armed.lookBegan = nil
            switch result {
            case .success(nil): break
            case .success(let cause?): self.stop(cause, nil)
            case .failure(let error): self.stop(.inputLost, error)
            }
        }
    }

    private func stop(_ cause: StopCause, _ problem: AuthorityError?) {
        disarm()
        onStop?(cause, problem)
    }
}

extension DigitalInput {
    fileprivate var cause: StopCause {
        switch selector {
        case .key: .key
        case .line: .line
        }
    }
}

extension InputSelector {
    init(_ input: RoomRecord.StopInput) {
        switch input.kind {
        case .key: self = .key(device: input.device, code: UInt16(input.code))
        case .line, .lineLow:
            self = .line(
                chip: input.device,
                offset: UInt32(input.code),
                isActiveLow: input.kind == .lineLow
            )
        }
    }
}

extension AuthorityError {
    fileprivate static func input(_ error: InputError) -> AuthorityError {
        .device(source: "", reason: "stop-input", message: "\(error)")
    }

    fileprivate static func pressed(_ input: RoomRecord.StopInput) -> AuthorityError {
        .device(
            source: "",
            reason: "stop-pressed",
            message: "The stop input \(input.device) \(input.code) is pressed: release it first."
        )
    }
}
