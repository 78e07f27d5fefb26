// Report runs the project's benchmarks and writes benchmarks/RESULTS.md, with a
// table for each mark of specification 5, and the plots beside it.
//
//	go run ./benchmarks/report          runs everything, some 20 minutes
//	go run ./benchmarks/report -quick   small sizes and few runs, some 3 minutes
//	go run ./benchmarks/report -from DIR   reads what a run with -keep DIR left
//
// Run it from the repository's root, on a machine that does nothing else. What
// did not run is shown as not measured, and no mark is met without its figures.
//
// Files: stages.go is what is run, run.go runs it, parse.go reads what it
// printed; mark.go and marks*.go hold figures against marks; document.go writes
// RESULTS.md from RESULTS.tmpl, which holds what is known in prose; chart.go draws
// a line chart, plots.go says which.
package main
