package import LinuxSystem

/// A camera behind a V4L2 node.
///
/// Concurrency: as ``Camera`` says. The only thing that two threads touch is the wake event.
package final class V4L2Camera: Camera, @unchecked Sendable {
    // Sendable: `soleUser` traps when two threads are in `next` or `close`; `stop` touches only
    // the wake event, which is Sendable.

    package let format: CameraFormat
    package let identity: DeviceIdentity

    private let wake: WakeEvent
    private let waiting: PollSet
    private let soleUser = SoleUser()
    /// Goes before the device that it talks to.
    private var converter: PictureConverter?
    private var stream: V4L2Stream?
    private var check: PictureCheck
    private var hasBegun = false

    /// Places in `waiting`.
    private static let device = 0
    private static let stop = 1

    package init(
        _ request: CameraRequest,
        again known: DeviceIdentity?
    ) throws(CameraError) {
        do throws(SystemError) { wake = try WakeEvent() } catch {
            throw .driverCallFailed(error)
        }
        let device = try V4L2Device.open(request.path)
        identity = try device.identity()
        // Before anything is set: another device is none of the lesson's business.
        if let known, known != identity { throw .anotherDevice(identity) }
        var negotiated = try device.negotiate(request)
        format = negotiated.format
        converter = negotiated.converter.take()
        let stream = try V4L2Stream.start(device)
        waiting = PollSet([PollEntry(stream.raw, .readable), PollEntry(wake.raw, .readable)])
        check = PictureCheck(
            // The converter sees for itself what is missing.
            pictureSize: converter == nil ? format.pictureSize : 1,
            interval: format.frameInterval.nanoseconds
        )
        self.stream = consume stream
    }

    package func next(
        deadline: Int64,
        _ body: (UnsafeRawBufferPointer, _ timestamp: Int64) -> Void
    ) throws(CameraError) -> CameraOutcome {
        soleUser.enter()
        defer { soleUser.leave() }
        guard stream != nil else { return .stopped }
        if !hasBegun {
            try dropOld()
            hasBegun = true
        }
        while true {
            let isReady = try wait(deadline)
            if waiting.returned(Self.stop).contains(.readable) { return .stopped }
            guard isReady else { return .timedOut }
            let events = waiting.returned(Self.device)
            if events.contains(.hangUp) || events.contains(.invalid) { throw .deviceGone }

            // An error alone may also be a stream that broke; dequeueing tells which.
            if let outcome = try take(body) { return outcome }
            if events.contains(.error) { throw .deviceGone }
        }
    }

    package var estimatedTimes: Int { check.estimates }

    package func stop() {
        wake.signal()
    }

    package func close() {
        soleUser.enter()
        converter = nil
        stream = nil
        soleUser.leave()
    }

    private func wait(_ deadline: Int64) throws(CameraError) -> Bool {
        do throws(SystemError) { return try waiting.wait(deadline: deadline) > 0 } catch {
            throw .driverCallFailed(error)
        }
    }

    /// Gives back what was filled before anybody looked.
    private func dropOld() throws(CameraError) {
        for _ in 0..<(stream?.bufferCount ?? 0) {
            guard let lease = try stream?.dequeue() else { return }
            try stream?.giveBack(lease)
        }
    }

    /// One picture from the driver through the check to the body, or nil when there was none.
    private func take(
        _ body: (UnsafeRawBufferPointer, _ timestamp: Int64) -> Void
    )
        throws(CameraError) -> CameraOutcome?
    {
        guard let lease = try stream?.dequeue() else { return nil }
        let verdict = check.judge(lease.facts, now: Clock.monotonic.now())
        var isWhole = false
        if case .picture(_, let time) = verdict, let bytes = converted(lease.bytes) {
            isWhole = true
            body(bytes, time)
        }
        try stream?.giveBack(lease)
        switch verdict {
        case .picture(let lost, _) where isWhole: return .picture(lost: lost)
        case .picture, .damaged: return .damaged
        }
    }

    private func converted(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        converter == nil ? bytes : converter?.convert(bytes)
    }
}
