import Testing

/// Everything that runs the program. One after the other: each starts processes of its own, and the machine that runs
/// the tests may be small.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct EndToEnd {}
