/// Every path of a box and of a teacher's own computer, in one place.
///
/// Below a root folder a box has the paths it would have on a machine of its own
/// (`DIR/etc/lenscap`, `DIR/var/lib/lenscap`, `DIR/run/lenscap`), so that demo and tests need no
/// privilege; the teacher's folder is `DIR/teacher`.
package struct Locations: Hashable, Sendable {
    /// The folder given with `--root`, empty for the machine itself.
    package let root: String
    /// Keys, card and known rooms of a teacher.
    package let teacher: String
    package let spool: String
    /// What the uploader tells the authority: its journal of acknowledgements.
    package let outbox: String

    /// - Parameters:
    ///   - root: the argument of `--root`, nil without. A path of the caller's folder is made
    ///     absolute by the caller: sockets and children need it so.
    ///   - environment: reads a variable; `XDG_CONFIG_HOME` and `HOME` count, without a root.
    ///   - paths: what the configuration says otherwise.
    package init(
        root: String? = nil,
        environment: (String) -> String? = { _ in nil },
        paths: BoxConfiguration.Paths = BoxConfiguration.Paths()
    ) {
        var base = root ?? ""
        while base.hasSuffix("/") { base.removeLast() }
        self.root = base
        spool = paths.spool ?? base + "/var/lib/lenscap/spool"
        outbox = paths.outbox ?? base + "/var/lib/lenscap/outbox"
        teacher = root == nil ? Locations.teacherFolder(environment) : base + "/teacher"
    }

    /// The same with the places that the configuration names.
    package func with(_ paths: BoxConfiguration.Paths) -> Locations {
        Locations(self, paths)
    }

    private init(_ other: Locations, _ paths: BoxConfiguration.Paths) {
        root = other.root
        teacher = other.teacher
        spool = paths.spool ?? other.spool
        outbox = paths.outbox ?? other.outbox
    }

    /// XDG Base Directory Specification: a relative path in the variable does not count.
    private static func teacherFolder(_ environment: (String) -> String?) -> String {
        if let folder = environment("XDG_CONFIG_HOME"), folder.hasPrefix("/") {
            return folder + "/lenscap"
        }
        return (environment("HOME") ?? "") + "/.config/lenscap"
    }

    package var etc: String { root + "/etc/lenscap" }
    package var configuration: String { etc + "/lenscap.toml" }
    package var trust: String { etc + "/trust" }
    package var authorities: String { trust + "/authorities.json" }
    package var room: String { trust + "/room.json" }
    package var revocations: String { trust + "/revocations.json" }
    package var cards: String { trust + "/cards" }

    /// The text that teachers agree to, in a language (`en`, `cy`).
    package func agreement(_ language: String) -> String { etc + "/agreement.\(language).md" }

    package var state: String { root + "/var/lib/lenscap" }
    package var keyFolder: String { state + "/key" }
    package var boxKey: String { keyFolder + "/box.pem" }
    package var log: String { state + "/log" }
    package var acknowledged: String { outbox + "/acknowledged" }

    package var sysfs: String { root + "/sys" }
    package var devices: String { root + "/dev" }

    package var run: String { root + "/run/lenscap" }
    package var teacherSocket: String { run + "/teacher.sock" }
    package var statusSocket: String { run + "/status.sock" }
    package var auditSocket: String { run + "/audit.sock" }
    package var recorderSocket: String { run + "/recorder.sock" }
    /// Held by a recorder for its life.
    package var recorderLock: String { run + "/recorder.lock" }
    package var uploaderState: String { run + "/uploader.json" }

    package var signingKey: String { teacher + "/signing.pem" }
    package var identity: String { teacher + "/identity.txt" }
    package var card: String { teacher + "/card.json" }
    package var knownAuthorities: String { teacher + "/authorities.json" }
    package var knownRooms: String { teacher + "/rooms" }
}
