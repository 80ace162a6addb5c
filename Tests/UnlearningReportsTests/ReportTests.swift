import Foundation
import TestSupport
import Testing
import Unlearning
import UnlearningReports

#if canImport(FoundationXML)
    import FoundationXML
#endif

@Suite("Reports", .tags(.reports))
struct ReportTests {
    private static let sections = [
        "measures", "classes", "confusion", "run", "layers", "membership", "features", "attention", "relearning",
        "record",
    ]

    private func html(
        _ result: AuditResult = SampleAudit.result(), forgetting: ForgettingRun? = nil, noise: [Noise] = []
    ) throws -> String {
        let record = try SampleAudit.record(result, forgetting: forgetting)
        return try AuditReport(result, record: record, noise: noise).html()
    }

    /// Counts elements; the page is well-formed XML but for the first line.
    private func elements(_ html: String) throws -> [String: Int] {
        final class Counter: NSObject, XMLParserDelegate {
            var counts: [String: Int] = [:]
            var identifiers: [String] = []
            var references: [String] = []
            func parser(
                _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
                attributes: [String: String] = [:]
            ) {
                counts[name, default: 0] += 1
                if let identifier = attributes["id"] { identifiers.append(identifier) }
                if let reference = attributes["href"], reference.hasPrefix("#") {
                    references.append(String(reference.dropFirst()))
                }
                references += (attributes["aria-labelledby"] ?? "").split(separator: " ").map(String.init)
            }
        }
        let counter = Counter()
        let parser = XMLParser(data: Data(html.dropFirst("<!DOCTYPE html>\n".count).utf8))
        parser.delegate = counter
        #expect(parser.parse(), "\(String(describing: parser.parserError)) line \(parser.lineNumber)")
        #expect(Set(counter.identifiers).count == counter.identifiers.count, "an identifier is there twice")
        #expect(Set(counter.references).isSubset(of: counter.identifiers))
        return counter.counts
    }

    @Test("a full report is one well-formed page with every section and figure")
    func full() throws {
        let (run, noise) = try SampleAudit.run()
        let html = try html(forgetting: run, noise: noise)
        let counts = try elements(html)
        for section in Self.sections { #expect(html.contains("<section id=\"\(section)\"")) }
        // Gaps, classes, confusion, 3 losses, noise, probe of either kind, distance, 3 histograms, features, attention, relearning.
        #expect(counts["svg"] == 16)
        #expect(counts["figure"] == 16 && counts["figcaption"] == 16)
        // Noise: two pictures of one class. Attention: the picture and two maps.
        #expect(counts["image"] == 5)
        #expect(!html.contains("not shown"))
        #expect(!html.contains("no data"))
    }

    @Test("nothing is fetched, and texts from outside stay texts")
    func selfContained() throws {
        let html = try html()
        #expect(!html.contains("<b>"))
        #expect(!html.contains("<script"))
        let addresses = html.replacingOccurrences(of: "http://www.w3.org/2000/svg", with: "")
        #expect(!addresses.contains("http://") && !addresses.contains("https://"))
        #expect(html.contains("default-src 'none'") || html.contains("default-src &#39;none&#39;"))
    }

    @Test(
        "the verdict comes first",
        arguments: [
            (MeasureVerdict.pass, "✓ Verdict: pass"), (.overForgotten, "◐ Verdict: over-forgotten"),
            (.leak, "✗ Verdict: leak"),
        ])
    func verdict(verdict: MeasureVerdict, text: String) throws {
        let html = try html(SampleAudit.result(verdict: verdict))
        let place = try #require(html.range(of: text))
        let measures = try #require(html.range(of: "<section"))
        #expect(place.lowerBound < measures.lowerBound)
        #expect(html.contains("What this does not prove") && html.contains("That nothing is left"))
    }

    @Test("what is missing for a verdict, and limits looser than the default, stand beside it")
    func evidence() throws {
        var sample = SampleAudit.result(verdict: .pass)
        let measures = sample.measures.filter { $0.measure.identifier != .membershipLoss }
        var configuration = sample.configuration
        configuration.thresholds[.retainAccuracyTest] = []
        sample = AuditResult(
            forgottenClasses: [2], classNames: SampleAudit.classNames, measures: measures, retrainedModels: 2,
            configuration: configuration)
        sample.figures = SampleAudit.figures
        let html = try html(sample)
        _ = try elements(html)
        let place = try #require(html.range(of: "? Verdict: incomplete"))
        let reason = try #require(html.range(of: "<li>no measure of leakage was judged that finds the original: "))
        let looser = try #require(
            html.range(of: "<li>retain-accuracy-test below retrained: no limit, the default is the retrained models"))
        let table = try #require(html.range(of: "<section"))
        #expect(place.upperBound < reason.lowerBound && reason.upperBound < looser.lowerBound)
        #expect(looser.upperBound < table.lowerBound)
        let passing = try self.html(SampleAudit.result(verdict: .pass))
        #expect(!passing.contains("There is not enough evidence") && !passing.contains("looser than"))
    }

