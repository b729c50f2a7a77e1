import StreamModel
import StreamSupervisor

/// One client. Some 40 bytes: what an event needs to know of its client lies in one line of the cache.
struct Client {
    /// What a client is doing.
    enum Stage: Hashable {
        case backingOff
        case awaitingPermit
        /// Waits for the token that its process fetches.
        case awaitingToken
        /// Its own token is on the way.
        case fetchingToken
        /// The gateway has accepted it; the answer is on the way.
        case answered
        /// The attempt is going to fail; when, lies in the wheel.
        case failed(FailureCause)
        case back
        case parked
    }

    var random: SplitMix64
    /// The delay before, in nanoseconds; 0: none yet.
    var previousDelay: Int64 = 0
    /// Retries begun since the drop.
    var retries: Int32 = 0
    /// When the attempt under way began, in ticks.
    var began: Int32 = 0
    /// The next client that waits for the same token.
    var nextWaiting = TimingWheel.none
    var stage = Stage.backingOff
    var hasToken = false
}

/// The processes that hold the clients.
struct Processes {
    /// How far a process' shared token is.
    enum TokenState: Hashable {
        case none
        case requested
        /// Status 429: asked for again when the limit is lifted.
        case resting
        case held
    }

    let count: Int
    /// Empty where there is no budget.
    var budgets: [ConnectBudget]
    var pumpIsPending: [Bool]
    var token: [TokenState]
    /// The first and the last client that wait for the token.
    var firstWaiting: [Int32]
    var lastWaiting: [Int32]

    init(count: Int, budget: ConnectBudget.Limits?) {
        self.count = count
        let start = Instant(nanoseconds: 0)
        budgets = budget.map { Array(repeating: ConnectBudget($0, at: start), count: count) } ?? []
        pumpIsPending = Array(repeating: false, count: count)
        token = Array(repeating: .none, count: count)
        firstWaiting = Array(repeating: TimingWheel.none, count: count)
        lastWaiting = firstWaiting
    }
}

/// Why an attempt of a storm fails.
enum FailureCause: Hashable {
    case down
    case full
    case timeout
    case gatewayError
    case throttled
}

/// A step of a client, for the tests. Times in ticks.
enum Observation: Hashable {
    /// It noticed the drop.
    case lost(client: Int, at: Int32)
    /// It asked for leave to begin an attempt.
    case asked(client: Int, at: Int32)
    /// It had leave, and began.
    case began(client: Int, at: Int32)
    case failed(client: Int, FailureCause, at: Int32)
    case back(client: Int, at: Int32)
}
