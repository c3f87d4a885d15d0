/// One reader under test: what is done with an input, and what its first inputs are.
struct FuzzTarget: Sendable {
    let name: String
    /// Bytes of the longest input that is made.
    let longest: Int
    /// Reads the input; traps where a promise does not hold.
    let run: @Sendable ([UInt8]) -> Void
    let seeds: @Sendable () throws -> [[UInt8]]
}

/// Traps, and so makes libFuzzer keep the input, when `condition` does not hold.
func expect(_ condition: Bool, _ promise: String) {
    guard condition else { fatalError("broken promise: \(promise)") }
}

/// What `body` gives, nil when it refuses the input.
func accepted<Value, Failure: Error>(_ body: () throws(Failure) -> Value) -> Value? {
    do throws(Failure) { return try body() } catch { return nil }
}

/// What the harness itself needs and no input can keep it from.
func needed<Value, Failure: Error>(_ body: () throws(Failure) -> Value) -> Value {
    do throws(Failure) { return try body() } catch { fatalError("the harness failed: \(error)") }
}

/// The input as text; nil when it is not UTF-8.
func text(_ bytes: [UInt8]) -> String? {
    String(validating: bytes, as: UTF8.self)
}

/// Lends `bytes` in pieces whose sizes, 1…64 bytes, follow from `seed` (a linear congruential
/// generator, so that an input is cut the same way each time).
func inPieces(_ bytes: [UInt8], seed: UInt8, _ body: (ArraySlice<UInt8>) -> Void) {
    var state = UInt32(seed)
    var start = 0
    while start < bytes.count {
        state = state &* 1_664_525 &+ 1_013_904_223
        let end = min(bytes.count, start + 1 + Int(state >> 26))
        body(bytes[start..<end])
        start = end
    }
}
