// swift-tools-version:6.1
import PackageDescription

/// Measurements of Holdfast beside its peers and the limits of the machine. A package of its own, so that whoever
/// depends on Holdfast never builds it.
let package = Package(
    name: "holdfast-benchmarks",
    dependencies: [
        .package(name: "holdfast", path: "..")
    ],
    targets: [
        .executableTarget(
            name: "Benchmarks",
            dependencies: [
                .product(name: "Holdfast", package: "holdfast"),
                .product(name: "MetricsRegistry", package: "holdfast"),
                .product(name: "holdfast", package: "holdfast"),
            ],
            swiftSettings: [
                .swiftLanguageMode(.v6),
                .enableUpcomingFeature("ExistentialAny"),
                .enableUpcomingFeature("InternalImportsByDefault"),
                .enableUpcomingFeature("MemberImportVisibility"),
            ])
    ]
)
