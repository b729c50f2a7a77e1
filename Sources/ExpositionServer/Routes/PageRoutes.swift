/// The page for people, what it loads, and what it reads.
enum PageRoutes {
    /// Everything that the page loads and asks comes from the server that it came from, and nothing in it is inline:
    /// what a gateway says can't become a script even where an escape is forgotten. In force on every answer that a
    /// browser could take for a document.
    static let policy = [
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'",
        "img-src 'self' data:", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
    ].joined(separator: "; ")

    private static let security: [(name: String, value: String)] = [
        ("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
    ]
    private static let pageHeaders =
        security + [
            ("Content-Security-Policy", policy), ("Cross-Origin-Opener-Policy", "same-origin"),
            ("X-Frame-Options", "DENY"), ("Cache-Control", "no-store"),
        ]
    /// Pages of the table that needs no script; more streams than anybody has.
    private static let maximumPage = 1_000_000

    static func add(to router: inout Router, api: any ExporterAPI) {
        router.add(["GET"], "/", .task { await index($0, api: api) })
        router.add(["GET"], "/assets/{name}", .task { asset($0, api: api) })
        router.add(["GET"], "/api/v1/streams", .task { await streams($0, api: api) })
    }

    private static func index(_ request: Request, api: any ExporterAPI) async -> Response {
        do throws(RequestTarget.Mistake) {
            let number = try number(of: request)
            let page = await api.indexPage(number: number)
            return .compressible(
                request, contentType: "text/html; charset=utf-8", headers: pageHeaders, bytes: page)
        } catch {
            return .text(400, error.description)
        }
    }

    private static func number(of request: Request) throws(RequestTarget.Mistake) -> Int {
        guard let text = try request.queryValue("page") else { return 1 }
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(text),
            (1...maximumPage).contains(number)
        else { throw RequestTarget.Mistake(description: "“page” must be a number from 1 to \(maximumPage).") }
        return number
    }

    private static func asset(_ request: Request, api: any ExporterAPI) -> Response {
        guard let asset = api.asset(named: request.parameters["name"] ?? "") else {
            return .text(404, "There is nothing at this path.")
        }
        // Kept, but asked after each time: a new version of the program must not run with old scripts.
        let headers = security + [("ETag", asset.entityTag), ("Cache-Control", "no-cache")]
        guard !asset.isKnown(to: request.ifNoneMatch) else {
            return Response(status: 304, contentType: asset.contentType, headers: headers, body: .bytes([]))
        }
        return .compressible(request, contentType: asset.contentType, headers: headers, bytes: asset.bytes)
    }

    private static func streams(_ request: Request, api: any ExporterAPI) async -> Response {
        do throws(RequestTarget.Mistake) {
            let withHistory = try request.flag("history")
            let bytes = await api.streamsJSON(withHistory: withHistory)
            return .compressible(
                request, contentType: "application/json",
                headers: [("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff")], bytes: bytes)
        } catch {
            return .text(400, error.description)
        }
    }
}
