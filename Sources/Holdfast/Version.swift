/// What this build is; shown by `--version` and `holdfast_build_info`.
public enum HoldfastVersion {
    /// The version of Holdfast, by semantic versioning.
    public static let current = "0.1.0"

    /// The version of the Swift language that it was compiled with.
    public static var swift: String {
        #if compiler(>=6.4)
        "6.4"
        #elseif compiler(>=6.3)
        "6.3"
        #elseif compiler(>=6.2)
        "6.2"
        #else
        "6.1"
        #endif
    }
}
