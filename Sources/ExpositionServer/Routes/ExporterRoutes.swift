/// The paths of the exporter.
enum ExporterRoutes {
    static let maximumAuditLines = 10_000

    static func router(
        _ options: ExpositionServer.Options, isSecure: Bool, metrics: MetricsHandler, api: any ExporterAPI,
        followers: FollowerRoster
    ) -> Router {
        var router = Router()
        let path = options.telemetryPath.hasPrefix("/") ? options.telemetryPath : "/" + options.telemetryPath
        router.add(["GET"], path, .deferred { metrics.handle($0, reply: $1) })
        PageRoutes.add(to: &router, api: api)
        router.add(["GET"], "/-/healthy", .immediate { _ in .text(200, "Healthy") })
        router.add(
            ["GET"], "/-/ready",
            .immediate { _ in api.unreadyReason().map { .text(503, $0) } ?? .text(200, "Ready") })
        addLifecycle(to: &router, options, api: api)
        let audit = AuditRoute(api: api, followers: followers, limits: options.limits)
        router.add(["GET"], "/api/v1/audit", .deferred { audit.handle($0, reply: $1) })
        router.add(
            ["GET"], "/api/v1/targets",
            .immediate { [targets = options.targets] in
                targets.response(to: $0, telemetryPath: path, isSecure: isSecure)
            })
        return router
    }

    private static func addLifecycle(
        to router: inout Router, _ options: ExpositionServer.Options, api: any ExporterAPI
    ) {
        let disabled = Response.text(403, "Disabled; start with --web.enable-lifecycle to permit it.")
        guard options.lifecycleEnabled else {
            router.add(["POST", "PUT"], "/-/reload", .immediate { _ in disabled })
            router.add(["POST"], "/api/v1/streams/{name}/reconnect", .immediate { _ in disabled })
            return
        }
        router.add(
            ["POST", "PUT"], "/-/reload",
            .task { _ in
                do {
                    try await api.reload()
                    return .text(200, "The configuration has been loaded.")
                } catch {
                    return .text(500, "The configuration has not been loaded: \(error)")
                }
            })
        router.add(
            ["POST"], "/api/v1/streams/{name}/reconnect",
            .task { request in
                let name = request.parameters["name"] ?? ""
                switch await api.reconnect(stream: name) {
                case .accepted: return .text(202, "The stream “\(name)” will reconnect.")
                case .unknownStream: return .text(404, "There is no stream “\(name)”.")
                case .refused(let reason): return .text(409, reason)
                }
            })
    }
}
