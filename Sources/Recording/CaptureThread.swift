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
    case camera(PicturePort)
    case microphone(SoundPort)
}

/// A device's thread from opening to closing.
///
/// Opens, reports, waits for its order, runs the real-time loop, closes. A closed order queue means
/// that the lesson does not start. Whatever happens, the device is closed when `openDevices` counts
/// down, and that comes before anything is said about it.
struct CaptureThread: Sendable {
    let session: Session
    let source: SourceControl
    let device: LessonSource.Device
    let track: Int
    let reports: HandoffQueue<OpenReport>
    let orders: HandoffQueue<CaptureOrder>
    let priority: Int32?
    /// How long (ns) a node may take to appear.
    let openLimit: Int64
    /// From one look for it to the next (ns).
    private static let openPause: Int64 = 50_000_000

    func run() {
        switch device {
        case .camera(let request): runCamera(request)
        case .microphone(let request): runMicrophone(request)
        }
    }

    private func runCamera(_ request: CameraRequest) {
        var hasBegun = false
        do throws(CameraError) {
            guard let camera = try open({ () throws(CameraError) in try openCamera(request) })
            else { return leave(reporting: .stopped) }
            defer { camera.close() }
            if source.device.attach({ camera.stop() }) {
                reports.put(.camera(track: track, camera.format))
                if case .camera(let port)? = order() {
                    hasBegun = true
                    let capture = CameraCapture(
                        camera: camera,
                        port: port,
                        status: source.status,
                        timeline: session.timeline,
                        bell: source.bell
                    )
                    try capture.run()
                }
            }
            camera.close()
            leave(reporting: hasBegun ? nil : .stopped)
        } catch {
            fail("\(error)", error.recovery, hasBegun)
        }
    }

    private func runMicrophone(_ request: MicrophoneRequest) {
        var hasBegun = false
        do throws(MicrophoneError) {
            guard
                let microphone = try open({ () throws(MicrophoneError) in
                    try openMicrophone(request)
                })
            else { return leave(reporting: .stopped) }
            defer { microphone.close() }
            if source.device.attach({ microphone.stop() }) {
                reports.put(.microphone(track: track, microphone.format))
                if case .microphone(let port)? = order() {
                    hasBegun = true
                    let capture = MicrophoneCapture(
                        microphone: microphone,
                        port: port,
                        status: source.status,
                        bell: source.bell
                    )
                    try capture.run()
                }
            }
            microphone.close()
            leave(reporting: hasBegun ? nil : .stopped)
        } catch {
            fail("\(error)", error.recovery, hasBegun)
        }
    }

    /// The open device, as soon as its node is there; nil when a stop came before.
    private func open<Device, Failure: DeviceOpeningError>(
        _ attempt: () throws(Failure) -> Device
    ) throws(Failure) -> Device? {
        let limit = Clock.monotonic.now() + openLimit
        while !source.device.isStopped {
            do throws(Failure) { return try attempt() } catch {
                let next = Clock.monotonic.now() + Self.openPause
                guard error.mayBeEarly, next < limit else { throw error }
                if source.device.waitForStop(until: next) { return nil }
            }
        }
        return nil
    }

    private func order() -> CaptureOrder? {
        switch orders.take() {
        case .element(let order):
            source.status.enter(.running)
            if let priority { _ = NamedThread.requestRealTime(priority: priority) }
            return order
        case .timedOut: return nil
        case .closed: return nil
        }
    }

    /// The device is closed, as asked; `error` says that it never ran.
    private func leave(reporting error: RecordingError?) {
        source.status.enter(.closed)
        session.openDevices.arrive()
        source.endCapture()
        if let error { reports.put(.failed(error)) }
    }

    /// The device failed, and is closed: opening it (`hasBegun` is false) or in the lesson.
    private func fail(_ reason: String, _ recovery: Recovery, _ hasBegun: Bool) {
        source.status.enter(.failed)
        session.openDevices.arrive()
        source.endCapture()
        guard !hasBegun else { return session.lose(source, reason: reason) }
        let name = source.status.name
        reports.put(
            .failed(.deviceUnavailable(source: name, reason: reason, recovery: recovery))
        )
    }
}

/// A device that does not open.
protocol DeviceOpeningError: Error {
    /// The node is not there, or its permissions are not: udev may still be at work on it.
    var mayBeEarly: Bool { get }
}

extension CameraError: DeviceOpeningError {
    var mayBeEarly: Bool {
        switch self {
        case .missing, .notPermitted, .deviceGone: true
        case .notACamera, .deviceBusy, .formatRefused, .noBandwidth, .timestampsUnusable,
            .testAddressInvalid, .driverCallFailed:
            false
        }
    }
}

extension MicrophoneError: DeviceOpeningError {
    var mayBeEarly: Bool {
        switch self {
        case .missing, .notPermitted, .deviceGone: true
        case .deviceBusy, .formatRefused, .timestampsUnusable, .testAddressInvalid,
            .driverCallFailed:
            false
        }
    }
}