    @Test("limits are in words, by measure, and settings that are on or off say so")
    func settings() throws {
        var sample = SampleAudit.result(verdict: .pass)
        let html = try html(sample)
        #expect(html.contains("<dt>forget-accuracy-test</dt><dd>Leak if more than 2 points above retrained. "))
        #expect(html.contains("Without that reference: leak if more than 2 points above zero.</dd>"))
        #expect(html.contains("Leak if more than 3 points above retrained and beyond the retrained models"))
        #expect(html.contains("makes figures</th><td data-label=\"value\">yes</td>"))
        #expect(!html.contains("thresholds, limits"))
        var configuration = sample.configuration
        configuration.thresholds = AuditThresholds()
        sample = AuditResult(
            forgottenClasses: [2], classNames: SampleAudit.classNames, measures: sample.measures,
            configuration: configuration)
        #expect(try !self.html(sample).contains("Limits of the audit"))
    }

    @Test("words that promise too much are not in it")
    func words() throws {
        let (run, noise) = try SampleAudit.run()
        let text = try html(forgetting: run, noise: noise).lowercased()
        for word in ["erased", "certified", "gdpr", "compliant", "guarantee"] { #expect(!text.contains(word)) }
    }

    @Test("what there is no data for is left out, with the reason")
    func empty() throws {
        let html = try html(SampleAudit.result(figures: AuditFigures()))
        let counts = try elements(html)
        #expect(counts["svg"] == 1, "the gaps are no figures of the audit's")
        for section in Self.sections { #expect(html.contains("<section id=\"\(section)\"")) }
        #expect(html.contains("there are too few examples of &lt;owl&gt;"))
        #expect(html.components(separatedBy: "not shown").count == 9)
    }

    @Test("numbers have their units, and gaps their signs")
    func numbers() throws {
        let share = MeasureDescription.Unit.share
        #expect(share.differenceText(-0.0123) == "−1.2 points")
        #expect(share.differenceText(0.5) == "+50.0 points")
        #expect(share.differenceText(-0.0001) == "0.0 points" && share.differenceText(0, isShort: true) == "0.0")
        #expect(MeasureDescription.Unit.steps.differenceText(4) == "+4")
        #expect(MeasureDescription.Unit.bits.differenceText(-0.5) == "−0.5 bits")
        #expect(
            MeasureThreshold(.above, .retrained, limit: 0.1).text(share)
                == "Leak if more than 10 points above retrained")
        let measure = SampleAudit.measure(.relearnTime, (1, 2, 3), unit: .steps).measure
        #expect(measure.text(MeasureValue(60, isLowerBound: true)) == "≥ 60")
        #expect(measure.text(nil as MeasureValue?) == "–")
        #expect(measure.text(MeasureValue(5, isUpperBound: true)) == "≤ 5")
        #expect(measure.text(MeasureValue(5, isLowerBound: true, isUpperBound: true)) == "unknown")
        #expect(measure.gapText(MeasureValue(-5, isUpperBound: true)) == "≤ −5")
    }

    @Test("a hundred classes are not all drawn, but all in the table")
    func manyClasses() throws {
        var figures = AuditFigures()
        figures.classAccuracy = (0..<100).map { index in
            ClassAccuracyFigure(
                index: index, name: "class number \(index)", relation: index == 0 ? .forgotten : .remote,
                accuracy: ByModel(original: 0.9, unlearned: index == 57 ? 0.1 : 0.9))
        }
        let html = try html(SampleAudit.result(figures: figures))
        #expect(html.contains("20 of 100"))
        #expect(html.components(separatedBy: "class=\"bar\"").count - 1 == 40 + 3)
        for index in [0, 57, 99] { #expect(html.contains("class number \(index)")) }
    }

    @Test("a report that cannot be written leaves nothing")
    func unwritable() throws {
        let report = AuditReport(SampleAudit.result(), record: try SampleAudit.record())
        #expect(throws: FileError.self) {
            try report.write(to: URL(fileURLWithPath: "/nowhere/at/all/report.html"))
        }
    }
}
