import StreamModel
import StreamProfiles
import Testing

@Suite("The matcher, case by case")
struct MatcherTests {
    private func facts(_ message: String, _ described: String) throws -> MessageFacts {
        let text = "endpoint: {url: \"wss://example.org/\"}\nopen: {acknowledged_by: {/type: ack}}\n" + described
        return try #require(profile(text).profile).matcher(for: .open).facts(of: Array(message.utf8))
    }

    private let plain = "sequence: {at: /sequence}"

    @Test(
        "what is a sequence number, and what is none",
        arguments: [
            ("0", 0), ("42", 42), ("9223372036854775807", 9_223_372_036_854_775_807), ("9223372036854775808", nil),
            ("18446744073709551616", nil), ("-1", nil), ("-0", nil), ("1.0", nil), ("1e3", nil), ("\"42\"", nil),
            ("null", nil), ("true", nil), ("[42]", nil), ("{\"sequence\":42}", nil), ("042", nil), ("", nil),
            ("42x", nil), ("99999999999999999999999", nil),
        ] as [(String, UInt64?)])
    func numbers(written: String, number: UInt64?) throws {
        #expect(try facts("{\"sequence\":\(written)}", plain).sequence == number)
        #expect(try facts("{ \"sequence\" : \(written) , \"type\":\"x\" }", plain).sequence == number)
    }

    @Test("numbers in quotes only where the profile says so")
    func quotedNumbers() throws {
        let quoted = "sequence: {at: /sequence, type: string}"
        #expect(try facts(#"{"sequence":"42"}"#, quoted).sequence == 42)
        #expect(try facts(#"{"sequence":"4 2"}"#, quoted).sequence == nil)
        #expect(try facts(#"{"sequence":42}"#, quoted).sequence == 42)
    }

    @Test("keys at another depth, escaped keys, keys in texts, keys twice")
    func keys() throws {
        #expect(try facts(#"{"data":{"sequence":7},"sequence":8}"#, plain).sequence == 8)
        #expect(try facts(#"{"data":{"sequence":7}}"#, plain).sequence == nil)
        #expect(try facts(#"[{"sequence":7}]"#, plain).sequence == nil)
        #expect(try facts(#"{"text":"\"sequence\":7,","sequence":8}"#, plain).sequence == 8)
        #expect(try facts(#"{"\u0073equ\u0065nce":9}"#, plain).sequence == 9)
        #expect(try facts(#"{"sequence":1,"sequence":2}"#, plain).sequence == 1)
        #expect(try facts(#"{"Sequence":1}"#, plain).sequence == nil)
        #expect(try facts(#"{"a":"\\","sequence":3}"#, plain).sequence == 3)
        #expect(try facts(#"{"type":"\u0061ck"}"#, plain).role == .acknowledgment)
        #expect(try facts(#"{"type":"ack "}"#, plain).role == .event)
    }

    @Test(
        "what is broken where it is looked at is an event without a number",
        arguments: [
            "", " ", "{", "{\"sequence\"", "{\"sequence\":", "{\"sequence\":1", "{\"sequence\" 1}", "\"", "\"\\", "nul",
            "{\"sequence\":1,}", "{,\"sequence\":1}", "{\"sequence\":1]", "}{", "{\"a\":[}", "{\"sequence\":1}}",
            "{sequence:1}", "{\"sequence\":1} x", "\u{0}", "{\"a\":\"\\", "{\"a\\", "[[[[", "{\"a\":{\"b\":",
        ])
    func broken(message: String) throws {
        #expect(try facts(message, plain) == MessageFacts(role: .event))
    }

    @Test("a hundred thousand brackets cost no stack")
    func deep() throws {
        let open = String(repeating: "[", count: 100_000)
        let close = String(repeating: "]", count: 100_000)
        #expect(try facts("{\"a\":\(open)\(close),\"sequence\":5}", plain).sequence == 5)
        #expect(try facts(open, plain) == MessageFacts(role: .event))
        let objects = String(repeating: "{\"a\":", count: 100_000)
        #expect(try facts(objects, "sequence: {at: /a/a/a/a}") == MessageFacts(role: .event))
    }

    @Test("channels and identifiers tell texts from numbers, not one writing from another")
    func hashes() throws {
        let described = "sequence: {at: /n, channel: /c}\nidentifier: /id"
        let one = try facts(#"{"n":1,"c":"aé","id":"x"}"#, described)
        let same = try facts(#"{"id":"\u0078","c":"\u0061\u00e9","n":1}"#, described)
        #expect(one == same)
        #expect(one.channel != 0)
        #expect(try facts(#"{"n":1,"c":1}"#, described).channel != facts(#"{"n":1,"c":"1"}"#, described).channel)
        #expect(try facts(#"{"n":1}"#, described).channel == 0)
        #expect(try facts(#"{"id":null}"#, described).identifier == nil)
        #expect(try facts(#"{"id":{}}"#, described).identifier == nil)
    }

    @Test("an answer is matched with the identifier of its request")
    func correlation() throws {
        let text = """
            endpoint: {url: "wss://example.org/"}
            variables: {number: {type: integer}}
            open:
              send: {id: "{number}", ref: "{correlation_id}"}
              acknowledged_by: {/id: "{number}", /ref: "{correlation_id}"}
            """
        let profile = try #require(profile(text).profile)
        #expect(profile.matcherVariables == ["number", "correlation_id"])
        let values: [String: VariableValue] = ["number": .integer(7), "correlation_id": .string("a\"b")]
        let message = try profile.messages(for: .open, variables: values)[0]
        #expect(StreamProfilesTests.text(message) == #"{"id":7,"ref":"a\"b"}"#)
        let matcher = profile.matcher(for: .open, variables: values)
        #expect(matcher.facts(of: message).role == .acknowledgment)
        #expect(matcher.facts(of: Array(#"{"id":8,"ref":"a\"b"}"#.utf8)).role == .event)
        #expect(profile.matcher(for: .open).facts(of: message).role == .event)
    }

    @Test("a notice comes before what it may also look like")
    func precedence() throws {
        let described = "messages: {refusal: {/type: ack, /ok: false}}\n"
        #expect(try facts(#"{"type":"ack","ok":false}"#, described).role == .refusal)
        #expect(try facts(#"{"type":"ack","ok":true}"#, described).role == .acknowledgment)
        #expect(try facts(#"{"type":"ack","ok":"false"}"#, described).role == .acknowledgment)
    }
}
