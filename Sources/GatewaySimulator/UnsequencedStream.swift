/// A stream without numbers: `genesys-notify`, and what the notification channels of one OAuth client are fed from.
struct UnsequencedStream: Sendable {
    /// The OAuth client.
    let clientID: String
    var truth: SessionTruth
    /// The events that the configured rate owes this stream.
    var flow: EventFlow

    private var duplicatesDue = 0
    private var losses = 0

    init(protocol name: String, clientID: String, began: Duration) {
        self.clientID = clientID
        flow = EventFlow(began: began)
        truth = SessionTruth(protocol: name)
    }

    /// The next event comes to be. Gives how many times it is to be sent, and its number, which the wire only shows
    /// as an identifier.
    mutating func produce() -> (number: Int, copies: Int) {
        truth.eventsGenerated += 1
        if losses > 0 {
            losses -= 1
            truth.numbersSkipped += 1
            return (truth.eventsGenerated, 0)
        }
        guard duplicatesDue > 0 else { return (truth.eventsGenerated, 1) }
        duplicatesDue -= 1
        return (truth.eventsGenerated, 2)
    }

    /// An event went out to `receivers` sockets, `copies` times to each.
    mutating func sent(copies: Int, receivers: Int) {
        guard copies > 0, receivers > 0 else { return }
        truth.eventsDelivered += 1
        truth.messagesSent += copies * receivers
        truth.duplicatesSent += (copies - 1) * receivers
    }

    /// A fault strikes: events are sent twice or, as there are no numbers to jump over, not at all.
    mutating func apply(_ fault: Fault) {
        switch fault {
        case .gap(let count): losses += max(0, count)
        case .duplicate(let count): duplicatesDue += max(0, count)
        default: break
        }
    }
}
