internal import Camera
internal import LinuxSystem
internal import MediaTime
internal import Microphone
internal import Pipeline

/// The devices of a lesson while it starts; bound to the starting thread.
final class CaptureSet {
    /// What an open device delivers.
    enum Format {
        case camera(CameraFormat)
        case microphone(MicrophoneFormat)
    }

    private let session: Session
    private let sources: [LessonSource]
    private let reports: HandoffQueue<OpenReport>
    private let orders: [HandoffQueue<CaptureOrder>]
    private let settings: LessonSettings
    private(set) var threads: [NamedThread] = []
    /// In the order of the sources, after ``openAll(_:)``.
    private(set) var formats: [Format] = []

    init(_ session: Session, _ sources: [LessonSource], _ settings: LessonSettings) {
        self.session = session
        self.sources = sources
        self.settings = settings
        // One report each, and one more when an open device fails before its order.
        reports = HandoffQueue(capacity: 2 * sources.count, overflow: .refuse)
        orders = sources.map { _ in HandoffQueue(capacity: 1, overflow: .refuse) }
    }

    /// Opens all devices at once, each on its own thread, and waits for them.
    func openAll(_ opened: (String) -> Void) throws(RecordingError) {
        try startThreads()
        var found: [Int: Format] = [:]
        while found.count < sources.count {
            guard case .element(let report) = reports.take() else { throw .stopped }
            switch report {
            case .failed(let error): throw error
            case .camera(let track, let format): found[track] = .camera(format)
            case .microphone(let track, let format): found[track] = .microphone(format)
            }
            if let track = report.track { opened(sources[track].name) }
        }
        if session.isStopping { throw .stopped }
        formats = sources.indices.compactMap { found[$0] }
    }

    private func startThreads() throws(RecordingError) {
        for (track, source) in sources.enumerated() {
            let capture = CaptureThread(
                session: session,
                source: session.sources[track],
                device: source.device,
                track: track,
                reports: reports,
                orders: orders[track],
                settings: settings
            )
            do throws(SystemError) {
                threads.append(try session.clock.thread("cap-\(source.name)") { capture.run() })
            } catch {
                // Devices without a thread count as closed.
                for _ in track..<sources.count { session.openDevices.arrive() }
                throw .systemFailed(error)
            }
        }
    }

    /// Lets the loops run, each with its own buffers.
    func begin(_ captureOrders: [CaptureOrder]) {
        for (queue, order) in zip(orders, captureOrders) { queue.put(order) }
    }

    /// Ends every thread and waits until its device is closed.
    func cancel() {
        for queue in orders { queue.close() }
        for thread in threads { thread.join() }
    }
}

extension OpenReport {
    fileprivate var track: Int? {
        switch self {
        case .camera(let track, _), .microphone(let track, _): track
        case .failed: nil
        }
    }
}
