import StreamModel
import StreamProfiles
import Testing

/// A JSON value, and what it says at each place: the slow and plain way.
private indirect enum Tree {
    case token(String)
    case text(String)
    case list([Tree])
    case object([(String, Tree)])

    /// The first value at `steps` in the order of the text; of a key that stands twice, both are looked at.
    func first(_ steps: ArraySlice<String>) -> Tree? {
        guard let step = steps.first else { return self }
        switch self {
        case .object(let members):
            for (name, value) in members where name == step {
                if let found = value.first(steps.dropFirst()) { return found }
            }
            return nil
        case .list(let items):
            guard let index = Int(step), String(index) == step, items.indices.contains(index) else { return nil }
            return items[index].first(steps.dropFirst())
        case .token, .text: return nil
        }
    }

    func write(_ random: inout SplitMix64) -> String {
        func space(_ random: inout SplitMix64) -> String {
            Bool.random(using: &random) ? "" : [" ", "\n", "\t", "\r\n  "].randomElement(using: &random) ?? ""
        }
        let before = space(&random)
        let after = space(&random)
        switch self {
        case .token(let text): return before + text + after
        case .text(let text): return before + Self.quote(text, &random) + after
        case .list(let items):
            let inner = items.map { $0.write(&random) }.joined(separator: ",")
            return before + "[" + inner + "]" + after
        case .object(let members):
            let inner = members.map { name, value in
                space(&random) + Self.quote(name, &random) + space(&random) + ":" + value.write(&random)
            }
            return before + "{" + inner.joined(separator: ",") + (members.isEmpty ? space(&random) : "") + "}" + after
        }
    }

    private static func quote(_ text: String, _ random: inout SplitMix64) -> String {
        var output = "\""
        for scalar in text.unicodeScalars {
            let mustEscape = scalar.value < 0x20 || scalar == "\"" || scalar == "\\"
            if mustEscape || Int.random(in: 0..<12, using: &random) == 0 {
                for unit in String(scalar).utf16 {
                    let digits = String(unit, radix: 16, uppercase: Bool.random(using: &random))
                    output += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                }
            } else {
                output.unicodeScalars.append(scalar)
            }
        }
        return output + "\""
    }

    /// A message: mostly an object with the members that the profile looks at among others.
    static func message(_ random: inout SplitMix64) -> Tree {
        if Int.random(in: 0..<10, using: &random) == 0 { return .random(&random, depth: -2) }
        var members: [(String, Tree)] = []
        for name in ["type", "sequence", "id", "data", "", "other", "type"] {
            guard Int.random(in: 0..<4, using: &random) > 0 else { continue }
            let tree: Tree =
                switch (name, Int.random(in: 0..<3, using: &random)) {
                case ("type", 0...1): .text(["ack", "acked", "event"].randomElement(using: &random) ?? "")
                case ("id", 0): [.token("42"), .text("42"), .token("null")].randomElement(using: &random) ?? .list([])
                case ("data", 0): .list([.token("true"), .random(&random, depth: 2)])
                case ("data", 1): .object([("id", .random(&random, depth: 4)), ("é\"", .text("😀"))])
                default: .random(&random, depth: 0)
                }
            members.append((name, tree))
        }
        return .object(members.shuffled(using: &random))
    }

    static func random(_ random: inout SplitMix64, depth: Int) -> Tree {
        switch Int.random(in: 0..<(depth > 3 ? 6 : 10), using: &random) {
        case 0, 1, 2:
            let tokens = [
                "42", "0", "-1", "1.0", "1e3", "9223372036854775807", "9223372036854775808", "18446744073709551616",
                "true", "false", "null", "7", "123456789012345678901234567890", "-0",
            ]
            return .token(tokens.randomElement(using: &random) ?? "0")
        case 3, 4, 5:
            let texts = [
                "event", "ack", "", "a\"b", "\\", "}{][,:", "é", "😀", "42", "line\nbreak", "channel-1", "acknowledged",
            ]
            return .text(texts.randomElement(using: &random) ?? "")
        case 6, 7:
            return .list((0..<Int.random(in: 0...3, using: &random)).map { _ in .random(&random, depth: depth + 1) })
        default:
            let names = ["type", "sequence", "data", "id", "é\"", "other", "", "seq", "typ", "0"]
            return .object(
                (0..<Int.random(in: 0...5, using: &random)).map { _ in
                    (names.randomElement(using: &random) ?? "", .random(&random, depth: depth + 1))
                })
        }
    }
}

