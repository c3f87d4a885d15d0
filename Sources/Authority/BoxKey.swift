internal import Consent
package import CryptoPrimitives
internal import LinuxSystem

/// The box's own key: made on the box, never leaving it.
///
/// A replaced box is a new box.
package enum BoxKey {
    private static let fileName = "box.pem"
    private static let byteLimit = 16_384

    /// Loads the key from its folder, or makes it there at the first start (mode 0600).
    package static func loadOrMake(folder path: String) throws(AuthorityError) -> SigningKey {
        do {
            return try load(folder: path)
        } catch {
            guard case .system(let failure) = error, failure.isNotFound else { throw error }
        }
        do {
            let key = try SigningKey.generate(.edDSA)
            let folder = try Folder.make(path: path, permissions: 0o700)
            let pem = try key.pem()
            try pem.withUnsafeBytes { (bytes) throws(SystemError) in
                try folder.writeDurably(fileName, bytes, permissions: 0o600)
            }
            return key
        } catch let error as SystemError {
            throw .system(error)
        } catch {
            throw .refused(Refusal(.key, "The box key could not be made: \(error)."))
        }
    }

    package static func load(folder path: String) throws(AuthorityError) -> SigningKey {
        do {
            var pem = try Folder(path: path).read(fileName, limit: byteLimit)
            defer { cleanse(&pem) }
            return try SigningKey(pem: pem)
        } catch let error as SystemError {
            throw .system(error)
        } catch {
            throw .refused(Refusal(.key, "The box key in \(path) cannot be read: \(error)."))
        }
    }
}
