extension FuzzTarget {
    /// Words of YAML, and forms of values.
    static let yamlWords = [
        "{", "}", "[", "]", ": ", "- ", "\"", "'", "*a", "&a ", "!!int ", "\n", "  ", "\t", "${SECRET}", "${", "$${",
        "~", "null", "|\n",
        "#", "? ", "<<: ", "---\n", "...\n", "\u{FEFF}", "\u{85}", "0x1F", "1_000", ".inf", "1e9", "true", "30s",
        "1MiB",
    ]
}
