-- What BenchmarkServers has wrk ask: the questions of a file, one a line, over
-- and over, each thread from a place of its own. Arguments: path, file.
local requests, at = {}, 0
local threads = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

function init(args)
  wrk.headers["Content-Type"] = "application/json"
  for line in io.lines(args[2]) do
    requests[#requests + 1] = wrk.format("POST", args[1], nil, line)
  end
  at = number * math.floor(#requests / 2)
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format("figures: %d requests in %d us, %d errors, p50 %d us, p99 %d us\n", summary.requests, summary.duration,
    e.connect + e.read + e.write + e.status + e.timeout, latency:percentile(50), latency:percentile(99)))
end