@Suite("The matcher against a plain reading of the same messages")
struct MatcherDifferentialTests {
    private static let text = """
        endpoint: {url: "wss://example.org/"}
        open:
          acknowledged_by:
            - {/type: ack, /data/id: {present: true}}
            - {/data/0: true}
        messages:
          refusal: {/type: {prefix: ack}, /id: [42, "42", null]}
          heartbeat: {"/data/é\\"": "😀"}
        sequence: {at: /sequence, channel: /data/type}
        identifier: [/id, "/"]
        """

    private func role(_ tree: Tree) -> MessageFacts.Role {
        func token(_ path: String...) -> String? {
            if case .token(let text)? = tree.first(path[...]) { text } else { nil }
        }
        func string(_ path: String...) -> String? {
            if case .text(let text)? = tree.first(path[...]) { text } else { nil }
        }
        let identifier = token("id") ?? string("id")
        if string("type")?.hasPrefix("ack") == true, let identifier, ["42", "null"].contains(identifier) {
            if identifier == "42" || token("id") != nil { return .refusal }
        }
        if string("type") == "ack", tree.first(["data", "id"]) != nil, token("data", "id") != "null" {
            return .acknowledgment
        }
        if token("data", "0") == "true" { return .acknowledgment }
        return string("data", "é\"") == "😀" ? .heartbeat : .event
    }

    private func sequence(_ tree: Tree) -> UInt64? {
        guard case .token(let text)? = tree.first(["sequence"]) else { return nil }
        return Int64(text).flatMap { text.hasPrefix("-") ? nil : UInt64($0) }
    }

    @Test("eight thousand random messages are read alike", arguments: [1, 2, 3, 4] as [UInt64])
    func random(seed: UInt64) throws {
        let matcher = try #require(profile(Self.text).profile).matcher(for: .open)
        var random = SplitMix64(seed: seed)
        var identifiers: [String: UInt64] = [:]
        var roles: Set<MessageFacts.Role> = []
        for round in 0..<2000 {
            let tree = Tree.message(&random)
            let message = tree.write(&random)
            let facts = matcher.facts(of: Array(message.utf8))
            roles.insert(facts.role)
            #expect(facts.role == role(tree), "seed \(seed), round \(round): \(message)")
            #expect(facts.sequence == sequence(tree), "seed \(seed), round \(round): \(message)")
            checkHash(facts.channel == 0 ? nil : facts.channel, [tree.first(["data", "type"])], &identifiers, message)
            checkHash(facts.identifier, [tree.first(["id"]), tree.first([""])], &identifiers, message)
        }
        #expect(Set(identifiers.values).count == identifiers.count, "two values share a hash")
        #expect(roles == [.refusal, .acknowledgment, .heartbeat, .event])
    }

    /// The same values give the same hash, others another, and what is no single value gives none.
    private func checkHash(
        _ hash: UInt64?, _ values: [Tree?], _ known: inout [String: UInt64],
        _ message: String
    ) {
        var key = "\(values.count)"
        for value in values {
            switch value {
            case .text(let text)?: key += "/t" + text
            case .token(let text)? where text != "null": key += "/n" + text
            default:
                #expect(hash == nil, "\(message)")
                return
            }
        }
        #expect(hash != nil, "\(message)")
        if let earlier = known[key] { #expect(hash == earlier, "\(message)") }
        known[key] = hash
    }

    @Test("broken messages crash nothing", arguments: [11, 12] as [UInt64])
    func broken(seed: UInt64) throws {
        let matcher = try #require(profile(Self.text).profile).matcher(for: .open)
        var random = SplitMix64(seed: seed)
        for _ in 0..<2000 {
            var bytes = Array(Tree.message(&random).write(&random).utf8)
            for _ in 0...Int.random(in: 0...3, using: &random) where !bytes.isEmpty {
                let index = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes.remove(at: index)
                case 1:
                    bytes[index] =
                        [0x22, 0x5C, 0x7B, 0x7D, 0x5B, 0x5D, 0, 0xFF, 0x75].randomElement(using: &random) ?? 0
                default: bytes.removeLast(index)
                }
            }
            _ = matcher.facts(of: bytes)
        }
    }
}
