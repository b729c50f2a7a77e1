/// One thing that goes wrong, at a time and for a while. A list of these is a simulation's script.
struct Fault: Hashable, Sendable {
    /// By which the fault keeps its own random numbers when others are taken out of the script.
    var id: Int
    /// Nanoseconds since the simulation's begin.
    var at: Int64
    /// How long it lasts, in nanoseconds; 0 for what happens at once.
    var length: Int64
    /// The index of the stream that it happens to; nil: to all of them, or to none in particular.
    var stream: Int?
    var kind: Kind

    var end: Int64 { at + length }

    enum Kind: Hashable, Sendable {
        // What becomes of events between the gateway and its sockets.
        case loss(probability: Double)
        case reordering(probability: Double, delay: Int64)
        case duplication(probability: Double)
        /// So many numbers are never used.
        case jump(numbers: Int64)
        /// So many of the newest events are sent once more.
        case repeatedBatch(events: Int)
        /// The next few events are overtaken; one that comes once its gap was given up is late.
        case stragglers(events: Int, delay: Int64)
        /// One number from long ago.
        case strayNumber
        /// The gateway numbers anew, on the same socket.
        case renumbering

        // Sockets and the way to them.
        case delay(Int64)
        case partition
        /// Nothing arrives any more in the given direction, and nobody says so.
        case halfOpen(toClient: Bool, toGateway: Bool)
        case close(code: UInt16, reason: String)
        /// The socket ends without a close frame.
        case cut
        case refusedHandshakes(Refusal, probability: Double)
        /// A network that still tells of connections long after they were given up.
        case staleFacts

        // The gateway.
        case silentAcknowledgment
        case earlyEvents
        /// All sockets and all sessions are gone.
        case gatewayRestart(keepsSessions: Bool)
        case tokensRevoked
        case tokenEndpoint(TokenTrouble)
        /// New tokens are not known yet where sockets are opened.
        case freshTokensRefused
        /// The service says that it will close the socket after so many nanoseconds, and does.
        case plannedClose(notice: Int64)
        case channelTrouble(ChannelTrouble)
        /// The channels are gone, and their sockets are cut or hear nothing any more.
        case channelsRemoved(cutsSockets: Bool)

        // The process and its machine.
        case clockStep(milliseconds: Int64)
        case suspension
        /// Timers that were cancelled run all the same.
        case staleTimers
        case crash(down: Int64, losesPower: Bool)
        case restart(down: Int64)
        case reconnectRequest
        case diskError(operation: DiskOperation, probability: Double)
        case shortWrites
        case cursorsNotSaved
        /// A log rotator renames the trail's files, and tells the process so many nanoseconds later, or never.
        case rotatedOutside(signal: Int64?)
    }

    enum Refusal: String, Hashable, Sendable, CaseIterable {
        case dns, refused, tls, unanswered, closed, status401, status403, status429, status502, status404
    }

    enum TokenTrouble: String, Hashable, Sendable, CaseIterable {
        case throttled, throttledWithoutHint, rejected, broken, unanswered, refused, shortLived, garbage
    }

    /// What the service of channels answers instead.
    enum ChannelTrouble: String, Hashable, Sendable, CaseIterable {
        case throttled, broken, staleToken, forbidden, gone, garbage, unanswered, refused, rejectedTopics
    }

    enum DiskOperation: String, Hashable, Sendable, CaseIterable {
        case open, write, truncate, fsync, stat, rename, read, any
    }
}

extension Fault.Kind {
    /// The name by which faults are counted.
    var name: String {
        switch self {
        case .loss: "loss"
        case .reordering: "reordering"
        case .duplication: "duplication"
        case .jump: "jump"
        case .repeatedBatch: "repeated batch"
        case .stragglers: "stragglers"
        case .strayNumber: "stray number"
        case .renumbering: "renumbering"
        case .delay: "delay"
        case .partition: "partition"
        case .halfOpen: "half-open socket"
        case .close: "close"
        case .cut: "cut"
        case .refusedHandshakes: "refused handshakes"
        case .staleFacts: "stale facts"
        case .silentAcknowledgment: "silent acknowledgment"
        case .earlyEvents: "early events"
        case .gatewayRestart: "gateway restart"
        case .tokensRevoked: "tokens revoked"
        case .tokenEndpoint: "token endpoint"
        case .freshTokensRefused: "fresh tokens refused"
        case .plannedClose: "planned close"
        case .channelTrouble: "channel trouble"
        case .channelsRemoved: "channels removed"
        case .clockStep(let milliseconds): milliseconds < 0 ? "clock step back" : "clock step forward"
        case .staleTimers: "stale timers"
        case .rotatedOutside: "rotation from outside"
        case .suspension: "suspension"
        case .crash(_, let losesPower): losesPower ? "power loss" : "crash"
        case .restart: "restart"
        case .reconnectRequest: "reconnect request"
        case .diskError: "disk error"
        case .shortWrites: "short writes"
        case .cursorsNotSaved: "cursors not saved"
        }
    }
}

extension Fault: CustomStringConvertible {
    var description: String {
        let until = length > 0 ? " for \(Self.seconds(length))" : ""
        return "\(Self.seconds(at))\(until)\(stream.map { " s\($0)" } ?? ""): \(kind)"
    }

    static func seconds(_ nanoseconds: Int64) -> String {
        let milliseconds = nanoseconds / 1_000_000
        let fraction = String(milliseconds % 1000 + 1000).dropFirst()
        return "\(milliseconds / 1000).\(fraction) s"
    }
}
