internal import LinuxSystem
internal import Pipeline
internal import Synchronization
internal import Testing

/// Deadline for things that happen at once unless something is broken.
private func soon() -> Int64 { Clock.monotonic.now() + 20_000_000_000 }

@Suite("SPSCRing")
struct SPSCRingTests {
    @Test("Two threads pass a hundred thousand numbers: every one once and in order")
    func order() throws {
        let ring = SPSCRing(capacity: 64)
        let total = 100_000
        let producer = try NamedThread("push") {
            for number in 0..<total { while !ring.push(number) {} }
        }
        var expected = 0
        while expected < total {
            guard let number = ring.pop() else { continue }
            guard number == expected else { break }
            expected += 1
        }
        producer.join()
        #expect(expected == total)
        #expect(ring.isEmpty)
    }

    @Test(
        "An evicting producer and a consumer share the numbers out: none lost, none twice, in order"
    )
    func eviction() throws {
        let ring = SPSCRing(capacity: 8)
        let total = 60_000
        let evicted = Mutex<[Int]>([])
        let isDone = Atomic<Bool>(false)
        let producer = try NamedThread("push") {
            var mine: [Int] = []
            for number in 0..<total {
                while !ring.push(number) {
                    if let oldest = ring.evictOldest() { mine.append(oldest) }
                }
            }
            evicted.withLock { $0 = mine }
            isDone.store(true, ordering: .releasing)
        }
        var popped: [Int] = []
        while true {
            let wasDone = isDone.load(ordering: .acquiring)
            if let number = ring.pop() { popped.append(number) } else if wasDone { break }
        }
        producer.join()
        let lost = evicted.withLock { $0 }
        #expect(popped.count + lost.count == total)
        #expect(zip(popped, popped.dropFirst()).allSatisfy { $0 < $1 })
        #expect(zip(lost, lost.dropFirst()).allSatisfy { $0 < $1 })
        #expect(Set(popped).isDisjoint(with: lost))
    }

    @Test("What was written before the push is seen after the pop")
    func publishes() throws {
        let ring = SPSCRing(capacity: 4)
        let free = SPSCRing(capacity: 4)
        let memory = Plain(4)
        for index in 0..<4 { #expect(free.push(index)) }
        let rounds = 30_000
        let producer = try NamedThread("write") {
            for round in 0..<rounds {
                var index = free.pop()
                while index == nil { index = free.pop() }
                memory.cells[index ?? 0] = round
                while !ring.push(index ?? 0) {}
            }
        }
        var wrong = 0
        for round in 0..<rounds {
            var index = ring.pop()
            while index == nil { index = ring.pop() }
            if memory.cells[index ?? 0] != round { wrong += 1 }
            while !free.push(index ?? 0) {}
        }
        producer.join()
        #expect(wrong == 0)
    }

    @Test("A full ring refuses, and its capacity is a power of two")
    func full() {
        let ring = SPSCRing(capacity: 5)
        #expect(ring.capacity == 8)
        for number in 0..<8 { #expect(ring.push(number)) }
        #expect(!ring.push(8))
        #expect(ring.evictOldest() == 0)
        #expect(ring.push(8))
        #expect((0..<9).compactMap { _ in ring.pop() } == Array(1...8))
    }
}

/// Unsynchronised memory: only the ring orders the accesses to it.
private final class Plain: @unchecked Sendable {
    let cells: UnsafeMutablePointer<Int>
    init(_ count: Int) {
        cells = .allocate(capacity: count)
        cells.initialize(repeating: -1, count: count)
    }
    deinit { cells.deallocate() }
}

@Suite("Doorbell")
struct DoorbellTests {
    @Test("A sleeping consumer misses nothing of what a producer pushes")
    func wakes() throws {
        let bell = try Doorbell()
        let ring = SPSCRing(capacity: 2)
        let total = 20_000
        let producer = try NamedThread("ring") {
            for number in 0..<total {
                while !ring.push(number) {}
                bell.ring()
            }
        }
        let limit = soon()
        var taken = 0
        while taken < total, Clock.monotonic.now() < limit {
            if ring.pop() != nil {
                taken += 1
            } else {
                bell.wait(deadline: limit) { !ring.isEmpty }
            }
        }
        #expect(taken == total)
        producer.join()
    }

    @Test("Nobody rings: the deadline ends the wait")
    func deadline() throws {
        let bell = try Doorbell()
        let limit = Clock.monotonic.now() + 20_000_000
        while Clock.monotonic.now() < limit { bell.wait(deadline: limit) { false } }
        #expect(Clock.monotonic.now() >= limit)
    }
}

/// An element with one owner that tells when it is destroyed.
private struct Parcel: ~Copyable, Sendable {
    let number: Int
    let tally: Tally
    deinit { tally.destroyed.add(1, ordering: .relaxed) }
}

private final class Tally: Sendable {
    let destroyed = Atomic<Int>(0)
    var count: Int { destroyed.load(ordering: .relaxed) }
}

@Suite("HandoffQueue")
struct HandoffQueueTests {
    private func number(_ outcome: consuming HandoffQueue<Parcel>.TakeOutcome) -> Int? {
        switch consume outcome {
        case .element(let parcel): parcel.number
        case .timedOut: nil
        case .closed: nil
        }
    }

    private func isClosed(_ outcome: consuming HandoffQueue<Parcel>.TakeOutcome) -> Bool {
        switch consume outcome {
        case .element: false
        case .timedOut: false
        case .closed: true
        }
    }

    @Test("Two threads hand over ten thousand parcels through four places: all, once, in order")
    func waits() throws {
        let queue = HandoffQueue<Parcel>(capacity: 4, overflow: .wait)
        let tally = Tally()
        let producer = try NamedThread("put") {
            for index in 0..<10_000 { queue.put(Parcel(number: index, tally: tally)) }
            queue.close()
        }
        for index in 0..<10_000 {
            guard number(queue.take(deadline: soon())) == index else {
                Issue.record("parcel \(index) is missing")
                break
            }
        }
        let ended = isClosed(queue.take(deadline: soon()))
        #expect(ended)
        producer.join()
        #expect(tally.count == 10_000)
    }

    @Test("A full queue refuses the newest or drops the oldest, as it was made to, and counts")
    func overflows() {
        let tally = Tally()
        let refusing = HandoffQueue<Parcel>(capacity: 2, overflow: .refuse)
        let dropping = HandoffQueue<Parcel>(capacity: 2, overflow: .dropOldest)
        for index in 0..<3 {
            let wanted = index < 2
            #expect(
                refusing.put(Parcel(number: index, tally: tally)) == (wanted ? .accepted : .refused)
            )
            #expect(
                dropping.put(Parcel(number: index, tally: tally))
                    == (wanted ? .accepted : .displacedOldest)
            )
        }
        #expect(tally.count == 2)
        #expect(dropping.displacedCount == 1)
        #expect(number(refusing.take()) == 0)
        #expect(number(dropping.take()) == 1)
        #expect(number(dropping.take()) == 2)
    }

