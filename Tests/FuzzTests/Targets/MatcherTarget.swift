import ConfigurationReader
import Foundation
import StreamModel

@testable import StreamProfiles

extension FuzzTarget {
    /// Messages of a gateway, read through a profile.
    static let matcher = FuzzTarget(
        name: "matcher", seeds: ["Fuzzing/Corpus/messages"],
        words: [
            "\"sequence\":", "\"type\":\"ack\"", "\"data\":{", "\"id\":", "null", "true", "\\u0073", "\\\"", "\\\\",
            "\\ud83d\\ude00",
            "\\ud800", "{", "}", "[", "]", ",", ":", " ", "\"\"", "é\\\"", "9223372036854775807", "9223372036854775808",
            "1.0", "1e3",
            "-1", "00", "\u{0}", "\u{FEFF}",
        ], mostBytes: 6000, shortRun: 700
    ) { input in
        for scene in MatcherScene.all { try scene.check(input) }
        try JSONReading.check(input)
    }
}

/// A profile, and how a plain reading of a message judges it.
private struct MatcherScene: Sendable {
    let matcher: MessageMatcher
    let sequence: [String]
    let role: @Sendable (JSONValue) -> MessageFacts.Role

    static let all: [MatcherScene] = [
        MatcherScene(
            """
            endpoint: {url: "wss://example.org/"}
            open: {acknowledged_by: [{/type: ack, /data/id: {present: true}}, {/data/0: true}]}
            messages: {refusal: {/type: {prefix: nak}}, heartbeat: {"/data/é\\"": "😀"}}
            sequence: {at: /sequence, channel: /data/type}
            identifier: [/id, "/"]
            """, sequence: ["sequence"]
        ) { root in
            if case .string(let type)? = root.first("type"), Array(type.utf8).starts(with: "nak".utf8) {
                return .refusal
            }
            if root.first("type")?.isText("ack") == true, let id = root.first("data", "id"), id != .null {
                return .acknowledgment
            }
            if root.first("data", "0") == .boolean(true) { return .acknowledgment }
            return root.first("data", "é\"")?.isText("😀") == true ? .heartbeat : .event
        },
        MatcherScene(
            """
            endpoint: {url: "wss://example.org/"}
            open: {acknowledged_by: {"": "ok"}}
            messages: {refusal: {/0/1/2: [7, "seven", null]}}
            sequence: {at: /0/1/2}
            """, sequence: ["0", "1", "2"]
        ) { root in
            if let place = root.first("0", "1", "2") {
                if place == .number("7") || place.isText("seven") || place == .null { return .refusal }
            }
            return root.isText("ok") ? .acknowledgment : .event
        },
    ]

    init(_ text: String, sequence: [String], role: @escaping @Sendable (JSONValue) -> MessageFacts.Role) {
        let document = ConfigurationDocument(text: text, file: "profile.yaml")
        matcher = document.root.flatMap { Profile.decode($0, name: "fuzzed") }?.matcher(for: .open) ?? MessageMatcher()
        self.sequence = sequence
        self.role = role
    }

    func check(_ input: [UInt8]) throws {
        try demand(matcher.view.pointee.wanted != 0, "the profile was not understood")
        let facts = matcher.facts(of: input)
        try demand(facts.sequence ?? 0 <= UInt64(Int64.max), "a sequence number beyond 63 bits")
        try checkMemory(input, facts)
        guard let document = try? JSONDocument(parsing: input), String(validating: input, as: UTF8.self) != nil else {
            return
        }
        let root = document.root
        try demand(facts.role == role(root), "\(facts.role), the plain reading says \(role(root))")
        let place = root.first(sequence)
        var sequence: UInt64?
        if case .number(let text)? = place, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            sequence = Int64(text).map { UInt64($0) }
        }
        try demand(
            facts.sequence == sequence,
            "sequence \(String(describing: facts.sequence)), not \(String(describing: sequence))")
        // How it is written does not matter.
        let again = matcher.facts(of: Array(root.escapedText.utf8))
        try demand(again == facts, "written otherwise it says \(again), and not \(facts)")
    }

    /// Reads `input` after messages that begin as it does: what a reader remembers of them changes nothing.
    private func checkMemory(_ input: [UInt8], _ facts: MessageFacts) throws {
        let reader = MessageReader(matcher)
        for eighth in 1...8 {
            let place = input.count * eighth / 8
            let other = Array(input[..<place]) + Array("1,\"sequence\":2}]".utf8)
            let alone = matcher.facts(of: other)
            let read = other.withUnsafeBytes { reader.facts(of: $0) }
            try demand(read == alone, "\(read) with a memory, without \(alone)")
            let again = input.withUnsafeBytes { reader.facts(of: $0) }
            try demand(again == facts, "\(again) after what begins like its first \(place) bytes, not \(facts)")
        }
    }
}

