internal import Age
internal import LinuxSystem
internal import Spool

/// Seals a file in pieces as large as a segment, each into a file of its own, as the recorder seals
/// what lies in its memory: `Sealing FILE FOLDER`.
@main
struct Sealing {
    private static let piece = 1 << 20

    static func main() throws {
        let arguments = CommandLine.arguments
        precondition(arguments.count == 3, "Sealing FILE FOLDER")
        let recipient = try AgeIdentity.generate().recipient
        let output = try Folder.make(path: arguments[2], permissions: 0o700)
        let file = try Descriptor.open(arguments[1])
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: piece, alignment: 64)
        var number = 0
        while true {
            let count = try file.read(into: buffer)
            guard count > 0 else { return }
            let plaintext = UnsafeRawBufferPointer(rebasing: buffer[..<count])
            let sealed = try Age.seal(plaintext, to: [recipient])
            try output.file(SpoolName.media(number), [.write, .create]).writeAll(sealed)
            number += 1
        }
    }
}
