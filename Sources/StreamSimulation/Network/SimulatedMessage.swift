/// A message of the gateway's.
enum SimulatedMessage {
    case event(UInt64?)
    case acknowledgment(String)
    /// An event of a channel, with its own identifier.
    case notification(UInt64)
    /// What a channel's service sends every 30 s.
    case serverHeartbeat
    /// The answer to the client's heartbeat of this number.
    case pong(Int)
    case closeNotice
    case tokenNotice

    private static let head = Array(#"{"type":"queueEvent","sequence":"#.utf8)
    private static let tail = Array(#","data":{"queue":"a","waiting":3}}"#.utf8)
    private static let unnumbered = Array(#"{"topic":"/api/v2/conversations","data":{"id":"a"}}"#.utf8)
    private static let notificationHead = Array(
        #"{"topicName":"v2.users.a.presence","version":"2","eventBody":{"id":"a"},"metadata":{"CorrelationId":"c-"#.utf8
    )
    private static let notificationTail = Array(#""}}"#.utf8)
    private static let heartbeat = Array(
        #"{"topicName":"channel.metadata","eventBody":{"message":"WebSocket Heartbeat"}}"#.utf8)
    private static let pong = Array(#"{"topicName":"channel.metadata","eventBody":{"message":"pong"}}"#.utf8)
    private static let closing = Array(#"{"topicName":"v2.system.socket_closing","eventBody":{"message":"soon"}}"#.utf8)
    private static let revoked = Array(
        #"{"topicName":"v2.system","eventBody":{},"systemTopicType":"token_revoked"}"#.utf8)

    var bytes: [UInt8] {
        switch self {
        case .event(let number?): Self.head + Array(String(number).utf8) + Self.tail
        case .event(nil): Self.unnumbered
        case .acknowledgment(let type): Array(#"{"type":"\#(type)"}"#.utf8)
        case .notification(let number): Self.notificationHead + Array(String(number).utf8) + Self.notificationTail
        case .serverHeartbeat: Self.heartbeat
        case .pong: Self.pong
        case .closeNotice: Self.closing
        case .tokenNotice: Self.revoked
        }
    }
}
