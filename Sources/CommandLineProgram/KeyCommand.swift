internal import ArgumentParser
internal import Configuration
internal import CryptoPrimitives
internal import TeacherTools

struct KeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key",
        abstract: "Make keys.",
        subcommands: [New.self]
    )

    struct New: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a signing key and, for a teacher, an age identity.",
            discussion: """
                Without options: a teacher's signing.pem and identity.txt in the teacher's folder. \
                With --output: only a signing key in that file, for an authority. Existing files \
                are never replaced.
                """
        )

        @OptionGroup var common: CommonOptions

        @Option(help: "EdDSA or ES256.")
        var algorithm = "EdDSA"

        @Option(help: "Write only a signing key, PKCS#8, to this file.")
        var output: String?

        func run() throws {
            guard let algorithm = SignatureAlgorithm(rawValue: algorithm) else {
                throw ValidationError("The algorithm is EdDSA or ES256.")
            }
            try reporting {
                if let output {
                    let key = try SigningKeyFile.make(output, algorithm)
                    Terminal.say("key \(key.thumbprint)")
                    return
                }
                let folder = TeacherFolder(path: try common.locations().teacher)
                let (key, recipient) = try folder.makeKeys(algorithm)
                Terminal.say("key       \(key.thumbprint)")
                Terminal.say("recipient \(recipient.text)")
                Terminal.say("in \(folder.path): keep it safe; nobody can replace it.")
            }
        }
    }
}
