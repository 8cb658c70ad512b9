-- Asks for one line of a file after the other: PATH, and after each tabulator a header. Says what it found as one JSON object.
local prepared, turn, asked = {}, 0, 0

function init(arguments)
  for line in io.lines(arguments[1]) do
    local words = {}
    for word in line:gmatch("[^\t]+") do
      words[#words + 1] = word
    end
    local headers = {["Host"] = "127.0.0.1"}
    for place = 2, #words do
      local name, value = words[place]:match("^(.-): (.*)$")
      headers[name] = value
    end
    prepared[#prepared + 1] = wrk.format("GET", words[1], headers)
  end
end

function request()
  turn = turn % #prepared + 1
  return prepared[turn]
end

function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    '\n{"seconds": %.6f, "requests": %d, "errors": %d, "p50": %.6f, "p99": %.6f}\n', summary.duration / 1e6, summary.requests,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout, latency:percentile(50) / 1e6,
    latency:percentile(99) / 1e6))
end
