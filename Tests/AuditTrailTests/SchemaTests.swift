import Foundation
import StreamModel
import Testing

@testable import AuditTrail

/// The lines and the schema say the same: a small validator of what the schema uses, no more.
@Suite struct SchemaTests {
    private let schema: [String: Any]
    private let definitions: [String: [String: Any]]

    init() throws {
        schema = try #require(try JSONSerialization.jsonObject(with: Data(AuditTrail.schema.utf8)) as? [String: Any])
        definitions = try #require(schema["$defs"] as? [String: [String: Any]])
    }

    private var lines: [AuditLine] {
        let encoder = AuditLineEncoder(redact: { $0 })
        return Samples.facts.compactMap { encoder.line(1, for: EventRecord(time: Samples.time, fact: $0)) }
            + [encoder.droppedLine(2, at: Samples.time, sink: .file, count: 3)]
    }

    @Test func everyEventHasItsDefinitionAndItsSample() throws {
        let named = try #require(schema["oneOf"] as? [[String: String]]).compactMap { $0["$ref"]?.dropFirst(8) }
        #expect(Set(named.map(String.init)) == Set(AuditEventName.allCases.map(\.rawValue)))
        #expect(Set(lines.map(\.event)) == Set(AuditEventName.allCases))
        for event in AuditEventName.allCases {
            let definition = try #require(definitions[event.rawValue])
            #expect(definition["additionalProperties"] as? Bool == false)
            let properties = try #require(definition["properties"] as? [String: [String: Any]])
            #expect(properties["event"]?["const"] as? String == event.rawValue)
        }
    }

    @Test func everyLineValidates() throws {
        for line in lines {
            let value = try JSONSerialization.jsonObject(with: Data(line.bytes))
            let problems = check(
                value, against: try #require(definitions[line.event.rawValue]), at: line.event.rawValue)
            #expect(problems.isEmpty, "\(line.text)")
        }
    }

    @Test func linesOfAnAttemptAndOfItsConnectionNameIt() throws {
        let named: Set<AuditEventName> = [
            .websocketReconnection, .connectFailed, .streamLive, .reconnectAck, .connectionLost,
        ]
        for line in lines {
            let object = try #require(try JSONSerialization.jsonObject(with: Data(line.bytes)) as? [String: Any])
            #expect((object["attemptId"] is String) == named.contains(line.event), "\(line.text)")
        }
    }

    @Test func closedSetsAreThoseOfTheModel() {
        #expect(definitions["failureReason"]?["enum"] as? [String] == ConnectFailureReason.allCases.map(\.rawValue))
        #expect(definitions["disconnectReason"]?["enum"] as? [String] == DisconnectReason.allCases.map(\.rawValue))
        let phases = definitions["phases"]?["properties"] as? [String: Any]
        #expect(Set(phases?.keys ?? [:].keys) == Set(ConnectPhase.allCases.map(\.rawValue)))
    }

    @Test func theValidatorFindsWhatIsWrong() throws {
        let good = Samples.line(1)
        var object = try #require(try JSONSerialization.jsonObject(with: Data(good.bytes)) as? [String: Any])
        let definition = try #require(definitions["buffer_flushed"])
        #expect(check(object, against: definition, at: "").isEmpty)
        object["surprise"] = 1
        #expect(check(object, against: definition, at: "") == [".surprise: not allowed"])
        object["surprise"] = nil
        object["count"] = "1"
        #expect(check(object, against: definition, at: "") == [".count: no integer"])
        object["count"] = nil
        #expect(check(object, against: definition, at: "") == [".count: missing"])
    }

    private func check(_ value: Any, against schema: [String: Any], at place: String) -> [String] {
        if let reference = schema["$ref"] as? String {
            guard let target = definitions[String(reference.dropFirst(8))] else { return ["\(place): no \(reference)"] }
            return check(value, against: target, at: place)
        }
        var problems: [String] = []
        let types = (schema["type"] as? [String]) ?? (schema["type"] as? String).map { [$0] } ?? []
        if !types.isEmpty, !types.contains(where: { isOf(type: $0, value) }) {
            problems.append("\(place): no \(types.joined(separator: " or "))")
        }
        if let allowed = schema["enum"] as? [String], !allowed.contains((value as? String) ?? "") {
            problems.append("\(place): not one of \(allowed)")
        }
        if let constant = schema["const"] as? String, value as? String != constant {
            problems.append("\(place): not \(constant)")
        }
        if let items = schema["items"] as? [String: Any], let values = value as? [Any] {
            problems += values.flatMap { check($0, against: items, at: "\(place)[]") }
            if values.count > schema["maxItems"] as? Int ?? .max { problems.append("\(place): too many items") }
            if values.count < schema["minItems"] as? Int ?? 0 { problems.append("\(place): too few items") }
        }
        if let pattern = schema["pattern"] as? String,
            (value as? String)?.range(of: pattern, options: .regularExpression) == nil
        {
            problems.append("\(place): does not match \(pattern)")
        }
        if let number = value as? NSNumber {
            if let minimum = schema["minimum"] as? NSNumber, number.compare(minimum) == .orderedAscending {
                problems.append("\(place): too small")
            }
            if let maximum = schema["maximum"] as? NSNumber, number.compare(maximum) == .orderedDescending {
                problems.append("\(place): too large")
            }
        }
        if let object = value as? [String: Any] { problems += checkKeys(object, against: schema, at: place) }
        return problems
    }

    private func checkKeys(_ object: [String: Any], against schema: [String: Any], at place: String) -> [String] {
        let properties = (schema["properties"] as? [String: [String: Any]]) ?? [:]
        let required = (schema["required"] as? [String]) ?? []
        var problems = required.filter { object[$0] == nil }.map { "\(place).\($0): missing" }
        for (key, value) in object.sorted(by: { $0.key < $1.key }) {
            if let property = properties[key] {
                problems += check(value, against: property, at: "\(place).\(key)")
            } else {
                problems.append("\(place).\(key): not allowed")
            }
        }
        return problems
    }

    private func isOf(type: String, _ value: Any) -> Bool {
        switch type {
        case "string": value is String
        case "null": value is NSNull
        case "object": value is [String: Any]
        case "array": value is [Any]
        case "boolean": (value as? NSNumber).map { CFBooleanLike.isBoolean($0) } ?? false
        case "number": (value as? NSNumber).map { !CFBooleanLike.isBoolean($0) } ?? false
        case "integer":
            (value as? NSNumber).map { !CFBooleanLike.isBoolean($0) && $0.doubleValue == $0.doubleValue.rounded() }
                ?? false
        default: false
        }
    }

    private enum CFBooleanLike {
        static func isBoolean(_ number: NSNumber) -> Bool {
            number === NSNumber(value: true) || number === NSNumber(value: false)
        }
    }
}
