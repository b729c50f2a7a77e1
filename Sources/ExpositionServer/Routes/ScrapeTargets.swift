/// What `GET /api/v1/targets` lists, in the form of Prometheus' HTTP service discovery (`http_sd_configs`): this
/// instance, or all instances that share the streams.
public struct ScrapeTargets: Sendable {
    /// Which part of the streams this instance holds.
    public struct Shard: Sendable {
        /// 0 to `count` − 1.
        public let index: Int
        /// How many instances there are.
        public let count: Int

        /// The part `index` of `count`.
        public init(index: Int, count: Int) {
            self.index = index
            self.count = count
        }
    }

    /// The part of the streams that this instance holds; nil: all.
    public var shard: Shard?
    /// `HOST:PORT` of any instance, with `{index}` in the place of its number; nil where only this one is known.
    public var peers: String?

    /// This instance, or all `shard.count` of them where `peers` says how they are reached.
    public init(shard: Shard? = nil, peers: String? = nil) {
        self.shard = shard
        self.peers = peers
    }

    private static let placeholder = "{index}"

    /// What is wrong with a pattern, as the end of a sentence; nil where nothing is.
    public static func mistake(inPattern pattern: String) -> String? {
        guard pattern.contains(placeholder) else { return "“\(pattern)” has no \(placeholder), so all would be one" }
        do throws(ExpositionServerError) {
            let address = try ListenAddress(parsing: expand(pattern, 0))
            return address.host == nil || address.port == 0 ? "“\(pattern)” must be HOST:PORT, both given" : nil
        } catch {
            return "“\(pattern)” must be HOST:PORT: \(error)"
        }
    }

    private static func expand(_ pattern: String, _ index: Int) -> String {
        var result = ""
        var rest = pattern[...]
        while let brace = rest.firstIndex(of: "{") {
            result += rest[..<brace]
            rest = rest[brace...]
            if rest.hasPrefix(placeholder) {
                result += String(index)
                rest = rest.dropFirst(placeholder.count)
            } else {
                result.append("{")
                rest = rest.dropFirst()
            }
        }
        return result + rest
    }

    func response(to request: Request, telemetryPath: String, isSecure: Bool) -> Response {
        var groups: [[UInt8]] = []
        if let peers, let shard {
            for index in 0..<shard.count {
                groups.append(group(Self.expand(peers, index), index, telemetryPath, isSecure))
            }
        } else if let own = ownAddress(request, isSecure: isSecure) {
            groups.append(group(own, shard?.index, telemetryPath, isSecure))
        } else {
            return .text(400, "The request must say in “Host” how it reached this server: that is what is listed.")
        }
        return Response(
            status: 200, contentType: "application/json",
            headers: [("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff")],
            body: .bytes(Array("[".utf8) + groups.joined(separator: Array(",".utf8)) + Array("]\n".utf8)))
    }

    /// Labels that begin with two underscores steer Prometheus and do not end up on series, unless a rule of
    /// relabelling keeps them.
    private func group(_ target: String, _ index: Int?, _ telemetryPath: String, _ isSecure: Bool) -> [UInt8] {
        var labels = [("__scheme__", isSecure ? "https" : "http"), ("__metrics_path__", telemetryPath)]
        if let index, let shard {
            labels.append(("__meta_holdfast_shard", String(index)))
            labels.append(("__meta_holdfast_shards", String(shard.count)))
        }
        let pairs = labels.map { "\"\($0)\":\(Self.quoted($1))" }.joined(separator: ",")
        return Array("{\"targets\":[\(Self.quoted(target))],\"labels\":{\(pairs)}}".utf8)
    }

    /// The name by which the client reached this server is one by which a scraper next to it will. Nil where the client
    /// says none, or one that no host has.
    private func ownAddress(_ request: Request, isSecure: Bool) -> String? {
        guard let host = request.host, host.utf8.count <= 261 else { return nil }
        let isPlain = host.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"),
                UInt8(ascii: ":"), UInt8(ascii: "["), UInt8(ascii: "]"):
                true
            default: false
            }
        }
        guard isPlain else { return nil }
        // Without a port, the client used the scheme's own.
        let address =
            (try? ListenAddress(parsing: host)) ?? (try? ListenAddress(parsing: "\(host):\(isSecure ? 443 : 80)"))
        return address.flatMap { $0.host == nil ? nil : $0.description }
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": result += "\\\(scalar)"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
