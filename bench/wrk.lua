-- Sends the requests that a file lists in turns: method, path, key, body, separated by tabs.
-- "once" in a fifth column gives each request an Idempotency-Key of its own; a sixth is a cookie.

local lines, at, started = {}, 0, os.time()

function init(args)
  for line in io.lines(args[1]) do
    local method, path, key, body, once, cookie =
      line:match("(.-)\t(.-)\t(.-)\t(.-)\t(.-)\t(.*)")
    table.insert(lines, { method = method, path = path, key = key, body = body, once = once, cookie = cookie })
  end
end

function request()
  at = at + 1
  local one = lines[at % #lines + 1]
  local headers = {}
  if one.cookie == "" then
    headers["Authorization"] = "Bearer " .. one.key
  else
    headers["Cookie"] = one.cookie
  end
  if one.once == "once" then
    headers["Idempotency-Key"] = started .. "-" .. at
  end
  if one.body == "" then
    return wrk.format(one.method, one.path, headers)
  end
  headers["Content-Type"] = "application/json"
  return wrk.format(one.method, one.path, headers, one.body)
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"requests": %d, "seconds": %f, "p50": %f, "p99": %f, "refused": %d, "broken": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1000,
    latency:percentile(99) / 1000, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout))
end
