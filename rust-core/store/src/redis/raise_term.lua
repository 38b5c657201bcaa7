-- Raises the last term to at least a value. KEYS: term. ARGV: value. Returns the last term.
local last = tonumber(redis.call('GET', KEYS[1])) or 0
local term = string.format('%.0f', math.max(last, tonumber(ARGV[1])))
if tonumber(term) > last then
  redis.call('SET', KEYS[1], term)
end
return term
