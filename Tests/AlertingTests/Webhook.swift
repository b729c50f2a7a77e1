import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// A receiver for Alertmanager's webhook that remembers what it was told, and when.
final class Webhook: Sendable {
    /// One alert of a notification.
    struct Alert: Sendable, Decodable {
        let status: String
        let labels: [String: String]
        let annotations: [String: String]
        let startsAt: String
        /// When the notification came.
        var received = Date.distantPast

        private enum CodingKeys: CodingKey {
            case status, labels, annotations, startsAt
        }

        var name: String { labels["alertname"] ?? "" }

        /// When Prometheus first found the alert's condition to hold.
        var began: Date? {
            let parts = startsAt.split(separator: ".", maxSplits: 1)
            guard let whole = parts.first.map({ $0.hasSuffix("Z") ? String($0) : "\($0)Z" }),
                let second = try? Date(whole, strategy: .iso8601)
            else { return nil }
            let digits = parts.count > 1 ? parts[1].prefix { $0.isNumber } : "0"
            return second.addingTimeInterval(Double("0.\(digits)") ?? 0)
        }
    }

    private struct Notification: Decodable {
        let alerts: [Alert]
    }

    private let heard = Mutex<[Alert]>([])
    private let bad = Mutex<[String]>([])

    /// Everything that came, in order.
    var alerts: [Alert] { heard.withLock { $0 } }
    /// What came and was no notification.
    var rubbish: [String] { bad.withLock { $0 } }

    /// Listens on a port of the system's choice, and gives its address.
    func listen() async throws -> (channel: any Channel, url: String) {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(WebhookHandler(self))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return (channel, "http://127.0.0.1:\(channel.localAddress?.port ?? 0)/")
    }

    fileprivate func take(_ body: Data) {
        do {
            let now = Date()
            let alerts = try JSONDecoder().decode(Notification.self, from: body).alerts.map { alert in
                var alert = alert
                alert.received = now
                return alert
            }
            heard.withLock { $0 += alerts }
        } catch {
            bad.withLock { $0.append("\(error): \(String(decoding: body.prefix(500), as: UTF8.self))") }
        }
    }

    /// Waits for an alert of that name and status, and with those labels; gives the first.
    @discardableResult
    func wait(
        _ name: String, _ status: String = "firing", _ labels: [String: String] = [:], within seconds: Double = 60
    ) async throws -> Alert {
        try await poll("\(name) \(labels), \(status)", within: seconds) {
            alerts.first { alert in
                alert.name == name && alert.status == status && labels.allSatisfy { alert.labels[$0] == $1 }
            }
        }
    }
}

private final class WebhookHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let webhook: Webhook
    private var body = Data()

    init(_ webhook: Webhook) {
        self.webhook = webhook
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head:
            body.removeAll()
        case .body(let bytes):
            body.append(contentsOf: bytes.readableBytesView)
        case .end:
            webhook.take(body)
            let head = HTTPResponseHead(version: .http1_1, status: .noContent)
            context.write(wrapOutboundOut(.head(head)), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }
    }
}
