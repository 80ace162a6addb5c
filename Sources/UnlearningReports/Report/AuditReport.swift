import Foundation
import Plotting
import Unlearning

/// An audit as one HTML file for people: the verdict first, then everything that was measured, as plots and tables. It
/// needs no network, and reads on a phone, on paper, and in light and dark.
public struct AuditReport: Sendable {
    /// What the audit found.
    public let result: AuditResult
    /// The record that belongs to it.
    public let record: AuditRecord
    /// The noise that was learned, to be shown; empty if it is not at hand.
    public let noise: [Noise]

    /// Puts a report together.
    /// - Parameters:
    ///   - result: what the audit found, with its figures.
    ///   - record: the record that belongs to it.
    ///   - noise: the noise that was learned, if it is to be shown.
    public init(_ result: AuditResult, record: AuditRecord, noise: [Noise] = []) {
        self.result = result
        self.record = record
        self.noise = noise
    }

    /// Writes the report. The file is whole or not there.
    /// - Throws: `FileError` if it cannot be written, or what encoding the record throws.
    public func write(to url: URL) throws {
        try AtomicFile.write(Data(try html().utf8), to: url)
    }

    /// The report's text.
    /// - Throws: what encoding the record throws.
    public func html() throws -> String {
        var page = Page()
        addMeasures(to: &page)
        addClasses(to: &page)
        addConfusion(to: &page)
        addRun(to: &page)
        addLayers(to: &page)
        addMembership(to: &page)
        addEmbeddings(to: &page)
        addAttention(to: &page)
        addRelearning(to: &page)
        try addRecord(to: &page)

        return page.document(title: title) { addSummary(to: &$0) }
    }

    /// The forgotten classes in words.
    var forgottenNames: String {
        if let samples = result.forgottenSamples { return "\(samples) samples" }
        return result.forgottenClasses.map(result.classNames.className).inWords
    }

    private var title: String { "Unlearning audit: \(forgottenNames)" }
}
