import Foundation
import TestSupport
import Testing

@Suite("One seed, one result", .tags(.commandLine))
struct DeterminismTests {
    let materials: Materials
    let folder: TemporaryFolder

    init() throws {
        materials = try Materials.shared.get()
        folder = try TemporaryFolder()
    }

    @Test("forget writes the same bytes from run to run and on one and two threads")
    func forgets() throws {
        let files = try ["1", "2", "2"].enumerated().map { position, threads in
            let output = folder.path("\(position).safetensors")
            let ending = try Program.run([
                "forget", materials.model, "--classes", "4", "--retain", materials.dataset,
                "--samples-per-class", "10", "--output", output, "--threads", threads, "--seed", "7",
            ])
            #expect(ending.status == 0, "\(ending.errors)")
            return try Data(contentsOf: URL(fileURLWithPath: output))
        }
        #expect(files[0] == files[1])
        #expect(files[1] == files[2])
    }

    @Test("train writes the same bytes on one and two threads, and others with another seed")
    func trains() throws {
        let files = try [("1", "5"), ("2", "5"), ("2", "6")].enumerated().map { position, run in
            let output = folder.path("\(position).safetensors")
            let ending = try Program.run(
                [
                    "train", "--dataset", materials.dataset, "--epochs", "1", "--batch-size", "32",
                    "--augment",
                    "--output", output, "--threads", run.0, "--seed", run.1,
                ] + Materials.network)
            #expect(ending.status == 0, "\(ending.errors)")
            return try Data(contentsOf: URL(fileURLWithPath: output))
        }
        #expect(files[0] == files[1])
        #expect(files[1] != files[2])
    }
}
