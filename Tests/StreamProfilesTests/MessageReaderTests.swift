import StreamModel
import StreamProfiles
import Testing

@Suite("A reader, which remembers how messages begin, reads what a matcher without a memory reads")
struct MessageReaderTests {
    private static let described = """
        endpoint: {url: "wss://example.org/"}
        open: {acknowledged_by: [{/type: ack, /data/id: {present: true}}, {/data/0: true}]}
        messages:
          refusal: {/type: {prefix: nak}}
          heartbeat: {/list/1/a/b/c/d: deep}
          close_notice: {/list/0/a: soon}
        sequence: {at: /sequence, channel: /data/channel}
        identifier: [/id, /data/id]
        """

    private func matcher() throws -> MessageMatcher {
        let (profile, mistakes) = profile(Self.described)
        #expect(mistakes.isEmpty)
        return try #require(profile).matcher(for: .open)
    }

    /// Reads `messages` one after the other, and each alone.
    private func compare(_ messages: [[UInt8]], by matcher: MessageMatcher) {
        let reader = MessageReader(matcher)
        for (index, message) in messages.enumerated() {
            let read = message.withUnsafeBytes { reader.facts(of: $0) }
            let alone = matcher.facts(of: message)
            guard read != alone else { continue }
            let before = messages[..<index].suffix(3).map(text).joined(separator: "\n")
            Issue.record("\(text(message)) is \(alone), and \(read) after:\n\(before)")
            return
        }
    }

    @Test("messages that begin alike, and then differ in each way that matters")
    func beginnings() throws {
        let matcher = try matcher()
        let long = String(repeating: "x", count: 150)
        let endings = [
            "1}", "12}", "123,\"id\":7}", "12", "", "-1}", "\"12\"}", " 1}", "\n12 ,\"type\":\"ack\"}",
            "1,\"sequence\":2}",
            "{\"a\":1},\"id\":\"a\"}", "[1,2],\"id\":\"a\"}", "1,\"type\":\"nak\"}", "1]",
            "1,\"data\":{\"channel\":1,\"id\":2}}",
            "1,\"data\":[true]}", "null}", "1,\"data\":[false,true]}",
        ]
        let beginnings = [
            "{\"sequence\":", "{\"type\":\"event\",\"sequence\":",
            "{\"type\":\"ack\",\"data\":{\"id\":1},\"sequence\":",
            "{\"id\":1,\"data\":{\"id\":\"b\",\"channel\":\"c\",\"more\":{\"deep\":[]}},\"sequence\":",
            "{\"type\":\"nakked\",\"list\":[{\"a\":\"soon\"},{\"a\":{\"b\":{\"c\":{\"d\":\"deep\",\"e\":1}}}}],\"sequence\":",
            "{\"list\":[{\"a\":\"soon\",\"b\":", "{\"list\":[0,{\"a\":{\"b\":{\"c\":{\"d\":", "{\"data\":{\"channel\":",
            "{\"text\":\"\(long)\",\"sequence\":", "{\"type\":\"event\",\"text\":\"\(long)\",\"sequence\":",
            "  {  \"sequence\" : ",
            "{\"sequence\":1,\"sequence\":", "[{\"sequence\":", "\"", "{\"\\u0073equence\":",
        ]
        for beginning in beginnings {
            // Each ending after each other one.
            let messages = endings.map { Array((beginning + $0).utf8) }
            compare(messages.flatMap { first in messages.flatMap { [first, $0] } }, by: matcher)
        }
        let all = beginnings.flatMap { beginning in endings.map { Array((beginning + $0).utf8) } }
        compare(all + all.reversed(), by: matcher)
    }

    @Test("messages each of which is the one before with a few bytes changed", arguments: 0..<24)
    func mutations(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let matcher =
            switch seed % 3 {
            case 0: try builtIn("genesys-architect").matcher(for: .resume)
            case 1: try builtIn("genesys-notifications").matcher(for: .open)
            default: try matcher()
            }
        let seeds = [
            #"{"type":"queueEvent","sequence":1000000017,"eventBody":{"queue":"a","list":[{"a":"b"},{}]},"id":"7"}"#,
            #"{"topicName":"v2.users.9ac1b2c0.presence","version":"2","metadata":{"CorrelationId":"7b0a-1"},"eventBody":{"#
                + #""systemTopicType":"no","message":"pong"}}"#,
            #"{"id":1,"data":{"id":"b","channel":"c"},"list":[{"a":"soon"},{"a":{"b":{"c":{"d":"deep"}}}}],"sequence":5}"#,
        ].map { Array($0.utf8) }
        let words = [
            "\"", "\\", "{", "}", "[", "]", ",", ":", " ", "1", "9", "true", "\"sequence\":", "\"type\":\"ack\"",
            "\"id\":",
            "\"CorrelationId\":\"", "\"topicName\":\"channel.metadata\"", "\"eventBody\":{", "\\u0073", "é",
        ].map { Array($0.utf8) }
        var message = seeds[Int(seed % 3)]
        var messages: [[UInt8]] = []
        for _ in 0..<3000 {
            messages.append(message)
            // Mostly sound, so that there is something to remember.
            if Int.random(in: 0..<4, using: &random) == 0 { message = seeds.randomElement(using: &random) ?? [] }
            for _ in 0..<Int.random(in: 0...2, using: &random) {
                let place = Int.random(in: 0...message.count, using: &random)
                let end = min(message.count, place + Int.random(in: 0...3, using: &random))
                message.replaceSubrange(place..<end, with: words.randomElement(using: &random) ?? [])
            }
        }
        compare(messages, by: matcher)
    }

    @Test("numbers of every length, with what is no digit at every place of them")
    func numbers() throws {
        let matcher = try matcher()
        for count in 1...20 {
            let digits = Array("12345678901234567890".utf8.prefix(count))
            let number = matcher.facts(of: Array("{\"sequence\":".utf8) + digits + Array("}".utf8)).sequence
            #expect(number == UInt64(String(decoding: digits, as: UTF8.self)).flatMap { $0 > Int64.max ? nil : $0 })
            for place in digits.indices {
                for other in ["/", ":", "a", "\u{10}", "p", "."] {
                    var broken = digits
                    broken.replaceSubrange(place...place, with: other.utf8)
                    let text = Array("{\"sequence\":".utf8) + broken + Array("}".utf8)
                    #expect(matcher.facts(of: text).sequence == nil, "\(String(decoding: text, as: UTF8.self))")
                }
            }
        }
    }
}
