// swift-tools-version: 6.2

import PackageDescription

// An app's package, as a user would write it: it sees the library's public names alone.
let package = Package(
    name: "Examples",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "Unlearning", path: "..")],
    targets: [
        .executableTarget(
            name: "examples",
            dependencies: [
                .product(name: "ModelInterchange", package: "Unlearning"),
                .product(name: "Unlearning", package: "Unlearning"),
            ],
            path: "Sources/Examples")
    ]
)
