-- Raises a number to at least a value. KEYS: the number. ARGV: value. Returns the number.
local kept = tonumber(redis.call('GET', KEYS[1])) or 0
local raised = string.format('%.0f', math.max(kept, tonumber(ARGV[1])))
if tonumber(raised) > kept then
  redis.call('SET', KEYS[1], raised)
end
return raised
