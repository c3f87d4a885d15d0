internal import Testing

/// One test at a time: some count the descriptors of the whole process.
@Suite("Varlink", .serialized, .timeLimit(.minutes(2)))
enum VarlinkTests {}
