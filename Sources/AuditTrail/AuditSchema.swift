extension AuditTrail {
    /// The JSON Schema (draft 2020-12) that every line validates against.
    public static var schema: String {
        String(decoding: PackageResources.audit_event_schema_json, as: UTF8.self)
    }
}
