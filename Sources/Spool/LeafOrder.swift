/// Which leaf may follow which: `begin`, then `run`, then segments and gaps and further runs, then
/// `end`, and nothing after it.
///
/// A pure value; the authority keeps one per recording.
package struct LeafOrder: Sendable {
    private enum Stage: Sendable {
        case empty
        case begun
        case running
        case ended
    }

    private var stage = Stage.empty
    /// The one counter over init and media segments.
    private var nextObject = 0
    package private(set) var segments: Int64 = 0
    /// Nanoseconds of the timeline that segments cover.
    package private(set) var committed: Int64 = 0

    package init() {}

    package var hasBegun: Bool { stage != .empty }
    package var hasEnded: Bool { stage == .ended }

    /// Accepts the next leaf, or says why it cannot follow.
    package mutating func accept(_ leaf: Leaf) throws(SpoolError) {
        switch (leaf, stage) {
        case (.begin, .empty):
            stage = .begun
        case (.run(let object, _), .begun), (.run(let object, _), .running):
            try take(object, name: SpoolName.initial(nextObject))
            stage = .running
        case (.segment(let object, let start, let duration), .running):
            guard start >= 0, duration > 0, start <= Int64.max / 2, duration <= Int64.max / 2 else {
                throw .disorder("a segment without length")
            }
            try take(object, name: SpoolName.media(nextObject))
            segments += 1
            committed = max(committed, start + duration)
        case (.gap(_, _, let from, let to), .running), (.gap(_, _, let from, let to), .begun):
            guard from <= to else { throw .disorder("a gap that ends before it begins") }
        case (.cut(let from, let to, _), .running), (.cut(let from, let to, _), .ended):
            guard from <= to else { throw .disorder("a cut that ends before it begins") }
        case (.end(_, _, let count, let summary), .begun),
            (.end(_, _, let count, let summary), .running):
            guard count == segments else { throw .disorder("the end counts other segments") }
            guard summary == nil || summary?.name == SpoolName.summary else {
                throw .disorder("the summary has another name")
            }
            stage = .ended
        default:
            throw .disorder("a leaf of this kind cannot stand here")
        }
    }

    private mutating func take(_ object: Leaf.Object, name: String) throws(SpoolError) {
        guard object.name == name else { throw .disorder("\(name) was expected") }
        guard object.bytes > 0 else { throw .disorder("\(name) is empty") }
        nextObject += 1
    }
}
