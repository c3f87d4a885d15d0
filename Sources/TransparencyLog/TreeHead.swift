internal import CryptoPrimitives

/// What a log is at one moment: how many leaves it has, and the one hash that stands for all of
/// them.
///
/// A root alone does not say how many leaves are below it, so the two are kept and compared
/// together.
package struct TreeHead: Sendable, Hashable {
    /// The head of a log without leaves.
    package static let empty = TreeHead(unchecked: 0, MerkleHash.empty)

    /// Number of leaves.
    package let size: Int
    /// The Merkle tree hash of RFC 6962 section 2.1, 32 bytes.
    package let root: [UInt8]

    /// A size below 0, a root that has not 32 bytes, and a root of no leaves that is not the hash of
    /// nothing are refused.
    package init(size: Int, root: [UInt8]) throws(TransparencyLogError) {
        guard size >= 0 else { throw .headRefused(.size) }
        guard root.count == MerkleHash.byteCount, size > 0 || root == MerkleHash.empty else {
            throw .headRefused(.root)
        }
        self.init(unchecked: size, root)
    }

    init(unchecked size: Int, _ root: [UInt8]) {
        self.size = size
        self.root = root
    }

    /// `size:root` with the root in base64url, as challenges and tokens name a log's state.
    package var shortForm: String { "\(size):\(Base64URL.encode(root))" }

    /// The head that a challenge or token names; only the exact spelling of ``shortForm``.
    package init(shortForm: String) throws(TransparencyLogError) {
        let parts = shortForm.utf8.split(
            separator: UInt8(ascii: ":"),
            omittingEmptySubsequences: false
        )
        guard parts.count == 2 else { throw .headRefused(.structure) }
        guard let root = Base64URL.decode(parts[1]) else { throw .headRefused(.root) }
        try self.init(size: Self.parseSize(parts[0]), root: root)
    }

    /// Decimal digits without a leading zero, except for 0 itself.
    static func parseSize(_ text: some Collection<UInt8>) throws(TransparencyLogError) -> Int {
        var size = 0
        for digit in text {
            guard case UInt8(ascii: "0")...UInt8(ascii: "9") = digit else {
                throw .headRefused(.size)
            }
            let (tens, tooManyTens) = size.multipliedReportingOverflow(by: 10)
            let (sum, tooMany) = tens.addingReportingOverflow(Int(digit - UInt8(ascii: "0")))
            guard !tooManyTens, !tooMany else { throw .headRefused(.size) }
            size = sum
        }
        guard !text.isEmpty, text.count == 1 || text.first != UInt8(ascii: "0") else {
            throw .headRefused(.size)
        }
        return size
    }
}
