// swift-tools-version: 6.2

import PackageDescription

// A package of its own, so that no user of the library resolves what benchmarks need.
let package = Package(
    name: "Benchmarks",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "workload-runner", targets: ["workload-runner"]),
        .executable(name: "layer-speed", targets: ["layer-speed"]),
    ],
    dependencies: [
        .package(name: "Unlearning", path: ".."),
        // Without its traits, which replace malloc: the workloads' own time is what counts here.
        .package(url: "https://github.com/ordo-one/benchmark", from: "1.38.0", traits: []),
    ],
    targets: [
        .target(name: "CMeasurement"),
        .target(
            name: "Workloads", dependencies: ["CMeasurement", .product(name: "Unlearning", package: "Unlearning")]),
        .executableTarget(
            name: "workload-runner",
            dependencies: ["CMeasurement", "Workloads", .product(name: "Unlearning", package: "Unlearning")]),
        .executableTarget(
            name: "layer-speed",
            dependencies: ["CMeasurement", "Workloads", .product(name: "Unlearning", package: "Unlearning")]),
        .executableTarget(
            name: "UnlearningBenchmarks",
            dependencies: ["Workloads", .product(name: "Benchmark", package: "benchmark")],
            path: "Benchmarks/UnlearningBenchmarks",
            plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]),
    ]
)
