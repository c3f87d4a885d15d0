package import Consent
package import DigitalInput
internal import LEDClass
package import LinuxSystem

/// The lamp that tells the room.
///
/// Lit and read back before any device opens, watched while it is lit, dark after all have closed.
///
/// Thread-bound to the authority's loop; no call blocks.
package protocol Lamp: AnyObject {
    var state: LampState { get }
    /// Called once when a lit lamp is no longer known to be lit.
    var onFault: ((AuthorityError) -> Void)? { get set }
    /// Lights it; `then` gets nil when it was read back as lit.
    func light(_ indicator: RoomRecord.Indicator, then: @escaping (AuthorityError?) -> Void)
    func darken(_ indicator: RoomRecord.Indicator, then: @escaping (AuthorityError?) -> Void)
}

package enum LampState: String, Sendable {
    case dark
    /// Lit as far as its driver says.
    case driven
    /// Lit, and its own input says that it is.
    case sensed
    case failed
    /// The room record names no lamp (demo only).
    case none
}

/// A LED-class device, with or without an input that senses it.
///
/// ## Concurrency model
/// Thread-bound to the loop. sysfs is reached through the lamp's own work queue, since a driver may
/// block: a check that does not come back in time is a fault as well, and no stop waits for it.
package final class RoomLamp: Lamp {
    package struct Places: Sendable {
        package var sysfs: String
        package var devices: String
        /// The input that is active while the lamp is lit; nil when there is none.
        package var sense: InputSelector?
        /// Below a `--root`: a record without a lamp is taken, and pipes stand in for inputs.
        package var isDemo: Bool

        package init(sysfs: String, devices: String, sense: InputSelector?, isDemo: Bool) {
            self.sysfs = sysfs
            self.devices = devices
            self.sense = sense
            self.isDemo = isDemo
        }
    }

    private static let interval: Int64 = 50_000_000
    /// A driver that says nothing for so long hides whether the lamp is lit.
    private static let patience: Int64 = 1_000_000_000

    package private(set) var state = LampState.dark
    package var onFault: ((AuthorityError) -> Void)?

    private let loop: EventLoop
    private let queue: WorkQueue
    private let places: Places
    /// Lit: what is watched.
    private var fixture: Fixture?
    private var timer: EventLoop.Token?
    private var checkBegan: Int64?

    package init(loop: EventLoop, queue: WorkQueue, places: Places) {
        self.loop = loop
        self.queue = queue
        self.places = places
    }

    package func light(
        _ indicator: RoomRecord.Indicator,
        then: @escaping (AuthorityError?) -> Void
    ) {
        guard indicator != .none else {
            guard places.isDemo else {
                return then(
                    .indicator(
                        reason: "none",
                        message: "The room record names no lamp, and this is no demo."
                    )
                )
            }
            state = .none
            return then(nil)
        }
        let places = places
        queue.perform { () -> Result<Fixture, AuthorityError> in
            do throws(AuthorityError) {
                let fixture = try Fixture(indicator, places)
                try fixture.light()
                return .success(fixture)
            } catch { return .failure(error) }
        } then: { result in
            switch result {
            case .success(let fixture):
                self.fixture = fixture
                self.state = indicator.isSensed ? .sensed : .driven
                self.watch()
                then(nil)
            case .failure(let error):
                self.state = .failed
                then(error)
            }
        }
    }

    package func darken(
        _ indicator: RoomRecord.Indicator,
        then: @escaping (AuthorityError?) -> Void
    ) {
        if let timer { loop.cancel(timer) }
        timer = nil
        fixture = nil
        guard indicator != .none else {
            state = .dark
            return then(nil)
        }
        let places = places
        queue.perform { () -> AuthorityError? in
            do throws(LEDError) {
                try LED(named: indicator.led, sysfs: places.sysfs).darken()
                return nil
            } catch { return .indicator(error) }
        } then: { failure in
            self.state = failure == nil ? .dark : .failed
            then(failure)
        }
    }

    private func watch() {
        checkBegan = nil
        timer = loop.schedule(after: Self.interval) { self.check() }
    }

    private func check() {
        let now = Clock.bootTime.now()
        if let checkBegan {
            guard now - checkBegan > Self.patience else {
                timer = loop.schedule(after: Self.interval) { self.check() }
                return
            }
            return fail(.indicator(reason: "silent", message: "The lamp's driver does not answer."))
        }
        guard let fixture else { return }
        checkBegan = now
        timer = loop.schedule(after: Self.interval) { self.check() }
        queue.perform { () -> AuthorityError? in
            do throws(AuthorityError) {
                try fixture.check()
                return nil
            } catch { return error }
        } then: { failure in
            // A lamp that was darkened meanwhile is watched no more.
            guard self.fixture === fixture else { return }
            self.checkBegan = nil
            if let failure { self.fail(failure) }
        }
    }

    private func fail(_ error: AuthorityError) {
        if let timer { loop.cancel(timer) }
        timer = nil
        fixture = nil
        state = .failed
        onFault?(error)
    }
}

/// The LED and what senses it; its calls may block.
private final class Fixture: Sendable {
    private static let senseAttempts = 50
    private static let senseInterval: Int64 = 10_000_000

    private let led: LED
    private let sense: DigitalInput?

    init(_ indicator: RoomRecord.Indicator, _ places: RoomLamp.Places) throws(AuthorityError) {
        do throws(LEDError) {
            led = try LED(named: indicator.led, sysfs: places.sysfs)
        } catch { throw .indicator(error) }
        guard indicator.isSensed else {
            sense = nil
            return
        }
        guard let selector = places.sense else {
            throw .indicator(
                reason: "not-sensed",
                message: "The room record says that the lamp is sensed; "
                    + "the configuration names no input that senses it."
            )
        }
        do throws(InputError) {
            sense = try DigitalInput(
                selector,
                sysfs: places.sysfs,
                devices: places.devices,
                acceptsPipe: places.isDemo
            )
        } catch { throw .sense(error) }
    }

    func light() throws(AuthorityError) {
        // An input that is active already would say nothing about the lamp.
        guard try isSensed() != true else {
            throw .indicator(reason: "sense-stuck", message: "A dark lamp is sensed as lit.")
        }
        do throws(LEDError) { try led.light() } catch { throw .indicator(error) }
        for _ in 0..<Self.senseAttempts {
            guard try isSensed() == false else { return }
            Clock.monotonic.sleep(until: Clock.monotonic.now() + Self.senseInterval)
        }
        throw .indicator(reason: "not-lit", message: "The lamp was switched on and is dark.")
    }

    func check() throws(AuthorityError) {
        do throws(LEDError) { try led.check() } catch { throw .indicator(error) }
        guard try isSensed() != false else {
            throw .indicator(reason: "not-lit", message: "The lamp is switched on and is dark.")
        }
    }

    /// Nil without a sense input.
    private func isSensed() throws(AuthorityError) -> Bool? {
        guard let sense else { return nil }
        do throws(InputError) { return try sense.isActive() } catch { throw .sense(error) }
    }
}

extension AuthorityError {
    fileprivate static func indicator(_ error: LEDError) -> AuthorityError {
        .indicator(reason: "lamp", message: "\(error)")
    }

    fileprivate static func sense(_ error: InputError) -> AuthorityError {
        .indicator(reason: "sense", message: "\(error)")
    }
}
