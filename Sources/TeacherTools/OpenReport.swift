/// What opening a recording found.
package struct OpenReport: Sendable {
    package var recording = ""
    /// The identifier of the box that the token names.
    package var box = ""
    /// Whether that box's key was known, so that its signature could be checked.
    package var isBoxKnown = false
    /// Segments decrypted and written (or checked).
    package var segments = 0
    /// Seconds that they cover.
    package var seconds = 0.0
    package var bytes = 0
    /// What is missing or not sound, in words.
    package var problems: [String] = []
    /// Segments of which a part was taken that nothing vouches for.
    package var salvaged: [String] = []
    /// Gaps that the box itself recorded.
    package var gaps: [String] = []
    /// Stretches that the teacher removed.
    package var cuts: [String] = []
    /// Why the recording ended; nil: it was interrupted and has no end mark.
    package var end: String?
    package var purpose = ""
    package var room = ""
    /// The files written, one for each run that does not continue the one before.
    package var files: [String] = []

    package init() {}

    /// Whether everything that the log names is there and sound, and the log has its end.
    package var isComplete: Bool { problems.isEmpty && end != nil }
}
