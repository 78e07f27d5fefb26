-- What wrk asks a server: one evaluation of examples/policies, as an AuthZEN
-- client posts it. wrk does not look at bodies; with CHECK=1 this does, at a
-- price that both servers pay, and counts the answers that are no allow.
wrk.method = "POST"
wrk.path = "/access/v1/evaluation"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"subject": {"type": "role", "id": "Admin", "properties": {"org": "acme"}}, ' ..
  '"action": {"name": "s3:GetObject"}, "resource": {"type": "object", "id": "training-data/shard-0001"}}'

if os.getenv("CHECK") == "1" then
  local threads = {}
  function setup(thread)
    table.insert(threads, thread)
  end
  function init()
    wrong = 0
  end
  function response(status, headers, body)
    if status ~= 200 or body ~= '{"decision":true}' then
      wrong = wrong + 1
    end
  end
  function done(summary)
    local wrong = 0
    for _, thread in ipairs(threads) do
      wrong = wrong + thread:get("wrong")
    end
    io.write(string.format("%d of %d answers were wrong\n", wrong, summary.requests))
  end
end
