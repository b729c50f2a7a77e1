import ArgumentParser
import AuditTrail

/// `holdfast audit-schema`: the JSON Schema that every line of the trail validates against.
struct AuditSchemaCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit-schema",
        abstract: "Prints the JSON Schema (draft 2020-12) of the lines of the audit trail.")

    mutating func run() throws {
        print(AuditTrail.schema, terminator: AuditTrail.schema.hasSuffix("\n") ? "" : "\n")
    }
}
