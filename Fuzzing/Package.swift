// swift-tools-version:6.1
import PackageDescription

// The project's own sources, built once more for libFuzzer and the address sanitizer, with the targets of Tests/FuzzTests.
// A package of its own, so that what it needs and how it is built concerns nobody else. `Sources` and `FuzzTests` are
// links into the project. Build it with Fuzzing/run.sh, which knows the flags.
//
// Two programs: `fuzz` reads everything that needs no network stack, and is built in a minute or two; `fuzz-whole` has
// the readers of `holdfast run` and `holdfast gateway` as well, and with them all that those depend on.
let rules: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// A target of the project, from its own folder.
func sources(
    _ name: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = [], resources: [Resource] = []
) -> Target {
    .target(
        name: name, dependencies: dependencies, path: "Sources/\(name)", exclude: exclude, resources: resources,
        swiftSettings: rules)
}

let nio = ["NIOCore", "NIOPosix", "NIOHTTP1", "NIOConcurrencyHelpers"].map {
    Target.Dependency.product(name: $0, package: "swift-nio")
}
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")

let package = Package(
    name: "holdfast-fuzzing",
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-collections.git", from: "1.6.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.13.0"),
        .package(url: "https://github.com/jpsim/Yams.git", from: "6.2.2"),
    ],
    targets: [
        .systemLibrary(name: "CMicrohttpd", path: "Sources/CMicrohttpd", pkgConfig: "libmicrohttpd"),
        .systemLibrary(name: "CZlib", path: "Sources/CZlib", pkgConfig: "zlib"),
        .systemLibrary(name: "CIsal", path: "Sources/CIsal", pkgConfig: "libisal"),
        .systemLibrary(name: "CCrypt", path: "Sources/CCrypt", pkgConfig: "libcrypt"),
        sources("StreamModel"),
        sources("ConfigurationReader", [.product(name: "Yams", package: "Yams")]),
        sources("StreamProfiles", ["StreamModel", "ConfigurationReader"], resources: [.embedInCode("Profiles")]),
        sources("Credentials", ["StreamModel"]),
        sources("WebSocketCodec", ["CZlib"]),
        sources("MetricsRegistry"),
        sources("AuditTrail", ["StreamModel"], resources: [.embedInCode("Schema")]),
        sources("ExpositionServer", ["MetricsRegistry", "ConfigurationReader", "CMicrohttpd", "CIsal", "CCrypt"]),
        .executableTarget(
            name: "fuzz",
            dependencies: [
                "WebSocketCodec", "StreamProfiles", "StreamModel", "ConfigurationReader", "Credentials", "AuditTrail",
                "ExpositionServer", "MetricsRegistry",
            ],
            path: "Bare", swiftSettings: rules),

        sources("StreamSupervisor", ["StreamModel"]),
        sources("StreamMetrics", ["StreamModel", "MetricsRegistry"]),
        sources("WebSocketTransport", ["WebSocketCodec", .product(name: "NIOSSL", package: "swift-nio-ssl")] + nio),
        sources(
            "StreamRuntime",
            ["StreamModel", "StreamSupervisor", "StreamProfiles", "Credentials", "WebSocketTransport", logging] + nio),
        sources("GatewaySimulator", ["WebSocketCodec", "ConfigurationReader", "StreamModel"] + nio),
        sources(
            "Holdfast",
            [
                "StreamModel", "StreamSupervisor", "StreamRuntime", "StreamMetrics", "MetricsRegistry", "AuditTrail",
                "ExpositionServer", "Credentials", "WebSocketTransport", "StreamProfiles", logging,
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ] + nio, resources: [.embedInCode("Assets")]),
        // Of the program only what reads its files.
        .target(
            name: "HoldfastCommand",
            dependencies: [
                "Holdfast", "ConfigurationReader", "StreamModel", "StreamSupervisor", "StreamProfiles", "Credentials",
                "WebSocketTransport", "StreamRuntime", "StreamMetrics", "AuditTrail", "ExpositionServer",
            ],
            path: "Sources/HoldfastCommand/Configuration", swiftSettings: rules),
        .executableTarget(
            name: "fuzz-whole",
            dependencies: ["HoldfastCommand", "GatewaySimulator", "ConfigurationReader", "StreamProfiles"],
            path: "Whole", swiftSettings: rules),
    ]
)
