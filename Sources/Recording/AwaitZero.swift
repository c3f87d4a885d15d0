internal import LinuxSystem

extension Session {
    /// Waits until the lesson's first instant is decided; nil when the lesson ends before.
    ///
    /// Encode threads only. Meanwhile a camera's oldest pictures make room for new ones, so that
    /// the ones around the first instant are there when it is known.
    func awaitZero(_ source: SourceControl) -> Int64? {
        while true {
            if let zero = timeline.decide() { return zero }
            if isAborted || (isStopping && source.isCaptureOver) { return nil }
            source.bell.wait(deadline: clock.now() + 10_000_000) { false }
        }
    }
}
