import Foundation
import TestSupport
import Testing
import Unlearning

@Suite("The folder of a checkpoint", .tags(.unlearning, .files))
struct CheckpointFolderTests {
    private static let method = FineTuning(training: MethodCase.training(epochs: 2))

    private func unlearner(
        _ checkpoint: Checkpoint?, seed: UInt64 = 1, method: any UnlearningMethod = method, perClass: Int = 8,
        model: Model? = nil, validated: Bool = false
    ) async throws -> Unlearner {
        var options = RunOptions(seed: seed)
        options.checkpoint = checkpoint
        let original = if let model { model } else { try await Patterns.model }
        return Unlearner(
            model: original, retaining: try Patterns.train.samples(perClass: perClass, excluding: [0, 1]),
            validation: validated ? Patterns.test : nil, method: method, options: options)
    }

    /// A folder as a program left it that was killed after some steps.
    private func killed(at report: Int = 3) async throws -> (folders: CheckpointFolders, copy: URL) {
        let folders = try CheckpointFolders(copyingAt: [report])
        _ = try await unlearner(Checkpoint(in: folders.folder, every: .zero)).forget(
            classes: [0], progress: folders.handler)
        return (folders, try #require(folders.copies.first))
    }

    @Test("a fast run writes its description and nothing else, and finishing leaves an empty folder")
    func fastRun() async throws {
        let folders = try CheckpointFolders()
        let checkpoint = try Checkpoint(in: folders.folder, every: .seconds(3600))
        _ = try await unlearner(checkpoint).forget(classes: [0])
        #expect(try CheckpointFolders.names(folders.folder) == ["0.0-forget.run.json", "checkpoint.json"])
        try checkpoint.finish()
        #expect(try CheckpointFolders.names(folders.folder) == [])
    }

    @Test("Finishing removes what a program left that was killed while it wrote, though no state was written since")
    func partialState() async throws {
        let folders = try CheckpointFolders()
        let checkpoint = try Checkpoint(in: folders.folder, every: .seconds(3600))
        _ = try await unlearner(checkpoint).forget(classes: [0])
        try Data("half a state".utf8).write(to: folders.folder.appendingPathComponent(".7216-27dhnrmi60i6c.partial"))
        try checkpoint.finish()
        #expect(try CheckpointFolders.names(folders.folder) == [])
    }

    @Test("files that are not the checkpoint's stay")
    func otherFiles() async throws {
        let folders = try CheckpointFolders()
        try FileManager.default.createDirectory(at: folders.folder, withIntermediateDirectories: true)
        try Data("mine".utf8).write(to: folders.folder.appendingPathComponent("notes.txt"))
        let checkpoint = try Checkpoint(in: folders.folder, every: .zero)
        _ = try await unlearner(checkpoint).forget(classes: [0])
        try checkpoint.finish()
        #expect(try CheckpointFolders.names(folders.folder) == ["notes.txt"])
    }

    @Test("another run is refused by what it differs in")
    func otherRuns() async throws {
        let (folders, copy) = try await killed()
        defer { _ = folders }
        func refusal(_ make: (Checkpoint) async throws -> Unlearner) async -> String {
            await message { try await make(try Checkpoint(in: copy)).forget(classes: [0]) } ?? "not refused"
        }
        let head = "\(copy.path): has the checkpoint of another run, which differs in the "
        let remedy = "; give the same as when it was begun, or another folder"
        #expect(
            await refusal { try await unlearner($0, seed: 2) } == "\(head)seed: 1 then, 2 now\(remedy)"
        )
        let other = try await Patterns.model.perturbed(seed: 1)
        #expect(await refusal { try await unlearner($0, model: other) }.hasPrefix("\(head)model: "))
        #expect(await refusal { try await unlearner($0, perClass: 9) }.hasPrefix("\(head)retain data: 32 examples, "))
        #expect(
            await refusal { try await unlearner($0, validated: true) }.hasPrefix(
                "\(head)validation data: not given then, 300 examples, "))
        #expect(
            await refusal { try await unlearner($0, method: LastRowEdit()) }.hasPrefix(
                "\(head)method: fine-tune then, last-row now"))
        let longer = FineTuning(training: MethodCase.training(epochs: 3))
        #expect(await refusal { try await unlearner($0, method: longer) }.hasPrefix("\(head)method's settings: {"))
        let classes = await message { try await unlearner(try Checkpoint(in: copy)).forget(classes: [1]) }
        #expect(classes == "\(head)classes to forget: 0 then, 1 now\(remedy)")
        var options = RunOptions()
        options.checkpoint = try Checkpoint(in: copy)
        let model = try await Patterns.model
        let training = await message {
            try await Trainer().train(model, on: model.prepare(Patterns.train), options: options)
        }
        #expect(training == "\(head)work: forget then, train now\(remedy)")
    }

    @Test("another machine or version is refused by name")
    func otherMachine() async throws {
        let (folders, copy) = try await killed()
        defer { _ = folders }
        let run = copy.appendingPathComponent("0.0-forget.run.json")
        let kernels = ComputingEnvironment.current.matrixKernels
        let text = try String(contentsOf: run, encoding: .utf8)
        try text.replacingOccurrences(of: "\"\(kernels)\"", with: "\"Prescott\"").write(
            to: run, atomically: true, encoding: .utf8)
        let machine = await message { try await unlearner(try Checkpoint(in: copy)).forget(classes: [0]) }
        #expect(machine?.contains("differs in the OpenBLAS kernels: Prescott then, \(kernels) now") == true)
        let description = copy.appendingPathComponent("checkpoint.json")
        try CheckpointFolders.change(description) { data in
            data = Data(String(decoding: data, as: UTF8.self).replacingOccurrences(of: "0.1.0", with: "0.0.9").utf8)
        }
        let version = await message { try Checkpoint(in: copy) }
        #expect(version?.contains("differs in the program's version: 0.0.9 then, 0.1.0 now") == true)
    }

    @Test("without resuming, unfinished work is not thrown away")
    func unfinished() async throws {
        let (folders, copy) = try await killed()
        defer { _ = folders }
        #expect(
            await message { try Checkpoint(in: copy, resuming: false) }
                == "\(copy.path): has the checkpoint of an unfinished run; resume it, or give another folder")
        // A run that was refused before its first step leaves nothing to lose.
        let empty = folders.base.appendingPathComponent("empty")
        _ = try Checkpoint(in: empty)
        #expect(try !Checkpoint(in: empty, resuming: false).isResumed)
    }

    @Test("a folder in use is refused, and free once its program is gone")
    func locked() throws {
        let folders = try CheckpointFolders()
        do {
            let first = try Checkpoint(in: folders.folder)
            #expect(throws: UnlearningError.self) { try Checkpoint(in: folders.folder) }
            _ = first
        }
        _ = try Checkpoint(in: folders.folder)
    }

    @Test("what cannot be a folder is refused")
    func noFolder() async throws {
        let folders = try CheckpointFolders()
        let file = folders.base.appendingPathComponent("file")
        try Data("x".utf8).write(to: file)
        #expect(await message { try Checkpoint(in: file) }?.hasPrefix("\(file.path): cannot be used: ") == true)
    }

    /// Ways to damage a file.
    enum Damage: String, CaseIterable {
        case empty, cut, flipped, longer, other
    }

    @Test("damaged files are named and computed again, with the same result", arguments: Damage.allCases)
    func damaged(damage: Damage) async throws {
        let whole = try await unlearner(nil).forget(classes: [0])
        let (folders, copy) = try await killed(at: 4)
        defer { _ = folders }
        let files = try CheckpointFolders.names(copy).filter { $0.hasSuffix(".part") || $0.contains(".progress-") }
        #expect(files.count >= 2)
        for name in files {
            try CheckpointFolders.change(copy.appendingPathComponent(name)) { data in
                switch damage {
                case .empty: data = Data()
                case .cut: data = data.prefix(data.count * 2 / 3)
                case .flipped: data[data.count / 2] ^= 4
                case .longer: data.append(0)
                case .other: data = Data("unlearning-ckpt\nnot a header, but text".utf8)
                }
            }
        }
        let warnings = WarningLog()
        let resumed = try await unlearner(Checkpoint(in: copy, warning: warnings.handler)).forget(classes: [0])
        #expect(resumed.model.stateDictionary == whole.model.stateDictionary)
        #expect(resumed.losses == whole.losses)
        #expect(
            Set(warnings.all)
                == Set(
                    files.map { "\(copy.appendingPathComponent($0).path): is damaged, so this part is computed again" })
        )
    }

    @Test("of two states the older one serves where the newer is damaged")
    func olderState() async throws {
        let (folders, copy) = try await killed(at: 4)
        defer { _ = folders }
        let states = try CheckpointFolders.names(copy).filter { $0.contains(".progress-") }
        #expect(states.count == 2)
        let steps = try states.map { name in
            try CheckpointFile.read(
                copy.appendingPathComponent(name), part: String(name.prefix { $0 != "." })
            ).doubles("losses").count
        }
        let newer = try #require(states.indices.max { steps[$0] < steps[$1] })
        try CheckpointFolders.change(copy.appendingPathComponent(states[newer])) { $0.removeLast() }
        let log = ProgressLog()
        _ = try await unlearner(Checkpoint(in: copy)).forget(classes: [0], progress: log.handler)
        #expect(log.all.first?.step == (steps.min() ?? 0) + 1)
    }

    @Test("a damaged description is refused, since nothing tells what the run was")
    func damagedDescription() async throws {
        for name in ["checkpoint.json", "0.0-forget.run.json"] {
            let (folders, copy) = try await killed()
            defer { _ = folders }
            let file = copy.appendingPathComponent(name)
            try CheckpointFolders.change(file) { $0 = $0.prefix(20) }
            #expect(
                await message { try await unlearner(try Checkpoint(in: copy)).forget(classes: [0]) }
                    == "\(file.path): is damaged, so that nothing tells which run the checkpoint is of; remove the folder "
                    + "and start again")
        }
    }

    @Test("a disk that takes nothing gives a warning, and the run goes on")
    func fullDisk() async throws {
        let folders = try CheckpointFolders()
        let warnings = WarningLog()
        let checkpoint = try Checkpoint(in: folders.folder, every: .zero, warning: warnings.handler)
        let whole = try await unlearner(nil).forget(classes: [0])
        let gone = folders.folder
        let run = try await unlearner(checkpoint).forget(classes: [0]) { progress in
            if progress.step == 2 { try? FileManager.default.removeItem(at: gone) }
        }
        #expect(run.model.stateDictionary == whole.model.stateDictionary)
        #expect(warnings.all.first?.hasSuffix("the run goes on without a new checkpoint") == true)
    }

    @Test("values that all processes share are kept")
    func values() throws {
        let folders = try CheckpointFolders()
        let first = try Checkpoint(in: folders.folder).value("request") { "one" }
        let second = try Checkpoint(in: folders.folder).value("request") { "two" }
        #expect(first == "one")
        #expect(second == "one")
    }
}
