module postern/deploy/test

go 1.26.0
