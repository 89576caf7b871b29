package main

import (
	"io"
	"net/url"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"
	"trikk.dev/engine/config"
)

// writeSARIF writes SARIF 2.1.0, as GitHub's code scanning and others read it.
func writeSARIF(w io.Writer, r report) error {
	if err := sarifOf(r).PrettyWrite(w); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func sarifOf(r report) *sarif.Report {
	driver := sarif.NewToolComponent().WithName("trikk").WithVersion(buildVersion()).WithIsComprehensive(false)
	run := sarif.NewRun().WithTool(sarif.NewTool().WithDriver(driver)).WithColumnKind("utf16CodeUnits")
	for _, rule := range config.Rules() {
		driver.AddRule(sarif.NewRule(rule.ID).WithShortDescription(sarifText(rule.What)).WithFullDescription(sarifText(rule.What + " " + rule.Help)).WithHelp(sarifText(rule.Help)))
	}
	for _, f := range r.findings {
		run.AddResult(sarifResult(run, f))
	}
	ran := sarif.NewInvocation().WithExecutionSuccessful(r.failed == "")
	if r.failed != "" {
		ran.AddToolExecutionNotification(sarif.NewNotification().WithLevel(levelMistake).WithMessage(sarif.NewTextMessage(r.failed)))
	}
	run.AddInvocation(ran)
	return sarif.NewReport().AddRun(run)
}

func sarifText(text string) *sarif.MultiformatMessageString {
	return sarif.NewMultiformatMessageString().WithText(text)
}

// sarifResult is one finding. Of a file as a whole there is no region.
func sarifResult(run *sarif.Run, f finding) *sarif.Result {
	out := sarif.NewRuleResult(f.rule).WithRuleIndex(run.GetRuleIndex(f.rule)).WithLevel(f.level).WithMessage(sarif.NewTextMessage(f.text)).
		WithPartialFingerprints(map[string]string{"trikk/v1": f.print})
	if f.file == "" {
		return out
	}
	at := sarif.NewPhysicalLocation().WithArtifactLocation(sarif.NewSimpleArtifactLocation((&url.URL{Path: f.file}).String()).WithURIBaseID("%SRCROOT%"))
	if f.line > 0 {
		at = at.WithRegion(sarif.NewRegion().WithStartLine(f.line).WithStartColumn(max(f.column, 1)))
	}
	return out.AddLocation(sarif.NewLocationWithPhysicalLocation(at))
}