    @Test("A close wakes a waiting put and a waiting take, and leaves what is inside")
    func closes() throws {
        let tally = Tally()
        let full = HandoffQueue<Parcel>(capacity: 1, overflow: .wait)
        full.put(Parcel(number: 7, tally: tally))
        let empty = HandoffQueue<Parcel>(capacity: 1, overflow: .wait)
        let outcomes = Mutex<[String]>([])
        let putting = try NamedThread("put") {
            let outcome = full.put(Parcel(number: 8, tally: tally))
            outcomes.withLock { $0.append("\(outcome)") }
        }
        let taking = try NamedThread("take") {
            switch empty.take() {
            case .closed: outcomes.withLock { $0.append("closed") }
            case .element: outcomes.withLock { $0.append("element") }
            case .timedOut: outcomes.withLock { $0.append("timed out") }
            }
        }
        full.close()
        empty.close()
        putting.join()
        taking.join()
        #expect(outcomes.withLock { $0 } == ["closed", "closed"])
        #expect(number(full.take()) == 7)
        let ended = isClosed(full.take())
        #expect(ended)
    }

    @Test("Discarding destroys every element in the queue once")
    func discards() {
        let tally = Tally()
        let queue = HandoffQueue<Parcel>(capacity: 9, overflow: .refuse)
        for index in 0..<9 { queue.put(Parcel(number: index, tally: tally)) }
        queue.closeAndDiscard()
        #expect(tally.count == 9)
        #expect(queue.put(Parcel(number: 9, tally: tally)) == .closed)
    }

    @Test("A take from an empty queue ends at its deadline")
    func timesOut() {
        let queue = HandoffQueue<Parcel>(capacity: 1, overflow: .refuse)
        let limit = Clock.monotonic.now() + 10_000_000
        let ended = isClosed(queue.take(deadline: limit))
        #expect(!ended)
        #expect(Clock.monotonic.now() >= limit)
    }
}

@Suite("Countdown")
struct CountdownTests {
    @Test(
        "Every waiting thread goes on after the last event, and none before the deadline without it"
    )
    func counts() throws {
        let countdown = Countdown(3)
        #expect(!countdown.wait(deadline: Clock.monotonic.now() + 1_000_000))
        let waiters = try (0..<2).map { _ in
            try NamedThread("wait") { _ = countdown.wait(deadline: nil) }
        }
        for _ in 0..<4 { countdown.arrive() }
        for waiter in waiters { waiter.join() }
        #expect(countdown.wait(deadline: 0))
    }
}

@Suite("FIFO")
struct FIFOTests {
    @Test("Order survives growth and wrap-around, and the rest is destroyed with the queue")
    func order() {
        let tally = Tally()
        do {
            var queue = FIFO<Parcel>(limit: 100)
            var next = 0
            for index in 0..<100 {
                queue.append(Parcel(number: index, tally: tally))
                if index % 3 == 0, let parcel = queue.takeFirst() {
                    #expect(parcel.number == next)
                    next += 1
                }
            }
            #expect(queue.count == 66)
        }
        #expect(tally.count == 100)
    }
}
