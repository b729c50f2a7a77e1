import Logging
public import ServiceLifecycle
public import StreamRuntime

/// An exporter runs in a `ServiceGroup`: it starts there, and stops cleanly when the group shuts down.
///
/// List it before the services that read from it. A group shuts its services down in the opposite order, so that the
/// readers get what was on its way before the exporter stops.
extension Exporter: Service {
    /// Starts, and holds until the group shuts down, or the task is cancelled; then ``stop(within:)``.
    ///
    /// - Throws: where an address cannot be listened on; ``ExporterError/retriesExhausted(stream:)`` where the retries of
    ///   a stream with `on_exhausted: exit` are used up.
    public func run() async throws {
        for address in try start() { logger.info("listening", metadata: ["address": "\(address)"]) }
        let exhausted = await cancelWhenGracefulShutdown { [exhausted] () -> String? in
            for await stream in exhausted { return stream }
            return nil
        }
        await stop()
        if let exhausted { throw ExporterError.retriesExhausted(stream: exhausted) }
    }
}

/// A stream of an exporter whose elements go to a callback, as a service: when the group shuts down, the stream is
/// closed, and the callback gets what had arrived until then.
public struct HeldStream: Service {
    private let exporter: Exporter
    private let stream: StreamSpecification
    private let limit: Int
    private let receive: @Sendable (StreamElement) async throws -> Void

    /// Holds `stream` on `exporter` while the service runs; see ``Exporter/hold(_:limit:)``.
    ///
    /// - Parameters:
    ///   - stream: the stream.
    ///   - exporter: holds it; a service of the same group, listed before this one.
    ///   - limit: elements that may wait for the callback; what comes beyond is dropped, and told.
    ///   - receive: called with one element after the other. What it throws ends the service.
    public init(
        _ stream: StreamSpecification, on exporter: Exporter, limit: Int = 1024,
        receive: @escaping @Sendable (StreamElement) async throws -> Void
    ) {
        self.exporter = exporter
        self.stream = stream
        self.limit = limit
        self.receive = receive
    }

    /// Reads until the stream ends, or the group shuts down.
    public func run() async throws {
        let messages = try exporter.hold(stream, limit: limit)
        try await withGracefulShutdownHandler {
            for await element in messages { try await receive(element) }
        } onGracefulShutdown: {
            messages.close()
        }
    }
}
