/// Method and path → who answers.
struct Router: Sendable {
    enum Handler: Sendable {
        /// Answers on the polling thread, so at once.
        case immediate(@Sendable (Request) -> Response)
        /// Answers later, from any thread; the connection waits suspended. The closure itself returns at once.
        case deferred(@Sendable (Request, @escaping @Sendable (Response) -> Void) -> Void)

        /// Answers in a task.
        static func task(_ answer: @escaping @Sendable (Request) async -> Response) -> Self {
            .deferred { request, reply in
                Task(executorPreference: RouteExecutor.shared) { reply(await answer(request)) }
            }
        }
    }

    private struct Route: Sendable {
        var methods: [String]
        var pattern: [Segment]
        var handler: Handler
    }

    private enum Segment: Sendable {
        case fixed(String)
        case parameter(String)
    }

    enum Match: Sendable {
        case found(Handler, parameters: [String: String])
        case otherMethods([String])
        case nothing
    }

    private var routes: [Route] = []

    /// Adds a route. `{NAME}` in the path stands for one segment; `HEAD` comes with `GET`.
    mutating func add(_ methods: [String], _ path: String, _ handler: Handler) {
        let pattern = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map { segment in
            segment.hasPrefix("{") && segment.hasSuffix("}")
                ? Segment.parameter(String(segment.dropFirst().dropLast())) : .fixed(String(segment))
        }
        let methods = methods.flatMap { $0 == "GET" ? ["GET", "HEAD"] : [$0] }
        routes.append(Route(methods: methods, pattern: pattern, handler: handler))
    }

    func match(method: String, segments: [String]) -> Match {
        var allowed: [String] = []
        for route in routes {
            guard let parameters = Self.parameters(of: segments, in: route.pattern) else { continue }
            if route.methods.contains(method) { return .found(route.handler, parameters: parameters) }
            allowed += route.methods
        }
        return allowed.isEmpty ? .nothing : .otherMethods(allowed)
    }

    private static func parameters(of segments: [String], in pattern: [Segment]) -> [String: String]? {
        guard segments.count == pattern.count else { return nil }
        var parameters: [String: String] = [:]
        for (segment, part) in zip(segments, pattern) {
            switch part {
            case .fixed(let text): if text != segment { return nil }
            case .parameter(let name): parameters[name] = segment
            }
        }
        return parameters
    }
}