extension JSONValue {
    /// The first value at `steps` in the order of the text; of a key that stands twice, both are looked at.
    fileprivate func first(_ steps: String...) -> JSONValue? { first(steps[...]) }

    fileprivate func first(_ steps: [String]) -> JSONValue? { first(steps[...]) }

    private func first(_ steps: ArraySlice<String>) -> JSONValue? {
        guard let step = steps.first else { return self }
        switch self {
        case .object(let members):
            for member in members where member.name.utf8.elementsEqual(step.utf8) {
                if let found = member.value.first(steps.dropFirst()) { return found }
            }
            return nil
        case .list(let items):
            guard let index = Int(step), String(index) == step, items.indices.contains(index) else { return nil }
            return items[index].first(steps.dropFirst())
        case .null, .boolean, .number, .string: return nil
        }
    }

    fileprivate func isText(_ text: String) -> Bool {
        if case .string(let own) = self { own.utf8.elementsEqual(text.utf8) } else { false }
    }

    /// The value as JSON with space everywhere and every character of a text escaped.
    fileprivate var escapedText: String {
        switch self {
        case .null: " null "
        case .boolean(let value): " \(value) "
        case .number(let text): " \(text) "
        case .string(let text): Self.escape(text)
        case .list(let items): " [ " + items.map(\.escapedText).joined(separator: " ,\n") + " ] "
        case .object(let members):
            " { " + members.map { Self.escape($0.name) + " :\t" + $0.value.escapedText }.joined(separator: ",\r\n")
                + "}"
        }
    }

    private static func escape(_ text: String) -> String {
        "\"" + text.utf16.map { "\\u" + String(65536 + Int($0), radix: 16).dropFirst() }.joined() + "\""
    }
}

/// Our strict reading of JSON against Foundation's.
enum JSONReading {
    static func check(_ input: [UInt8]) throws {
        // What Foundation guesses or repairs: other encodings, marks of byte order, halves of pairs; and what we bound.
        guard let text = String(validating: input, as: UTF8.self), !text.unicodeScalars.contains("\u{FEFF}"),
            !input.contains(0), !text.lowercased().contains("\\ud")
        else { return }
        let depth = input.reduce(into: (now: 0, most: 0)) { depth, byte in
            depth.now += byte | 0x20 == 0x7B ? 1 : byte | 0x20 == 0x7D ? -1 : 0
            depth.most = max(depth.most, depth.now)
        }
        guard depth.most <= JSONDocument.maximumDepth else { return }
        let theirs: Any
        do {
            theirs = try JSONSerialization.jsonObject(with: Data(input), options: .fragmentsAllowed)
        } catch {
            // Foundation refuses numbers that no double holds.
            let mark = "\(error)"
            guard !mark.contains("umber") else { return }
            return try demand(
                (try? JSONDocument(parsing: input)) == nil, "taken, but Foundation says \(mark.prefix(300))")
        }
        guard let ours = try? JSONDocument(parsing: input) else {
            // Foundation takes a comma behind the last item (RFC 8259 does not).
            let solid = text.filter { !$0.isWhitespace }
            return try demand(solid.contains(",]") || solid.contains(",}"), "refused, but Foundation takes it")
        }
        try demand(agree(ours.root, theirs), "read otherwise than by Foundation")
    }

    private static func agree(_ ours: JSONValue, _ theirs: Any) -> Bool {
        switch ours {
        case .null: theirs is NSNull
        case .boolean(let value): (theirs as? NSNumber)?.boolValue == value
        case .number(let text):
            // Of a long number Foundation keeps what its decimals hold.
            (theirs as? NSNumber).map { text.utf8.count > 15 || Double(text) == $0.doubleValue } ?? false
        case .string(let text): (theirs as? String).map { $0.utf8.elementsEqual(text.utf8) } ?? false
        case .list(let items):
            (theirs as? [Any]).map { $0.count == items.count && zip(items, $0).allSatisfy(agree) } ?? false
        case .object(let members):
            // Which of two members of one name Foundation keeps is its own affair.
            (theirs as? [String: Any]).map { object in
                members.allSatisfy { member in
                    guard let value = object[member.name] else { return false }
                    return members.filter { $0.name == member.name }.count > 1 || agree(member.value, value)
                }
            } ?? false
        }
    }
}
