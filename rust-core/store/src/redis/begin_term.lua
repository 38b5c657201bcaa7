-- Gives the term after the last, not below a value, unless it is above a limit.
-- KEYS: term. ARGV: value, limit. Returns the term.
local last = tonumber(redis.call('GET', KEYS[1])) or 0
local next = math.max(last + 1, tonumber(ARGV[1]))
local term = string.format('%.0f', next)
if next <= tonumber(ARGV[2]) then
  redis.call('SET', KEYS[1], term)
end
return term
