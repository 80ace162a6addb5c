// swift-tools-version: 6.2

import PackageDescription

// The pkg-config name of the MPI library, which the trait `MPI` links: `ompi-c` is Open MPI, `mpich` is MPICH.
let mpiLibrary = Context.environment["UNLEARNING_MPI"] ?? "ompi-c"

let package = Package(
    name: "Unlearning",
    // Built and run on Linux alone. What is written for macOS needs the availability of this release.
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "Unlearning", targets: ["Unlearning"]),
        .library(name: "UnlearningReports", targets: ["UnlearningReports"]),
        .library(name: "UnlearningLedger", targets: ["UnlearningLedger"]),
        .library(name: "ImageFolders", targets: ["ImageFolders"]),
        .library(name: "ModelInterchange", targets: ["ModelInterchange"]),
        .library(name: "NeuralGraph", targets: ["NeuralGraph"]),
        .executable(name: "unlearn", targets: ["unlearn"]),
        // `unlearn ledger` becomes this program. It is apart, so that `unlearn` is built without a database.
        .executable(name: "unlearn-ledger", targets: ["unlearn-ledger"]),
    ],
    traits: [
        .trait(
            name: "MPI", description: "Runs of `unlearn` on several processes, by mpirun or srun. Needs an MPI library."
        )
    ],
    dependencies: [
        // The command line alone needs these: a package that uses `Unlearning` fetches them, but neither builds nor links
        // them.
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        // The ledger alone needs this.
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    ],
    targets: [
        .systemLibrary(
            name: "COpenBLAS", pkgConfig: "openblas",
            providers: [.apt(["libopenblas-dev"]), .brew(["openblas"])]),
        .systemLibrary(
            name: "CLAPACKE", pkgConfig: "lapacke",
            providers: [.apt(["liblapacke-dev"]), .brew(["lapack"])]),
        .systemLibrary(
            name: "CZlib", pkgConfig: "zlib",
            providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
        // Apple's platforms have CryptoKit instead.
        .systemLibrary(
            name: "COpenSSL", pkgConfig: "libcrypto",
            providers: [.apt(["libssl-dev"])]),
        .systemLibrary(
            name: "CPNG", pkgConfig: "libpng",
            providers: [.apt(["libpng-dev"]), .brew(["libpng"])]),
        .systemLibrary(
            name: "CJPEG", pkgConfig: "libjpeg",
            providers: [.apt(["libjpeg-dev"]), .brew(["jpeg-turbo"])]),
        .systemLibrary(
            name: "CWebP", pkgConfig: "libwebp",
            providers: [.apt(["libwebp-dev"]), .brew(["webp"])]),
        .systemLibrary(
            name: "CGIF", pkgConfig: "libgif",
            providers: [.apt(["libgif-dev"]), .brew(["giflib"])]),
        .systemLibrary(
            name: "CMPI", pkgConfig: mpiLibrary,
            providers: [.apt(["libopenmpi-dev"]), .brew(["open-mpi"])]),
        // The loops take half a minute to compile. A Swift module waits for the C files of the targets that it names, and for no
        // others: so `NeuralGraph` compiles beside them.
        .target(name: "CNeuralLoops", cSettings: [.headerSearchPath("../CNeuralKernels/include")]),
        .target(name: "CNeuralKernels", dependencies: ["CNeuralLoops"]),
        .target(name: "CImageCodecs", dependencies: ["CPNG", "CJPEG", "CWebP", "CGIF"]),
        .target(name: "NeuralGraph", dependencies: ["CNeuralKernels", "COpenBLAS", "CLAPACKE"]),
        .target(name: "ModelFiles", dependencies: ["NeuralGraph"]),
        // Beside `Unlearning`, which needs no other format than safetensors: so the two, the largest, compile at once.
        .target(name: "ModelInterchange", dependencies: ["NeuralGraph", "ModelFiles"]),
        .target(name: "ImageDatasets", dependencies: ["NeuralGraph", "CZlib"]),
        .target(name: "ImageFolders", dependencies: ["NeuralGraph", "ImageDatasets", "CImageCodecs"]),
        .target(name: "Unlearning", dependencies: ["NeuralGraph", "ModelFiles", "ImageDatasets"]),
        .target(name: "Plotting", dependencies: ["CZlib"]),
        .target(
            name: "UnlearningReports",
            dependencies: [
                "Unlearning", "Plotting",
                .target(name: "COpenSSL", condition: .when(platforms: [.linux])),
            ]),
        .target(
            name: "UnlearningLedger",
            dependencies: ["UnlearningReports", .product(name: "GRDB", package: "GRDB.swift")]),
        .target(
            name: "MessagePassing",
            dependencies: ["NeuralGraph", .target(name: "CMPI", condition: .when(traits: ["MPI"]))]),
        .target(name: "CProgramStart"),
        .target(
            name: "UnlearnCommands",
            dependencies: [
                "CProgramStart",
                "MessagePassing",
                "ModelInterchange",
                "Unlearning",
                "UnlearningReports",
                "ImageFolders",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Yams", package: "Yams"),
            ]),
        .executableTarget(name: "unlearn", dependencies: ["UnlearnCommands"]),
        .executableTarget(
            name: "unlearn-ledger",
            dependencies: [
                "ModelInterchange",
                "UnlearnCommands",
                "UnlearningLedger",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ]),
        .target(name: "TestSupport", dependencies: ["NeuralGraph", "ModelFiles"], path: "Tests/TestSupport"),
        .target(name: "CAllocationCounter", path: "Tests/CAllocationCounter"),
        .testTarget(
            name: "NeuralGraphTests",
            dependencies: ["NeuralGraph", "ModelFiles", "TestSupport", "CAllocationCounter"]),
        .testTarget(
            name: "ModelFilesTests", dependencies: ["ModelFiles", "TestSupport"]),
        .testTarget(
            name: "ModelInterchangeTests", dependencies: ["ModelInterchange", "TestSupport"]),
        .testTarget(
            name: "ImageDatasetsTests", dependencies: ["ImageDatasets", "CZlib", "TestSupport"]),
        .testTarget(
            name: "ImageFoldersTests",
            dependencies: ["ImageFolders", "CImageCodecs", "ImageDatasets", "TestSupport"]),
        .testTarget(
            name: "UnlearningTests", dependencies: ["Unlearning", "TestSupport"]),
        .testTarget(
            name: "PlottingTests", dependencies: ["Plotting", "CZlib", "TestSupport"]),
        .testTarget(
            name: "UnlearningReportsTests",
            dependencies: ["UnlearningReports", "Unlearning", "Plotting", "TestSupport"]),
        .testTarget(
            name: "UnlearningLedgerTests",
            dependencies: [
                "UnlearningLedger", "UnlearningReports", "Unlearning", "TestSupport",
                .product(name: "GRDB", package: "GRDB.swift"),
            ]),
        .testTarget(
            name: "CommandLineTests",
            dependencies: [
                "unlearn", "unlearn-ledger", "UnlearnCommands", "ModelInterchange", "Unlearning", "UnlearningReports",
                "UnlearningLedger", "Plotting", "TestSupport",
            ]),
    ]
)

for target in package.targets where [.regular, .executable, .test].contains(target.type) {
    target.swiftSettings = [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("InternalImportsByDefault"),
    ]
    // Modules that read files from anywhere: what is unsafe in them is marked.
    if ["ImageDatasets", "ImageFolders", "ModelFiles", "ModelInterchange"].contains(target.name) {
        target.swiftSettings?.append(.strictMemorySafety())
    }
}
