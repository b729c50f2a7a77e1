import NIOCore
import StreamModel
import StreamProfiles

extension StreamRuntime {
    /// What has become of a stream that is held.
    enum Life {
        /// Its loop has not come to it yet.
        case awaited
        /// It was started, and may be over.
        case running(StreamDriver)
        /// It was to end before it began; `finished` is called in place of its begin.
        case forgone(finished: () -> Void)
    }

    /// A class: the table of ten thousand of them would otherwise be three times as large as what it holds.
    final class Held: Sendable {
        let specification: StreamSpecification
        let credential: CredentialSpecification?
        let place: LoopPlace
        /// On the loop.
        let life: NIOLoopBoundBox<Life>

        init(_ specification: StreamSpecification, credential: CredentialSpecification?, at place: LoopPlace) {
            self.specification = specification
            self.credential = credential
            self.place = place
            life = NIOLoopBoundBox.makeBoxSendingValue(.awaited, eventLoop: place.loop)
        }
    }

    struct State {
        var held: [String: Held] = [:]
        /// Streams that are being stopped, with what is to start in their place.
        var retiring: [String: StreamSpecification?] = [:]
        /// When these are over.
        var leaving: [String: EventLoopFuture<Void>] = [:]
        var keepers: [String: (specification: CredentialSpecification, keeper: CredentialKeeper)] = [:]
        var budgets: [String: BudgetKeeper] = [:]
        var plan = RuntimePlan(streams: [])
        /// How long a token must still be good, by the credential: the strictest of the profiles that share it decides.
        var validities: [String: Duration] = [:]
        /// The stream that was started last, and its host: the next one's is mostly the same.
        var lastHost: (stream: StreamSpecification, host: String)?
        var nextRequester: UInt64 = 0
        var random: SplitMix64
        var isStopping = false
        var saving: RepeatedTask?
    }
}
