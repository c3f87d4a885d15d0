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

    func run() {
        switch device {
        case .camera(let request): runCamera(request)
        case .microphone(let request): runMicrophone(request)
        }
    }

    private func runCamera(_ request: CameraRequest) {
        var hasBegun = false
        do throws(CameraError) {
            if source.device.isStopped { return leave(reporting: .stopped) }
            let camera = try openCamera(request)
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
            if source.device.isStopped { return leave(reporting: .stopped) }
            let microphone = try openMicrophone(request)
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
