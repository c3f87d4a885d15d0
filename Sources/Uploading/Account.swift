package import LinuxSystem

/// A place that takes a teacher's recordings.
///
/// Every call blocks.
package protocol Account: Sendable {
    /// Stores an object durably and proves it: when this returns, the account holds exactly these
    /// bytes under `teacher/recording/name-sha256`. An object that is there already is success.
    func store(_ object: OutgoingObject, from file: borrowing Descriptor) throws(UploadError)
}

/// Where an object goes: `<teacher>/<recording>/<name>-<sha256>`, the hash in lower-case
/// hexadecimal, so that a name can only ever mean one content.
package struct OutgoingObject: Sendable, Hashable {
    package let teacher: String
    package let recording: String
    package let name: String
    /// 32 bytes.
    package let sha256: [UInt8]

    package init(teacher: String, recording: String, name: String, sha256: [UInt8]) {
        self.teacher = teacher
        self.recording = recording
        self.name = name
        self.sha256 = sha256
    }
}
