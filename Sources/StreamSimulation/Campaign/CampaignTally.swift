/// What simulations have gone through, added up.
struct CampaignTally: Sendable {
    var seeds = 0
    var virtualSeconds = 0.0
    var streamSeconds = 0.0
    var steps = 0
    var messagesSent = 0
    var messagesDelivered = 0
    var attempts = 0
    var lives = 0
    var auditLines = 0
    var comparisons = 0
    var faults: [String: Int] = [:]
    /// Cases that a fault can lead to, and need not: a checker that never gets to see one is no checker.
    var reached: [String: Int] = [:]

    mutating func add(_ other: CampaignTally) {
        seeds += other.seeds
        virtualSeconds += other.virtualSeconds
        streamSeconds += other.streamSeconds
        steps += other.steps
        messagesSent += other.messagesSent
        messagesDelivered += other.messagesDelivered
        attempts += other.attempts
        lives += other.lives
        auditLines += other.auditLines
        comparisons += other.comparisons
        faults.merge(other.faults) { $0 + $1 }
        reached.merge(other.reached) { $0 + $1 }
    }
}
