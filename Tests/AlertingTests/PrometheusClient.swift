import Foundation

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// What the test asks Prometheus.
struct PrometheusClient {
    /// `http://HOST:PORT`.
    let address: String

    /// A rule as Prometheus has loaded it.
    struct Rule: Decodable {
        let name: String
        let query: String
        let type: String
        let health: String
        let lastError: String?
    }

    private struct Answer<Content: Decodable>: Decodable {
        let data: Content
    }

    private struct Groups: Decodable {
        struct Group: Decodable {
            let rules: [Rule]
        }
        let groups: [Group]
    }

    private struct Vector: Decodable {
        struct Sample: Decodable {
            let metric: [String: String]
            let value: [Scalar]
        }
        let result: [Sample]
    }

    private enum Scalar: Decodable {
        case time(Double)
        case value(String)

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let time = try? container.decode(Double.self) {
                self = .time(time)
            } else {
                self = .value(try container.decode(String.self))
            }
        }
    }

    /// The values that `query`, which must be a vector, has now.
    func values(_ query: String) async throws -> [Double] {
        let encoded = query.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        let vector: Answer<Vector> = try await get("query?query=\(encoded)", asking: query)
        return vector.data.result.compactMap { sample in
            guard case .value(let text)? = sample.value.last else { return nil }
            return Double(text)
        }
    }

    /// The rules that it evaluates.
    func rules() async throws -> [Rule] {
        let groups: Answer<Groups> = try await get("rules", asking: "rules")
        return groups.data.groups.flatMap(\.rules)
    }

    private func get<Content: Decodable>(_ path: String, asking what: String) async throws -> Content {
        guard let url = URL(string: "\(address)/api/v1/\(path)") else {
            throw Unexpected(description: "no address: \(address)")
        }
        let (data, response) = try await URLSession.shared.data(from: url)
        guard (response as? HTTPURLResponse)?.statusCode == 200 else {
            throw Unexpected(description: "Prometheus refused \(what): \(String(decoding: data, as: UTF8.self))")
        }
        return try JSONDecoder().decode(Content.self, from: data)
    }
}
