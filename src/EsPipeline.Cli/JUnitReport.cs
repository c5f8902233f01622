using System.Globalization;
using System.Text;
using System.Xml;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Planning;

namespace EsPipeline.Cli;

/// <summary>
/// A plan as a JUnit report, in the form that build servers read: one suite, a case for the sink, one for the keys, and one for each cause for
/// which records would be set aside. Keys that come again fail nothing: they are in their case's output.
/// </summary>
internal static class JUnitReport
{
    /// <summary>The whole document.</summary>
    public static string Of(Settings settings, RunPlan plan)
    {
        var suite = $"espipe plan {settings.Source.Name} to {settings.Sink.Name}";
        var sinkFails = plan.SinkProblem is { Kind: not FailureKind.Transient };
        var cases = Math.Max(1, plan.Problems.Count) + 2;
        var failures = plan.Problems.Count + (sinkFails ? 1 : 0);
        var text = new StringBuilder();
        using (var xml = XmlWriter.Create(text, new XmlWriterSettings { Indent = true, OmitXmlDeclaration = true }))
        {
            xml.WriteStartElement("testsuites");
            xml.WriteStartElement("testsuite");
            Attribute(xml, "name", suite);
            Attribute(xml, "tests", Number(cases));
            Attribute(xml, "failures", Number(failures));
            Attribute(xml, "errors", "0");
            Attribute(xml, "skipped", plan.SinkProblem is not null && !sinkFails ? "1" : "0");
            WriteCase(xml, suite, "the sink fits", () => WriteSink(xml, plan.SinkProblem, sinkFails));
            if (plan.Problems.Count == 0) WriteCase(xml, suite, "every record can be written", () => { });
            foreach (var problem in plan.Problems) WriteCase(xml, suite, $"no record fails with {problem.Error.Code}", () => WriteProblem(xml, problem));
            WriteCase(xml, suite, "keys", () => WriteDuplicates(xml, plan.Duplicates));
            Element(xml, "system-out", string.Join('\n', PlanReport.Lines(settings, plan)));
            xml.WriteEndElement();
            xml.WriteEndElement();
        }

        return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + text;
    }

    private static void WriteCase(XmlWriter xml, string suite, string name, Action content)
    {
        xml.WriteStartElement("testcase");
        Attribute(xml, "classname", suite);
        Attribute(xml, "name", name);
        Attribute(xml, "time", "0");
        content();
        xml.WriteEndElement();
    }

    private static void WriteSink(XmlWriter xml, PipelineException? problem, bool fails)
    {
        if (problem is null) return;
        xml.WriteStartElement(fails ? "failure" : "skipped");
        Attribute(xml, "message", $"{PlanReport.SinkText(problem)}: {problem.Message}");
        if (fails)
        {
            Attribute(xml, "type", problem.Code);
            xml.WriteString(Valid($"{problem.Message} {problem.Remedy}"));
        }

        xml.WriteEndElement();
    }

    private static void WriteProblem(XmlWriter xml, ProblemGroup problem)
    {
        xml.WriteStartElement("failure");
        Attribute(xml, "type", problem.Error.Code);
        Attribute(xml, "message", $"{Number(problem.Count)} records: {problem.Error.Meaning}");
        xml.WriteString(Valid(string.Join('\n', problem.Worst.Select(ProblemReport.RecordText).Append(problem.Remedy))));
        xml.WriteEndElement();
    }

    private static void WriteDuplicates(XmlWriter xml, DuplicateKeys? duplicates)
    {
        if (duplicates is not { Count: > 0 }) return;
        Element(xml, "system-out", string.Join('\n', duplicates.First.Select(PlanReport.DuplicateText).Prepend(PlanReport.DuplicatesText(duplicates))));
    }

    private static void Attribute(XmlWriter xml, string name, string value) => xml.WriteAttributeString(name, Valid(value));

    private static void Element(XmlWriter xml, string name, string value) => xml.WriteElementString(name, Valid(value));

    // Documents may hold characters that XML 1.0 can't.
    private static string Valid(string text)
    {
        var valid = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            var allowed = rune.Value is '\t' or '\n' or (>= 0x20 and not (0xFFFE or 0xFFFF));
            valid.Append(allowed ? rune.ToString() : $"\\x{rune.Value:x2}");
        }

        return valid.ToString();
    }

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);
}
