internal import LinuxSystem

/// What every program of the box begins with: its configuration and its places.
package struct BoxSetup: Sendable {
    package let configuration: BoxConfiguration
    package let locations: Locations

    /// Reads the configuration of the machine, or of the box below `root`.
    package init(root: String?) throws(ConfigurationError) {
        let plain = Locations(
            root: try root.map(BoxSetup.absolute),
            environment: CurrentProcess.environment
        )
        configuration = try BoxConfiguration.read(plain.configuration)
        locations = plain.with(configuration.paths)
    }

    /// Sockets and children need an absolute path.
    private static func absolute(_ path: String) throws(ConfigurationError) -> String {
        if path.hasPrefix("/") { return path }
        do throws(SystemError) {
            return try CurrentProcess.folder() + "/" + path
        } catch {
            throw .unreadable(error)
        }
    }
}

extension Locations {
    /// Whether this machine is a box: nothing of a teacher's is kept on one.
    package static var isBox: Bool {
        (try? Folder(path: Locations().etc)) != nil
    }
}

extension BoxConfiguration {
    /// The options of a source; the defaults when the file says nothing of it.
    package func source(_ name: String) -> Source { sources[name] ?? Source() }
}
