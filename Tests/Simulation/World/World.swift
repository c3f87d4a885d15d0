import CryptoPrimitives
import LinuxSystem
import Spool
import Uploading

/// A box, its disk, its teacher and the account, from the first lesson until everything that was
/// promised is where it belongs.
///
/// All that happens follows from the seed. What decides is the programs' own code: the verification
/// of starts, the session machine, the recorder's sink, the keepers of spool and journal, the
/// uploader, and the teacher's tool at the end; simulated are the clock, the disk below their calls,
/// the capture, and who runs when.
package final class World {
    static let second: Int64 = 1_000_000_000
    static let spool = "/box/spool"
    static let outbox = "/box/outbox"
    static let trust = "/box/trust"
    static let reserve = 20_000
    private static let schools: [SimulatedSchool]? = try? [0, 15].map {
        try SimulatedSchool(holdMinutes: $0)
    }

    let school: SimulatedSchool
    let schedule = Schedule()
    let disk: SimulatedDisk
    let ledger = Ledger()
    var random: RandomSource
    var box: SimulatedBox?
    var recorder: SimulatedRecorder?
    private(set) var uploader: SimulatedProcess?
    var isLampLit = false
    var isGateOpen = false
    private var lessonsLeft: Int
    /// How often programs and power die: once in so many pieces of work.
    private let danger: Int
    private var clockStep: Int64 = 0
    private(set) var isEnding = false

    package init(seed: UInt64, lie: Lie = .none) {
        guard let schools = Self.schools else { preconditionFailure("no school can be made") }
        random = RandomSource(seed: seed)
        school = random.one(of: schools)
        disk = SimulatedDisk(random: RandomSource(seed: random.next()))
        disk.lie = lie
        lessonsLeft = random.number(1...4)
        danger = random.one(of: [15, 40, 120, 1_000_000])
        disk.capacity = random.one(of: [150_000, 400_000, 1 << 22])
        for path in [Self.spool, Self.outbox, Self.trust] { disk.prepare(path, nil) }
        disk.prepare("\(Self.trust)/authorities.json", school.authorities)
        disk.prepare("\(Self.trust)/room.json", school.room)
        disk.prepare("/account/.lenscap-account", [])
        disk.preempt = { [unowned self] in schedule.step(until: schedule.now + Self.second) }
    }

    var clock: Int64 { SimulatedSchool.began + 10_000 + schedule.now / Self.second + clockStep }

    /// Whether nothing may go wrong by itself just now.
    var isFair: Bool {
        if case .fair = disk.weather { return isEnding || danger == 1_000_000 }
        return false
    }

    /// How long a message or a thread takes, mostly short.
    func delay() -> Int64 {
        random.once(in: 30) ? random.time(0...6 * Self.second) : random.time(0...20_000_000)
    }

    /// A piece of a program's work, which may be its last.
    func run(_ process: SimulatedProcess, _ body: () -> Void) {
        disk.run(process) {
            if !isEnding, random.once(in: danger) {
                disk.doom = (random.number(1...60), random.once(in: 2))
                ledger.kills += 1
            }
            body()
        }
    }

    // MARK: Life

    /// Runs to the end; what is wrong, or nothing.
    package func live() -> Ledger {
        FileSystem.$simulated.withValue(disk) {
            powerUp()
            teach()
            changeWeather()
            deliver()
            let limit = 12 * 3600 * Self.second
            while !isOver, schedule.step(until: limit) { lookAround() }
            if !isOver { ledger.note("it does not come to rest in twelve hours: \(waiting)") }
            if ledger.problems.isEmpty { judgeAccount() }
            box = nil
            recorder = nil
            schedule.clear()
        }
        if disk.believedAgain > 0 { ledger.note("a file is synced again after a failed sync") }
        ledger.powerCuts = disk.powerCuts
        ledger.errors = disk.injected
        return ledger
    }

    private var isOver: Bool {
        !ledger.problems.isEmpty || isEnding && deliveredAll
    }

    /// Who died, and what follows from it.
    private func lookAround() {
        if !disk.isPowered {
            box?.process.kill()
            recorder?.kill()
            uploader?.kill()
            isLampLit = false
            isGateOpen = false
            box = nil
            judgePromises("after a power cut")
            disk.powerUp()
            schedule.after(random.time(5...60) * Self.second) { self.powerUp() }
        } else if let dead = box, dead.process.isDead {
            box = nil
            judgePromises("after a kill of lenscapd")
            // Its end of the connection closes; systemd ends what is bound to it.
            schedule.after(random.time(0...80_000_000)) { self.recorder?.kill() }
            schedule.after(random.time(1...3_000) * 1_000_000) { self.powerUp() }
        }
    }

    private func powerUp() {
        guard box == nil, disk.isPowered else { return }
        let new = SimulatedBox(self)
        box = new
        new.boot()
    }

    /// What teacher, technician and chance do every few seconds.
    private func teach() {
        guard !isEnding else { return }
        defer { schedule.after(random.time(1...15) * Self.second) { self.teach() } }
        if random.once(in: 40) { clockStep += random.time(-7200...7200) }
        if random.once(in: danger * 2) { disk.cutPower() }
        if random.once(in: danger * 2) { recorder?.kill() }
        if random.once(in: danger * 2) { box?.process.kill() }
        guard let box, box.isReady, !box.process.isDead else { return }
        if box.isIdle {
            guard lessonsLeft > 0 else {
                if random.once(in: 6) { end() } else { order() }
                return
            }
            lessonsLeft -= 1
            box.decide(seconds: 60)
        } else if random.once(in: 3) {
            box.stop(random.one(of: [.stopped, .key, .line, .lamp, .duration, .closedTime]))
        } else if random.once(in: 8) {
            order()
        }
    }

    private func order() {
        let recordings = ledger.promises.keys.sorted()
        guard let box, random.once(in: 3), !recordings.isEmpty else { return }
        let recording = random.one(of: recordings)
        if random.once(in: 3) {
            box.order(recording, from: 0, to: 0)
        } else {
            let from = random.time(0...20) * Self.second
            box.order(recording, from: from, to: from + random.time(1...10) * Self.second)
        }
    }

    private func changeWeather() {
        guard !isEnding else { return }
        switch random.number(0...9) {
        case 0...2: disk.weather = .foul(random.one(of: [8, 30, 120]))
        case 3: disk.weather = .full
        default: disk.weather = .fair
        }
        schedule.after(random.time(1...40) * Self.second) { self.changeWeather() }
    }

    /// The uploader is woken now and then; in the end until it has nothing left.
    private func deliver() {
        schedule.after(random.time(1...(isEnding ? 600 : 60)) * Self.second, .uploader) {
            defer { self.deliver() }
            guard self.disk.isPowered else { return }
            let process = SimulatedProcess("uploader")
            self.uploader = process
            self.run(process) { self.pass() }
            self.uploader = nil
            if self.random.once(in: 2) || self.isEnding { self.box?.removeDelivered() }
        }
    }

    private func pass() {
        let settings = Uploader.Settings(
            spool: Self.spool,
            outbox: Self.outbox,
            trust: Self.trust,
            report: "/box/uploader.json"
        )
        guard var uploader = try? Uploader(settings) else { return }
        ledger.delivered += uploader.pass(now: clock).delivered
    }

    /// From here on nothing goes wrong any more, and everything must come right.
    private func end() {
        isEnding = true
        disk.weather = .fair
        disk.capacity = 1 << 24
        // A file system that became read-only needs it, too.
        disk.cutPower()
    }

    /// What is still in the spool.
    private var waiting: String {
        let folders = disk.look(Self.spool)?.entries.filter { $0.value.isFolder } ?? [:]
        let names = folders.map { "\($0.key) \($0.value.entries.keys.sorted())" }
        return "\(names), lenscapd is \(box?.isReady == true ? "" : "not ")ready"
    }

    private var deliveredAll: Bool {
        guard box?.isReady == true, let spool = disk.look(Self.spool) else { return false }
        return !spool.entries.keys.contains(where: SpoolName.isRecording)
    }

    func darkenLamp() {
        if recorder?.isGone == false || isGateOpen {
            ledger.note("the lamp goes dark while devices may be open")
        }
        isLampLit = false
    }
}
