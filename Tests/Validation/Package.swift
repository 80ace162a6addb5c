// swift-tools-version: 6.2

import PackageDescription

// A package of its own: checks that need other software or much time, which no user and no test run of the library builds.
let package = Package(
    name: "Validation",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "Unlearning", path: "../..")],
    targets: [
        .executableTarget(
            name: "onnx-runner",
            dependencies: [
                .product(name: "ModelInterchange", package: "Unlearning"),
                .product(name: "Unlearning", package: "Unlearning"),
            ])
    ]
)
