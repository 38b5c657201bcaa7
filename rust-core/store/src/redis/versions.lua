-- Term and number of every key; 0 and 0 where a value cannot be understood. KEYS: stamped.
-- Returns key, term and number, one after the other.
local versions = {}
local kept = redis.call('HGETALL', KEYS[1])
for i = 1, #kept, 2 do
  local term, number = string.match(kept[i + 1], '^(%d+) (%d+) ')
  versions[#versions + 1] = kept[i]
  versions[#versions + 1] = term or '0'
  versions[#versions + 1] = number or '0'
end
return versions
