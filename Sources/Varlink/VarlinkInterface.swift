/// One method of an interface and what answers it.
package struct VarlinkMethod {
    package enum Replies: Hashable, Sendable {
        /// One reply, or several when the caller asks for `more` and the handler gives them.
        case oneOrMore
        /// Only with `more`; without, the caller is told `ExpectedMore`.
        case onlyMore
    }

    let name: String
    let replies: Replies
    let handler: (VarlinkCall) -> Void

    /// The handler answers the call now or later, from the loop's thread, exactly once.
    package init(
        _ name: String,
        _ replies: Replies = .oneOrMore,
        _ handler: @escaping (VarlinkCall) -> Void
    ) {
        self.name = name
        self.replies = replies
        self.handler = handler
    }
}

/// An interface with its published description and the methods that this service implements.
package struct VarlinkInterface {
    package let name: String
    /// The text of the `.varlink` file, given out unchanged.
    package let description: String
    let declared: Set<String>
    let methods: [String: VarlinkMethod]

    /// Reads the name and the methods that exist from the description.
    ///
    /// Those without a handler answer `MethodNotImplemented`. A handler for a method not described
    /// is a bug and traps.
    package init(description: String, methods: [VarlinkMethod]) {
        let lines = description.split(separator: "\n")
        let names = lines.compactMap { VarlinkInterface.word(after: "interface", in: $0) }
        precondition(names.count == 1, "a description names one interface")
        name = names[0]
        self.description = description
        declared = Set(lines.compactMap { VarlinkInterface.word(after: "method", in: $0) })
        for method in methods {
            precondition(declared.contains(method.name), "\(method.name) is not described")
        }
        self.methods = Dictionary(methods.map { ($0.name, $0) }) { _, _ in
            preconditionFailure("two handlers for one method")
        }
    }

    private static func word(after keyword: String, in line: Substring) -> String? {
        let words = line.split { $0 == " " || $0 == "\t" || $0 == "(" }
        guard words.count >= 2, words[0] == keyword else { return nil }
        return String(words[1])
    }
}

/// What `org.varlink.service.GetInfo` says of the program.
package struct VarlinkProduct: Sendable {
    package let vendor: String
    package let product: String
    package let version: String
    package let url: String

    package init(vendor: String, product: String, version: String, url: String) {
        self.vendor = vendor
        self.product = product
        self.version = version
        self.url = url
    }
}
