// Report runs the project's benchmarks and writes benchmarks/RESULTS.md, with a
// table for each mark of specification 5, and the plots beside it.
//
//	go run ./benchmarks/report          runs everything, some 45 minutes
//	go run ./benchmarks/report -quick   small sizes and few runs, some 6 minutes
//	go run ./benchmarks/report -keep DIR -only tail,http   repeats two stages of a run that kept the others in DIR
//	go run ./benchmarks/report -from DIR   runs nothing and reads what is in DIR
//	go run ./benchmarks/report -from DIR -readme README.md   also writes README's table of figures
//
// Run it from the repository's root, on a machine that does nothing else, with
// wrk and npm installed. What a stage printed is kept as soon as it has ended,
// so that one that fails, or an interrupt, takes nothing from the others. What
// did not run is shown as not measured, and no mark is met without its figures.
//
// Files: stages.go is what is run, run.go runs it, parse.go reads what it
// printed; mark.go and marks*.go hold figures against marks; document.go writes
// RESULTS.md from RESULTS.tmpl, which holds what is known in prose, readme.go
// README's table; chart.go draws
// a line chart, plots.go says which.
package main
