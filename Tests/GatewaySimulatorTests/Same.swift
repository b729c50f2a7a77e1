import Testing

/// Expects two values to be equal. Unlike `#expect`, it takes calls that change what they are made on.
func same<Value: Equatable>(_ actual: Value, _ expected: Value, sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(actual == expected, sourceLocation: sourceLocation)
}
