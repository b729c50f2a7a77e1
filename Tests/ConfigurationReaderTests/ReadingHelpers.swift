import ConfigurationReader

/// What reading `text` with `body` found wrong, as it would be printed.
func mistakes(
    in text: String, environment: [String: String] = [:], limits: ReadingLimits = ReadingLimits(),
    reading body: (ConfigurationValue) -> Void = { _ in }
) -> [String] {
    let document = ConfigurationDocument(text: text, file: "test.yml", environment: environment, limits: limits)
    if let root = document.root { body(root) }
    return document.diagnostics.map(\.description)
}

/// The value that `body` reads from `text`, and what was found wrong.
func read<Value>(
    _ text: String, environment: [String: String] = [:], as body: (ConfigurationValue) -> Value?
) -> (value: Value?, mistakes: [String]) {
    let document = ConfigurationDocument(text: text, file: "test.yml", environment: environment)
    let value = document.root.flatMap(body)
    return (value, document.diagnostics.map(\.description))
}
