internal import Camera
internal import LinuxSystem
internal import Microphone
internal import Pipeline

/// What a capture thread says once its device is open, or could not be opened.
enum OpenReport: Sendable {
    case camera(track: Int, CameraFormat)
    case microphone(track: Int, MicrophoneFormat)
    case failed(RecordingError)
}

/// What a capture thread needs to begin.
enum CaptureOrder: Sendable {
    case camera(CapturePort)
    case microphone(SoundPort)
}

/// A device's thread from opening to closing.
///
/// Opens, reports, waits for its order, runs the real-time loop, closes. A closed order queue means
/// that the lesson does not start. A device that fails in the lesson is closed, and opened again
/// when the same one is back. Whatever happens, the device is closed when `openDevices` counts down
/// and will not be opened again, and that comes before anything is said about it.
struct CaptureThread: Sendable {
    let session: Session
    let source: SourceControl
    let device: LessonSource.Device
    let track: Int
    let reports: HandoffQueue<OpenReport>
    let orders: HandoffQueue<CaptureOrder>
    let settings: LessonSettings
    /// From one look for a node to the next (ns), while the lesson starts and in it.
    private static let openPause: Int64 = 50_000_000
    private static let returnPause: Int64 = 500_000_000

    func run() {
        do throws(DeviceFailure) {
            guard let opened = try openFirst() else { return leave(reporting: .stopped) }
            guard source.device.attach(opened.stop), let order = order(opened) else {
                opened.close()
                return leave(reporting: .stopped)
            }
            captureAll(opened, order)
            leave(reporting: nil)
        } catch {
            source.status.enter(.failed)
            session.openDevices.arrive()
            source.endCapture()
            reports.put(
                .failed(
                    .deviceUnavailable(
                        source: source.status.name,
                        reason: error.reason,
                        recovery: error.recovery
                    )
                )
            )
        }
    }

    /// The open device, as soon as its node is there; nil when a stop came before.
    private func openFirst() throws(DeviceFailure) -> OpenDevice? {
        let limit = session.clock.now() + settings.openLimit.nanoseconds
        while !source.device.isStopped {
            do throws(DeviceFailure) {
                return try OpenDevice.open(device, clock: session.clock) {
                    source.device.isStopped
                }
            } catch {
                let next = session.clock.now() + Self.openPause
                guard error.mayBeEarly, next < limit else { throw error }
                if source.device.waitForStop(until: next) { return nil }
            }
        }
        return nil
    }

    /// Says that the device is open, and waits to be told to begin.
    private func order(_ opened: OpenDevice) -> CaptureOrder? {
        switch opened {
        case .camera(let camera): reports.put(.camera(track: track, camera.format))
        case .microphone(let microphone):
            reports.put(.microphone(track: track, microphone.format))
        }
        switch orders.take() {
        case .element(let order):
            source.status.enter(.running)
            if let priority = settings.capturePriority {
                _ = NamedThread.requestRealTime(priority: priority)
            }
            return order
        case .timedOut: return nil
        case .closed: return nil
        }
    }

    /// Captures until the stop: from this device, and from the same one whenever it is back.
    private func captureAll(_ first: OpenDevice, _ order: CaptureOrder) {
        let loop = CaptureLoop(order, source, session, settings)
        var current: OpenDevice? = first
        while let open = current {
            do throws(DeviceFailure) {
                let end = try loop.run(open)
                open.close()
                if end == .stopped { return }
            } catch {
                open.close()
                noteLoss(error, loop)
            }
            current = awaitReturn(of: first, loop)
        }
    }

    /// The same device, open again; nil when the stop came first.
    private func awaitReturn(of first: OpenDevice, _ loop: CaptureLoop) -> OpenDevice? {
        while !source.device.waitForStop(until: session.clock.now() + Self.returnPause) {
            do throws(DeviceFailure) {
                let opened = try OpenDevice.open(
                    device,
                    again: first,
                    clock: session.clock
                ) { source.device.isStopped }
                if source.device.attach(opened.stop) { return opened }
                opened.close()
            } catch {
                noteLoss(error, loop)
            }
        }
        return nil
    }

    private func noteLoss(_ error: DeviceFailure, _ loop: CaptureLoop) {
        loop.noteLoss()
        source.status.lose()
        session.noteLoss(of: source, reason: error.reason)
    }

    /// The device is closed, as asked; `error` says that it never ran.
    private func leave(reporting error: RecordingError?) {
        if !source.status.isAway { source.status.enter(.closed) }
        session.openDevices.arrive()
        source.endCapture()
        if let error { reports.put(.failed(error)) }
    }
}

/// The loop of one source, whose counts go on when its device is opened again.
private struct CaptureLoop {
    private enum Kind {
        case camera(CameraCapture)
        case microphone(MicrophoneCapture)
    }

    private let kind: Kind

    init(
        _ order: CaptureOrder,
        _ source: SourceControl,
        _ session: Session,
        _ settings: LessonSettings
    ) {
        kind =
            switch order {
            case .camera(let port):
                .camera(
                    CameraCapture(
                        port: port,
                        status: source.status,
                        timeline: session.timeline,
                        clock: session.clock,
                        restartLimit: settings.restartLimit.nanoseconds
                    )
                )
            case .microphone(let port):
                .microphone(
                    MicrophoneCapture(
                        port: port,
                        status: source.status,
                        bell: source.bell,
                        clock: session.clock,
                        restartLimit: settings.restartLimit.nanoseconds
                    )
                )
            }
    }

    func noteLoss() {
        switch kind {
        case .camera(let capture): capture.noteLoss()
        case .microphone(let capture): capture.noteLoss()
        }
    }

    func run(_ device: OpenDevice) throws(DeviceFailure) -> CaptureEnd {
        switch (kind, device) {
        case (.camera(let capture), .camera(let camera)):
            do throws(CameraError) { return try capture.run(camera) } catch {
                throw DeviceFailure(error)
            }
        case (.microphone(let capture), .microphone(let microphone)):
            do throws(MicrophoneError) { return try capture.run(microphone) } catch {
                throw DeviceFailure(error)
            }
        case (.camera, .microphone), (.microphone, .camera):
            preconditionFailure("an order for another kind of device")
        }
    }
}
