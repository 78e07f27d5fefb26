-- HAProxy asks postern about a request (specification 7.2). The action sets
-- txn.allowed to true if postern answers 200, and to false whatever else happens.

local address = os.getenv("POSTERN_ADDRESS") or "http://127.0.0.1:8180"
local secret = os.getenv("POSTERN_SECRET") or ""
local org = os.getenv("POSTERN_ORG") or "acme"
local keys = Map.new(os.getenv("POSTERN_KEYS") or "/etc/haproxy/keys.map", Map._str)

-- The access key that a request names: in its header, or in its query where it was
-- presigned. postern denies a request that names two.
local function access_key(txn)
  local query = "&" .. (txn.sf:query() or "") .. "&"
  local header = txn.sf:req_fhdr("authorization") or ""
  return query:match("&X%-Amz%-Credential=([%w_.-]+)/") or query:match("&X%-Amz%-Credential=([%w_.-]+)%%2[Ff]")
    or query:match("&AWSAccessKeyId=([%w_.-]+)&")
    or header:match("^AWS4%-HMAC%-SHA256 Credential=([%w_.-]+)/") or header:match("^AWS ([%w_.-]+):")
end

-- Headers of the client that are not passed on: those of its connection, and all
-- that postern believes.
local own = {
  ["connection"] = true, ["content-length"] = true, ["expect"] = true, ["host"] = true, ["origin"] = true,
  ["transfer-encoding"] = true, ["upgrade"] = true,
  ["x-original-method"] = true, ["x-original-uri"] = true, ["x-original-host"] = true,
  ["x-original-client"] = true, ["x-original-tls"] = true, ["x-postern-secret"] = true,
  ["x-postern-org"] = true, ["x-postern-principal"] = true, ["x-postern-principals"] = true,
  ["x-postern-groups"] = true, ["x-client-cert"] = true, ["x-client-verify"] = true,
}

core.register_action("postern", {"http-req"}, function(txn)
  txn:set_var("txn.allowed", false)
  local headers = {}
  for name, values in pairs(txn.http:req_get_headers()) do
    if not own[name] then
      local list = {}
      for i, value in pairs(values) do list[#list + 1] = value end
      headers[name] = list
    end
  end
  headers["host"] = { "localhost" }
  headers["x-postern-secret"] = { secret }
  headers["x-original-method"] = { txn.sf:method() }
  headers["x-original-uri"] = { txn.sf:pathq() }
  headers["x-original-host"] = { txn.sf:req_fhdr("host") }
  headers["x-original-client"] = { txn.sf:src() }
  local tls = txn.f:ssl_fc_protocol()
  headers["x-original-tls"] = { tls and tls ~= "" and tls or "none" }
  local key = access_key(txn)
  headers["x-postern-org"] = { org }
  headers["x-postern-principal"] = { key and keys:lookup(key) or "" }

  -- Who comes with a certificate instead (-identity cert -client-ca FILE): `verify
  -- required ca-file FILE` behind bind, without the two lines above, and
  -- headers["x-client-cert"] = { txn.c:base64(txn.f:ssl_c_der()) }
  -- headers["x-client-verify"] = { txn.f:ssl_c_verify() == 0 and "SUCCESS" or "FAILED" }

  local answer = core.httpclient():get{ url = address .. "/authorize", headers = headers, timeout = 2000 }
  txn:set_var("txn.allowed", answer ~= nil and answer.status == 200)
end)
