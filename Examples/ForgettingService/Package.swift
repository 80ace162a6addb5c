// swift-tools-version: 6.2

import PackageDescription

// A package of its own, so that nothing else fetches or builds a web server.
let package = Package(
    name: "ForgettingService",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "Unlearning", path: "../.."),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.0.0"),
    ],
    targets: [
        .executableTarget(
            name: "forgetting-service",
            dependencies: [
                .product(name: "UnlearningLedger", package: "Unlearning"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            path: "Sources/ForgettingService")
    ]
)
