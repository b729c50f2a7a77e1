import StreamModel
import StreamProfiles

/// Reading messages through the profile genesys-architect, beside an extractor that is written by hand for it.
enum MatcherBenchmark {
    private static let filler = String(repeating: "x", count: 120)

    /// A message of the shape that `name` names, with a number of two digits in it; nil where there is no such shape.
    private static func message(_ name: String, _ number: Int) -> String? {
        switch name {
        case "early":
            #"{"type":"event","sequence":1234\#(number),"data":{"id":"event-1","text":"\#(filler)","list":[1,2,3]}}"#
        case "late":
            #"{"type":"event","data":{"id":"event-1","conversation":"\#(filler)","participants":[{"a":1,"b":"two"},"#
                + #"{"a":2,"b":"three"}],"note":"he said \"hi\""},"version":"2","sequence":1234\#(number)}"#
        case "long":
            #"{"type":"event","data":{"text":"\#(String(repeating: filler, count: 7))","n":[1,2]},"sequence":1234\#(number)}"#
        case "keys":
            "{" + (0..<20).map { "\"k\($0)\":\($0)," }.joined() + #""type":"event","sequence":\#(number)}"#
        case "spaced":
            "{ " + (0..<8).map { "\"key\($0)\" : \($0), " }.joined() + #""type": "event", "sequence": \#(number) }"#
        case "acknowledgment":
            #"{"type":"subscriptionAck","subscriptions":["queueEvents","callEvents"],"clientId":"0b7c0f\#(number)"}"#
        default: nil
        }
    }

    /// Prints: nanoseconds a message, by hand, bytes of the message.
    static func run(shape: String) {
        // Several, one behind the other: what is read out of one and the same need not be read twice.
        let messages = (10..<42).compactMap { message(shape, $0) }.map { Array($0.utf8) }
        guard let size = messages.first?.count else { fail("there is no message `\(shape)`") }
        guard let profile = ProfileCatalogue.builtIn.profile(named: "genesys-architect") else {
            fail("the profile genesys-architect is missing")
        }
        let matcher = profile.matcher(for: .resume)
        let count = 2000
        var profiled: [Double] = []
        var byHand: [Double] = []
        var sum: UInt64 = 0
        Array(messages.joined()).withUnsafeBytes { all in
            func message(_ index: Int) -> UnsafeRawBufferPointer {
                UnsafeRawBufferPointer(rebasing: all[(index & 31) * size..<(index & 31) * size + size])
            }
            for index in messages.indices {
                guard matcher.facts(of: message(index)) == HandWrittenMatcher.facts(of: message(index)) else {
                    fail("the two read different facts out of `\(shape)`")
                }
            }
            // Short rounds that alternate, so that what else the machine does falls on both.
            for _ in 0..<401 {
                let began = monotonicNanoseconds()
                for index in 0..<count { sum &+= matcher.facts(of: message(index)).sequence ?? 1 }
                let middle = monotonicNanoseconds()
                for index in 0..<count { sum &+= HandWrittenMatcher.facts(of: message(index)).sequence ?? 1 }
                profiled.append((middle - began) / Double(count))
                byHand.append((monotonicNanoseconds() - middle) / Double(count))
            }
        }
        guard sum > 0 else { fail("nothing was read") }
        print(text(median(profiled)), text(median(byHand)), size)
    }
}
