public import Logging
public import StreamRuntime

/// Holds one stream for as long as `body` runs: the one call for an application that needs no more.
///
///     try await withHeldStream(stream, credentials: ["genesys": credential], logger: logger) { messages in
///         for await element in messages { … }
///     }
///
/// When `body` returns or throws, or the task is cancelled, the stream is closed with a close frame.
///
/// - Parameters:
///   - stream: the stream.
///   - credentials: the credentials by name; the stream names one of them.
///   - limit: elements that may wait for the reader; what comes beyond is dropped, and told.
///   - logger: where the exporter logs.
///   - isolation: where `body` runs: where it was written.
///   - configure: changes what else an exporter can do: an endpoint for metrics, an audit file, TLS.
///   - body: reads the stream's elements.
/// - Returns: what `body` returns.
/// - Throws: where the exporter cannot start, and what `body` throws.
public func withHeldStream<Value>(
    _ stream: StreamSpecification, credentials: [String: CredentialSpecification] = [:], limit: Int = 1024,
    logger: Logger, isolation: isolated (any Actor)? = #isolation,
    configure: (inout ExporterConfiguration) throws -> Void = { _ in },
    _ body: (StreamMessages) async throws -> Value
) async throws -> Value {
    var configuration = ExporterConfiguration(plan: RuntimePlan(streams: [], credentials: credentials))
    try configure(&configuration)
    let exporter = try Exporter(configuration, logger: logger)
    do {
        let messages = try exporter.hold(stream, limit: limit)
        try exporter.start()
        let value = try await body(messages)
        await exporter.stop()
        return value
    } catch {
        await exporter.stop()
        throw error
    }
}
