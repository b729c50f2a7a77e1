// swift-tools-version:6.1
import PackageDescription

/// Rules kept by the compiler rather than by memory.
let rules: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
    name: "holdfast",
    products: [
        .library(name: "Holdfast", targets: ["Holdfast"]),
        .library(name: "MetricsRegistry", targets: ["MetricsRegistry"]),
        .library(name: "HoldfastMetrics", targets: ["HoldfastMetrics"]),
        .library(name: "HoldfastTracing", targets: ["HoldfastTracing"]),
        .executable(name: "holdfast", targets: ["HoldfastCommand"]),
        .executable(name: "websocket-echo", targets: ["WebSocketEcho"]),
        .executable(name: "holdfast-simulate", targets: ["SimulateCommand"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-collections.git", from: "1.6.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.13.0"),
        .package(url: "https://github.com/jpsim/Yams.git", from: "6.2.2"),
        .package(url: "https://github.com/apple/swift-metrics.git", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-distributed-tracing.git", from: "1.7.3"),
    ],
    targets: [
        // System libraries.
        .systemLibrary(name: "CMicrohttpd", pkgConfig: "libmicrohttpd", providers: [.apt(["libmicrohttpd-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CIsal", pkgConfig: "libisal", providers: [.apt(["libisal-dev"])]),
        .systemLibrary(name: "CCrypt", pkgConfig: "libcrypt", providers: [.apt(["libcrypt-dev"])]),

        // The machine: values in, values out.
        .target(name: "StreamModel", swiftSettings: rules),
        .target(name: "StreamSupervisor", dependencies: ["StreamModel"], swiftSettings: rules),

        // What people write: YAML with positions, and the protocols described in it.
        .target(
            name: "ConfigurationReader",
            dependencies: [.product(name: "Yams", package: "Yams")],
            swiftSettings: rules),
        .target(
            name: "StreamProfiles",
            dependencies: ["StreamModel", "ConfigurationReader"],
            resources: [.embedInCode("Profiles")],
            swiftSettings: rules),

        // The wire.
        .target(name: "Credentials", dependencies: ["StreamModel"], swiftSettings: rules),
        .target(name: "WebSocketCodec", dependencies: ["CZlib"], swiftSettings: rules),
        .target(
            name: "WebSocketTransport",
            dependencies: [
                "WebSocketCodec",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            swiftSettings: rules),
        .target(
            name: "StreamRuntime",
            dependencies: [
                "StreamModel", "StreamSupervisor", "StreamProfiles", "Credentials", "WebSocketTransport",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: rules),

        // What is measured, and where it goes.
        .target(name: "MetricsRegistry", swiftSettings: rules),
        .target(name: "StreamMetrics", dependencies: ["StreamModel", "MetricsRegistry"], swiftSettings: rules),
        .target(
            name: "AuditTrail",
            dependencies: ["StreamModel"],
            resources: [.embedInCode("Schema")],
            swiftSettings: rules),
        .target(
            name: "ExpositionServer",
            dependencies: ["MetricsRegistry", "ConfigurationReader", "CMicrohttpd", "CIsal", "CCrypt"],
            swiftSettings: rules),

        // A gateway that can be made to misbehave.
        .target(
            name: "GatewaySimulator",
            dependencies: [
                "WebSocketCodec", "ConfigurationReader", "StreamModel",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ],
            swiftSettings: rules),

        // Many clients that fall together, in virtual time, with the real backoff and budget.
        .target(name: "StormSimulator", dependencies: ["StreamModel", "StreamSupervisor"], swiftSettings: rules),

        // The library and the programs.
        .target(
            name: "Holdfast",
            dependencies: [
                "StreamModel", "StreamSupervisor", "StreamRuntime", "StreamMetrics", "MetricsRegistry", "AuditTrail",
                "ExpositionServer", "Credentials", "WebSocketTransport", "StreamProfiles",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            resources: [.embedInCode("Assets")],
            swiftSettings: rules),
        .executableTarget(
            name: "HoldfastCommand",
            dependencies: [
                "Holdfast", "GatewaySimulator", "ConfigurationReader", "StreamModel", "StreamSupervisor",
                "StreamProfiles", "Credentials", "WebSocketTransport", "StreamRuntime", "StreamMetrics", "AuditTrail",
                "ExpositionServer", "StormSimulator",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: rules),
        // An application's own metrics from the same endpoint, and spans of attempts.
        .target(
            name: "HoldfastMetrics",
            dependencies: [
                "MetricsRegistry",
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
            ],
            swiftSettings: rules),
        .target(
            name: "HoldfastTracing",
            dependencies: [
                "Holdfast", "StreamModel", .product(name: "Tracing", package: "swift-distributed-tracing"),
            ],
            swiftSettings: rules),
        // The example, also a package of its own; here it is compiled and run by the tests.
        .executableTarget(
            name: "ExampleService",
            dependencies: [
                "Holdfast", "HoldfastMetrics",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            path: "examples/service/Sources/ExampleService"),
        .executableTarget(
            name: "WebSocketEcho",
            dependencies: ["WebSocketTransport"],
            swiftSettings: rules),

        // Years of faults in virtual time, with the real machine, runtime, trail and metrics.
        .target(
            name: "StreamSimulation",
            dependencies: [
                "StreamModel", "StreamSupervisor", "StreamRuntime", "StreamProfiles", "StreamMetrics",
                "MetricsRegistry", "AuditTrail", "Credentials", "WebSocketTransport", "WebSocketCodec", "Holdfast",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: rules),
        .executableTarget(
            name: "SimulateCommand",
            dependencies: [
                "StreamSimulation", .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: rules),

        // The page, in a browser.
        .testTarget(
            name: "PageTests",
            dependencies: [
                "Holdfast", "HoldfastCommand", "GatewaySimulator", "StreamModel", "StreamRuntime", "StreamMetrics",
                "AuditTrail", "ExpositionServer",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: rules),
    ]
        + [
            "StreamModel", "StreamSupervisor", "ConfigurationReader", "StreamProfiles", "Credentials",
            "WebSocketCodec", "WebSocketTransport", "MetricsRegistry", "StreamMetrics",
            "AuditTrail", "ExpositionServer", "GatewaySimulator", "Holdfast",
        ].map { name in
            // The tests of the endpoint unpack with zlib what it packs with igzip.
            .testTarget(
                name: "\(name)Tests",
                dependencies: [.byName(name: name)] + (name == "ExpositionServer" ? ["CZlib"] : []),
                swiftSettings: rules)
        }
        + [
            // The program from outside: the binary, against servers that are written from the protocol's text alone.
            .testTarget(
                name: "EndToEndTests",
                dependencies: ["HoldfastCommand", .product(name: "NIOConcurrencyHelpers", package: "swift-nio")],
                exclude: ["Support/parse.py"],
                swiftSettings: rules),
            // Whole services, from their configuration to what is counted: in virtual time, and on sockets.
            .testTarget(
                name: "ServicesTests",
                dependencies: [
                    "HoldfastCommand", "Holdfast", "AuditTrail", "GatewaySimulator", "StreamRuntime", "StreamProfiles",
                    "StreamModel", "Credentials", "WebSocketTransport", "WebSocketCodec", "ConfigurationReader",
                    "MetricsRegistry",
                    .product(name: "NIOCore", package: "swift-nio"),
                    .product(name: "NIOEmbedded", package: "swift-nio"),
                    .product(name: "Logging", package: "swift-log"),
                ],
                exclude: ["Support/sdk.py"],
                swiftSettings: rules),
            // The page about storms is run through the command itself.
            .testTarget(
                name: "StormSimulatorTests",
                dependencies: [
                    "StormSimulator", "HoldfastCommand", "StreamModel", "StreamSupervisor",
                    .product(name: "ArgumentParser", package: "swift-argument-parser"),
                ],
                swiftSettings: rules),
            // From a lost message to the alert, with the real Prometheus and Alertmanager.
            .testTarget(
                name: "AlertingTests",
                dependencies: [
                    "HoldfastCommand", "GatewaySimulator",
                    .product(name: "NIOCore", package: "swift-nio"),
                    .product(name: "NIOPosix", package: "swift-nio"),
                    .product(name: "NIOHTTP1", package: "swift-nio"),
                ],
                swiftSettings: rules),
            .testTarget(
                name: "StreamRuntimeTests",
                dependencies: [
                    "StreamRuntime", .product(name: "NIOEmbedded", package: "swift-nio"),
                    .product(name: "NIOPosix", package: "swift-nio"),
                ],
                swiftSettings: rules),
            // The library as an application uses it, and the code that its documents show.
            .testTarget(
                name: "LibraryTests",
                dependencies: [
                    "ExampleService", "Holdfast", "HoldfastMetrics", "HoldfastTracing", "GatewaySimulator",
                    "MetricsRegistry", "StreamModel", "AuditTrail",
                    .product(name: "InMemoryTracing", package: "swift-distributed-tracing"),
                    .product(name: "Logging", package: "swift-log"),
                    .product(name: "Metrics", package: "swift-metrics"),
                    .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
                    .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                    .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                    .product(name: "Tracing", package: "swift-distributed-tracing"),
                ],
                swiftSettings: rules),
            .testTarget(
                name: "StreamSimulationTests",
                dependencies: [
                    "StreamSimulation", "StreamModel",
                    .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
                    .product(name: "NIOCore", package: "swift-nio"),
                ],
                swiftSettings: rules),
            // Configurations are read where they lie, so that a diagnostic names them as a person would.
            .testTarget(
                name: "HoldfastCommandTests", dependencies: ["HoldfastCommand"],
                exclude: ["Configurations", "WebConfigurations"],
                swiftSettings: rules),
            // The program is killed, and its disk taken away, by the campaigns in scripts/.
            .testTarget(name: "CrashTests", dependencies: ["HoldfastCommand"], swiftSettings: rules),
            // Everything that reads what others wrote, against damaged inputs; Fuzzing/ runs the same with libFuzzer.
            .testTarget(
                name: "FuzzTests",
                dependencies: [
                    "WebSocketCodec", "StreamProfiles", "StreamModel", "ConfigurationReader", "Credentials",
                    "AuditTrail",
                    "ExpositionServer", "MetricsRegistry", "GatewaySimulator", "HoldfastCommand",
                ],
                swiftSettings: rules),
        ]
)
