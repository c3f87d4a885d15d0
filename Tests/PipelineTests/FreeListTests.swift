import Glibc
import LinuxSystem
import Pipeline
import Synchronization
import Testing

@Suite("Free lists")
struct FreeListTests {
    @Test("What was given back last is taken first")
    func order() {
        let list = FreeList(count: 3)
        #expect(list.isEmpty && list.pop() == nil)
        for index in 0..<3 { list.push(index) }
        #expect(!list.isEmpty)
        #expect(list.pop() == 2)
        list.push(2)
        #expect(list.pop() == 2)
        #expect(list.pop() == 1)
        #expect(list.pop() == 0)
        #expect(list.pop() == nil)
    }

    @Test("Two threads that give back and one that takes never share a buffer, and lose none")
    func threads() throws {
        let count = 6
        let list = FreeList(count: count)
        let owners = (0..<count).map { _ in Counter() }
        let ways = [SPSCRing(capacity: count), SPSCRing(capacity: count)]
        let isOver = Counter()
        let givers = try ways.enumerated().map { number, way in
            try NamedThread("giver\(number)") {
                while isOver.value.load(ordering: .acquiring) == 0 || !way.isEmpty {
                    guard let index = way.pop() else {
                        sched_yield()
                        continue
                    }
                    owners[index].value.subtract(1, ordering: .acquiringAndReleasing)
                    list.push(index)
                }
            }
        }
        for index in 0..<count { list.push(index) }
        var taken = 0
        var isShared = false
        while taken < 20_000 {
            guard let index = list.pop() else {
                sched_yield()
                continue
            }
            let before = owners[index].value.add(1, ordering: .acquiringAndReleasing).oldValue
            isShared = isShared || before != 0
            _ = ways[taken % 2].push(index)
            taken += 1
        }
        isOver.value.store(1, ordering: .releasing)
        for giver in givers { giver.join() }
        #expect(!isShared)
        var left: Set<Int> = []
        while let index = list.pop() { left.insert(index) }
        #expect(left.count == count)
    }
}

private final class Counter: Sendable {
    let value = Atomic<Int>(0)
}
