internal import Configuration
internal import Testing

@Suite("Locations")
struct LocationsTests {
    @Test("Without a root the paths are those of the machine")
    func machine() {
        let locations = Locations(environment: { ["HOME": "/home/ann"][$0] })
        #expect(locations.configuration == "/etc/lenscap/lenscap.toml")
        #expect(locations.authorities == "/etc/lenscap/trust/authorities.json")
        #expect(locations.room == "/etc/lenscap/trust/room.json")
        #expect(locations.revocations == "/etc/lenscap/trust/revocations.json")
        #expect(locations.cards == "/etc/lenscap/trust/cards")
        #expect(locations.agreement("cy") == "/etc/lenscap/agreement.cy.md")
        #expect(locations.boxKey == "/var/lib/lenscap/key/box.pem")
        #expect(locations.log == "/var/lib/lenscap/log")
        #expect(locations.spool == "/var/lib/lenscap/spool")
        #expect(locations.acknowledged == "/var/lib/lenscap/outbox/acknowledged")
        #expect(locations.teacherSocket == "/run/lenscap/teacher.sock")
        #expect(locations.statusSocket == "/run/lenscap/status.sock")
        #expect(locations.auditSocket == "/run/lenscap/audit.sock")
        #expect(locations.recorderSocket == "/run/lenscap/recorder.sock")
        #expect(locations.recorderLock == "/run/lenscap/recorder.lock")
        #expect(locations.uploaderState == "/run/lenscap/uploader.json")
        #expect(locations.signingKey == "/home/ann/.config/lenscap/signing.pem")
        #expect(locations.identity == "/home/ann/.config/lenscap/identity.txt")
        #expect(locations.knownRooms == "/home/ann/.config/lenscap/rooms")
    }

    @Test("The teacher's folder follows XDG_CONFIG_HOME when it is absolute")
    func xdg() {
        let both = ["HOME": "/home/ann", "XDG_CONFIG_HOME": "/cfg"]
        #expect(Locations(environment: { both[$0] }).card == "/cfg/lenscap/card.json")
        let relative = ["HOME": "/home/ann", "XDG_CONFIG_HOME": "cfg"]
        #expect(Locations(environment: { relative[$0] }).teacher == "/home/ann/.config/lenscap")
    }

    @Test("Below a root nothing is outside it", arguments: ["/tmp/box", "/tmp/box/"])
    func rooted(root: String) {
        let locations = Locations(root: root, environment: { _ in "/home/ann" })
        #expect(locations.root == "/tmp/box")
        #expect(locations.room == "/tmp/box/etc/lenscap/trust/room.json")
        #expect(locations.spool == "/tmp/box/var/lib/lenscap/spool")
        #expect(locations.teacherSocket == "/tmp/box/run/lenscap/teacher.sock")
        #expect(locations.signingKey == "/tmp/box/teacher/signing.pem")
    }

    @Test("The configuration may move spool and outbox, and nothing else")
    func moved() {
        var paths = BoxConfiguration.Paths()
        paths.spool = "/srv/spool"
        let locations = Locations(root: "/box").with(paths)
        #expect(locations.spool == "/srv/spool")
        #expect(locations.outbox == "/box/var/lib/lenscap/outbox")
        #expect(locations.log == "/box/var/lib/lenscap/log")
        #expect(locations == Locations(root: "/box", paths: paths))
    }
}
